/* The inner loops in plain C99, for any core with a multiplier. */
#include "arch/msf_arch.h"

#ifdef MSF_ARCH_PORTABLE

#include "arch/msf_arch_portable.h"

#if defined(__GNUC__)
#define ALWAYS_INLINE inline __attribute__((always_inline))
/* Keeps the compiler from computing all products first: they would need more registers than there are. */
#define IN_ORDER(sum) __asm__ volatile("" : "+r"(sum)::"memory")
#else
#define ALWAYS_INLINE inline
#define IN_ORDER(sum) ((void)0)
#endif
#if defined(__GNUC__) && !defined(__clang__)
#define UNROLL _Pragma("GCC unroll 4")
#else
#define UNROLL
#endif

#ifndef MSF_HAS_SEGMENT_OF_ONE

/* Adds a segment of `pixels` windows to the sums of two channels. */
static ALWAYS_INLINE void add_segment(int32_t (*sums)[2], const int8_t *w, const int8_t *const *x, int32_t n,
                                      const int pixels) {
  const int8_t *at[MSF_PIXELS] = {0};
  int32_t sum[MSF_PIXELS][2];
  UNROLL for (int p = 0; p < pixels; p++) {
    at[p] = x[p];
    sum[p][0] = sums[p][0];
    sum[p][1] = sums[p][1];
  }
  for (const int8_t *end = at[0] + n; at[0] != end; w += 8) {
    UNROLL for (int k = 0; k < 4; k++) {
      const int8_t w0 = w[k], w1 = w[4 + k];
      UNROLL for (int p = 0; p < pixels; p++) {
        const int8_t value = at[p][k];
        sum[p][0] = msf_mac(sum[p][0], w0, value);
        sum[p][1] = msf_mac(sum[p][1], w1, value);
        IN_ORDER(sum[p][0]);
        IN_ORDER(sum[p][1]);
      }
    }
    UNROLL for (int p = 0; p < pixels; p++) at[p] += 4;
  }
  UNROLL for (int p = 0; p < pixels; p++) {
    sums[p][0] = sum[p][0];
    sums[p][1] = sum[p][1];
  }
}

/* Pixels from `first` on. */
static ALWAYS_INLINE void convolve_pairs(const msf_job *job, const int8_t *const *x, int32_t first, const int pixels) {
  const msf_scales scales = job->scales;
  const int8_t *w = job->weights;
  int8_t *out = job->out + first * job->channels;
  for (int32_t o = 0; o + 2 <= job->channels; o += 2) {
    const int8_t *const *at = x + first;
    int32_t sums[MSF_PIXELS][2];
    UNROLL for (int p = 0; p < pixels; p++) {
      sums[p][0] = scales.bias[o];
      sums[p][1] = scales.bias[o + 1];
    }
    for (int32_t k = 0; k < job->segments; k++, w += 2 * job->length, at += job->across) {
      add_segment(sums, w, at, job->length, pixels);
    }
    for (int i = 0; i < 2; i++) {
      const uint32_t multiplier = scales.multipliers[o + i], shift = scales.shifts[o + i];
      UNROLL for (int p = 0; p < pixels; p++) {
        out[p * job->channels + o + i] = msf_requantize_short(&scales, sums[p][i], multiplier, shift);
      }
    }
  }
}

void msf_add_segment_of_one(int32_t *sums, const int8_t *w, const int8_t *v, const int8_t *x, int32_t n) {
  int32_t a = sums[0], b = sums[1], c = sums[2], d = sums[3];
  for (const int8_t *end = x + n; x != end; x += 4, w += 8, v += 8) {
    UNROLL for (int k = 0; k < 4; k++) {
      const int8_t value = x[k];
      a = msf_mac(a, w[k], value);
      b = msf_mac(b, w[4 + k], value);
      c = msf_mac(c, v[k], value);
      d = msf_mac(d, v[4 + k], value);
      IN_ORDER(d);
    }
  }
  sums[0] = a;
  sums[1] = b;
  sums[2] = c;
  sums[3] = d;
}

#endif

/* All pairs of channels of pixel p, four channels at a time; the last four may have been made before. */
static MSF_NOINLINE void convolve_fours(const msf_job *job, const int8_t *const *x, int32_t p) {
  const msf_scales scales = job->scales;
  const int32_t last = (job->channels & ~1) - 4, of_pair = 2 * job->segments * job->length;
  int8_t *out = job->out + p * job->channels;
  x += p;
  for (int32_t o = 0;; o = msf_min(o + 4, last)) {
    const int8_t *const *at = x;
    const int8_t *w = job->weights + (o >> 1) * of_pair;
    int32_t sums[4];
    UNROLL for (int i = 0; i < 4; i++) sums[i] = scales.bias[o + i];
    for (int32_t k = job->segments; k > 0; k--, at += job->across, w += 2 * job->length) {
      msf_add_segment_of_one(sums, w, w + of_pair, *at, job->length);
    }
    for (int32_t i = 0; i < 4; i++) {
      out[o + i] = msf_requantize_short(&scales, sums[i], scales.multipliers[o + i], scales.shifts[o + i]);
    }
    if (o == last) break;
  }
}

#if defined(MSF_HAS_SEGMENT_OF_ONE)

void msf_convolve(const msf_job *job, const int8_t *const *x) {
  if (job->channels > 3) {
    for (int32_t p = 0; p < job->pixels; p++) convolve_fours(job, x, p);
  }
  msf_convolve_from(job, x, job->channels > 3 ? job->channels & ~1 : 0);
}

#else

/* All pairs of channels of pairs of pixels. */
static MSF_NOINLINE void convolve_even(const msf_job *job, const int8_t *const *x) {
  if (job->pixels == 4) {
    convolve_pairs(job, x, 0, 4);
  } else if (job->pixels >= 2) {
    convolve_pairs(job, x, 0, 2);
  }
}

/* All pairs of channels of the last pixel, or with them all channels. */
static void convolve_last(const msf_job *job, const int8_t *const *x) {
  if (job->channels > 3) {
    convolve_fours(job, x, job->pixels - 1);
  } else if (job->channels > 1) {
    msf_convolve_last(job, x);
  }
}

void msf_convolve(const msf_job *job, const int8_t *const *x) {
  convolve_even(job, x);
  if (job->pixels % 2 != 0) convolve_last(job, x);
  msf_convolve_from(job, x, job->channels & ~1);
}

#endif

/* Adds the products of all taps to the sums of four channels from o on; w: their weights. */
static ALWAYS_INLINE void add_taps(int32_t *sum, const int8_t *w, const int8_t *const *x, int32_t o, int32_t taps,
                                   int is_aligned) {
#if defined(MSF_HAS_TAPS)
  if (is_aligned) {
    msf_add_taps(sum, w, x, o, taps);
    return;
  }
#endif
  (void)is_aligned;
  for (const int8_t *end = w + 4 * taps; w != end; x++, w += 4) {
    const int8_t *pixel = *x + o;
    IN_ORDER(pixel);
    UNROLL for (int i = 0; i < 4; i++) sum[i] = msf_mac(sum[i], w[i], pixel[i]);
  }
}

void msf_convolve_depthwise(const msf_job *job, const int8_t *const *x) {
  const msf_scales scales = job->scales;
  const int8_t *w = job->weights;
  const int is_aligned = job->channels % 4 == 0;
  for (int32_t o = 0; o + 4 <= job->channels; o += 4, w += 4 * job->segments) {
    const int8_t *const *taps = x;
    int8_t *out = job->out + o;
    for (int32_t p = 0; p < job->pixels; p++, taps += job->segments, out += job->channels) {
      int32_t sum[4];
      UNROLL for (int i = 0; i < 4; i++) sum[i] = scales.bias[o + i];
      add_taps(sum, w, taps, o, job->segments, is_aligned);
      UNROLL for (int i = 0; i < 4; i++) {
        out[i] = msf_requantize_short(&scales, sum[i], scales.multipliers[o + i], scales.shifts[o + i]);
      }
    }
  }
  msf_convolve_depthwise_from(job, x, job->channels & ~3);
}

/* Adds a value of a row to the sums of the pixels that see its column. A macro, so that compilers know which ones. */
#define ADD_COLUMN(column) add_value(sum, weights, x[(column)*MSF_COLUMNS][o], column, stride);

static ALWAYS_INLINE void add_value(int32_t *sum, const int8_t *weights, int8_t value, const int column,
                                    const int stride) {
  UNROLL for (int p = 0; p < MSF_PIXELS; p++) {
    const int tap = column - stride * p;
    if (tap >= 0 && tap < MSF_COLUMNS) sum[p] = msf_mac(sum[p], weights[tap], value);
  }
}

/* One channel of `pixels` windows of 3x3 whose columns are at x; w: its weights, four bytes apart. */
static ALWAYS_INLINE void convolve_columns(const msf_job *job, const int8_t *w, const int8_t *const *x, int32_t o,
                                           const int stride) {
  const msf_scales *scales = &job->scales;
  int32_t sum[MSF_PIXELS];
  UNROLL for (int p = 0; p < MSF_PIXELS; p++) sum[p] = scales->bias[o];
  for (int row = 0; row < MSF_COLUMNS; row++, x++, w += 4 * MSF_COLUMNS) {
    const int8_t weights[MSF_COLUMNS] = {w[0], w[4], w[8]};
    ADD_COLUMN(0) ADD_COLUMN(1) ADD_COLUMN(2) ADD_COLUMN(3) ADD_COLUMN(4) ADD_COLUMN(5) if (stride == 2) {
      ADD_COLUMN(6) ADD_COLUMN(7) ADD_COLUMN(8)
    }
  }
  const uint32_t multiplier = scales->multipliers[o], shift = scales->shifts[o];
  int8_t *out = job->out + o;
  UNROLL for (int p = 0; p < MSF_PIXELS; p++, out += job->channels) {
    if (p < job->pixels) *out = msf_requantize_short(scales, sum[p], multiplier, shift);
  }
}

void msf_convolve_columns(const msf_job *job, const int8_t *const *x, int32_t stride) {
  const msf_job j = *job; /* so that it need not be read again after every byte that is stored */
  const int8_t *w = job->weights;
  for (int32_t o = 0; o < j.channels; o++, w += o % 4 == 0 ? 4 * MSF_COLUMNS * MSF_COLUMNS - 3 : 1) {
    if (MSF_HAS_COLUMNS_OF_ONE && (!MSF_HAS_COLUMNS_OF_TWO || stride == 1)) {
      convolve_columns(&j, w, x, o, 1);
    } else {
      convolve_columns(&j, w, x, o, 2);
    }
  }
}

#endif /* MSF_ARCH_PORTABLE */
