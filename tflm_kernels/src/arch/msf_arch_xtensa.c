/*
 * The inner loops for Xtensa cores (ESP8266, ESP32). Bytes are loaded without their sign, and MUL16S takes the lower
 * halves of registers: a value shifted left by 8 bits is a signed half, so that products come out times 256.
 */
#include "arch/msf_arch.h"

#ifdef MSF_ARCH_XTENSA

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 4")

#define PIECE 508 /* products whose sum, times 256, fits a register */
#define BLOCK 2   /* pixels, and channels */

/* A value times 256 in the lower half; what is above does not count. */
static ALWAYS_INLINE int32_t widen(const int8_t *x) { return (int32_t)((uint32_t) * (const uint8_t *)x << 8); }

/* Byte k of a word. */
static ALWAYS_INLINE int32_t weight(uint32_t word, int k) { return (int32_t)(word << (24 - 8 * k)) >> 24; }

/* Adds the product of the lower halves. In one piece, or compilers compute all products first and run out of registers. */
static ALWAYS_INLINE void add_product(int32_t *sum, int32_t a, int32_t b) {
  int32_t product;
  __asm__ volatile("mul16s %1, %2, %3\n\tadd %0, %0, %1" : "+r"(*sum), "=&r"(product) : "r"(a), "r"(b));
}

/* Adds n values (at most PIECE) of some pixels times the weights of two channels. */
static ALWAYS_INLINE void add_piece(int32_t (*sums)[BLOCK], const uint32_t *w, const int8_t **at, int32_t n,
                                    const int pixels) {
  const int8_t *const end = at[0] + n;
  int32_t sum[BLOCK][BLOCK] = {{0, 0}, {0, 0}};
  do {
    const uint32_t w0 = w[0], w1 = w[1];
    UNROLL for (int k = 0; k < 4; k++) {
      const int32_t a = weight(w0, k), b = weight(w1, k);
      UNROLL for (int p = 0; p < pixels; p++) {
        const int32_t value = widen(at[p] + k);
        add_product(&sum[p][0], a, value);
        add_product(&sum[p][1], b, value);
      }
    }
    w += 2;
    UNROLL for (int p = 0; p < pixels; p++) at[p] += 4;
  } while (at[0] != end);
  UNROLL for (int p = 0; p < pixels; p++) {
    sums[p][0] = msf_wrap_add(sums[p][0], sum[p][0] >> 8);
    sums[p][1] = msf_wrap_add(sums[p][1], sum[p][1] >> 8);
  }
}

/* All pairs of channels of some pixels from `first` on. */
static ALWAYS_INLINE void convolve_pairs(const msf_job *job, const int8_t *const *x, int32_t first, const int pixels) {
  const msf_scales scales = job->scales;
  const uint32_t *w = (const uint32_t *)(const void *)job->weights;
  int8_t *out = job->out + first * job->channels;
  for (int32_t o = 0; o + 2 <= job->channels; o += 2) {
    const int8_t *const *segment = x + first;
    int32_t sums[BLOCK][BLOCK];
    UNROLL for (int p = 0; p < pixels; p++) {
      sums[p][0] = scales.bias[o];
      sums[p][1] = scales.bias[o + 1];
    }
    for (int32_t k = 0; k < job->segments; k++, segment += job->across) {
      const int8_t *at[BLOCK];
      UNROLL for (int p = 0; p < pixels; p++) at[p] = segment[p];
      for (int32_t left = job->length; left > 0; left -= PIECE) {
        const int32_t n = msf_min(left, PIECE);
        add_piece(sums, w, at, n, pixels);
        w += n / 2;
      }
    }
    UNROLL for (int i = 0; i < 2; i++) {
      const uint32_t multiplier = scales.multipliers[o + i], shift = scales.shifts[o + i];
      UNROLL for (int p = 0; p < pixels; p++) {
        out[p * job->channels + o + i] = msf_requantize_short(&scales, sums[p][i], multiplier, shift);
      }
    }
  }
}

static MSF_NOINLINE void convolve_blocks(const msf_job *job, const int8_t *const *x) {
  int32_t p = 0;
  for (; p + BLOCK <= job->pixels; p += BLOCK) convolve_pairs(job, x, p, BLOCK);
  if (p < job->pixels) convolve_pairs(job, x, p, 1);
}

void msf_convolve(const msf_job *job, const int8_t *const *x) {
  convolve_blocks(job, x);
  msf_convolve_from(job, x, job->channels & ~1);
}

/* Four channels of one pixel from channel o on; w: their weights. Taps are few enough for one piece. */
static ALWAYS_INLINE void convolve_four(const msf_scales *scales, const uint32_t *w, const int8_t *const *x,
                                        int32_t taps, int32_t o, int8_t *out) {
  int32_t sum[4] = {0, 0, 0, 0};
  for (const uint32_t *end = w + taps; w != end; x++, w++) {
    const int8_t *pixel = *x + o;
    const uint32_t word = *w;
    __asm__("" : "+r"(pixel)); /* or four addresses are computed instead of one */
    UNROLL for (int i = 0; i < 4; i++) { add_product(&sum[i], weight(word, i), widen(pixel + i)); }
  }
  UNROLL for (int i = 0; i < 4; i++) {
    const int32_t total = msf_wrap_add(scales->bias[o + i], sum[i] >> 8);
    out[i] = msf_requantize_short(scales, total, scales->multipliers[o + i], scales->shifts[o + i]);
  }
}

void msf_convolve_depthwise(const msf_job *job, const int8_t *const *x) {
  const msf_scales scales = job->scales;
  const uint32_t *w = (const uint32_t *)(const void *)job->weights;
  for (int32_t o = 0; o + 4 <= job->channels; o += 4, w += job->segments) {
    const int8_t *const *taps = x;
    for (int32_t p = 0; p < job->pixels; p++, taps += job->segments) {
      convolve_four(&scales, w, taps, job->segments, o, job->out + p * job->channels + o);
    }
  }
  msf_convolve_depthwise_from(job, x, job->channels & ~3);
}

#endif /* MSF_ARCH_XTENSA */
