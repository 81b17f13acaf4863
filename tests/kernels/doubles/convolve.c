#include "convolve.h"

#include <stdlib.h>
#include <string.h>

static unsigned long calls;

unsigned long convolved(void) { return calls; }

int32_t wanted_buffer(int32_t kernel_h, int32_t kernel_w, int32_t channels) {
  return 2 * kernel_h * kernel_w * channels + 5;
}

void use_buffer(void *buffer, int32_t size) {
  if (buffer == 0 || (uintptr_t)buffer % 16 != 0 || size < 0) abort();
  memset(buffer, 0xA5, (size_t)size);
}

/* To nearest, ties away from zero. */
static int64_t divide(int64_t value, int shift) {
  const int64_t half = shift > 0 ? (int64_t)1 << (shift - 1) : 0;
  return value >= 0 ? (value + half) >> shift : -((-value + half) >> shift);
}

/* gemmlowp's two roundings; the first one takes ties of negative products towards zero. */
static int64_t scale(int32_t value, int32_t multiplier, int32_t shift) {
  const int64_t wide = (int64_t)value * (shift > 0 ? (int64_t)1 << shift : 1);
  const int64_t product = (int32_t)(uint32_t)(uint64_t)wide * (int64_t)multiplier;
  const int64_t high = (product + (product >= 0 ? 1 << 30 : 1 - (1 << 30))) / ((int64_t)1 << 31);
  return divide(high, shift > 0 ? 0 : -shift);
}

static int8_t output(const convolution *c, int32_t o, int32_t sum) {
  const int64_t value = scale(sum, c->multipliers[o], c->shifts[o]) + c->out_offset;
  return (int8_t)(value < c->act_min ? c->act_min : value > c->act_max ? c->act_max : value);
}

static int32_t window(const convolution *c, const int8_t *in, const int8_t *weights, int32_t y, int32_t x, int32_t o) {
  uint32_t sum = (uint32_t)c->bias[o];
  const int32_t channels = c->depth > 0 ? 1 : c->in_c;
  for (int32_t ky = 0; ky < c->kernel_h; ky++) {
    for (int32_t kx = 0; kx < c->kernel_w; kx++) {
      const int32_t iy = y * c->stride_h - c->pad_h + ky * c->dilation_h;
      const int32_t ix = x * c->stride_w - c->pad_w + kx * c->dilation_w;
      if (iy < 0 || iy >= c->in_h || ix < 0 || ix >= c->in_w) continue;
      for (int32_t i = 0; i < channels; i++) {
        const int32_t from = c->depth > 0 ? o / c->depth : i;
        const int32_t tap = ky * c->kernel_w + kx;
        const int32_t weight =
            c->depth > 0 ? weights[tap * c->out_c + o] : weights[(o * c->kernel_h * c->kernel_w + tap) * c->in_c + i];
        sum += (uint32_t)(weight * (in[(iy * c->in_w + ix) * c->in_c + from] + c->in_offset));
      }
    }
  }
  return (int32_t)sum;
}

void convolve(const convolution *c, const int8_t *in, const int8_t *weights, int8_t *out) {
  calls++;
  for (int32_t y = 0; y < c->out_h; y++) {
    for (int32_t x = 0; x < c->out_w; x++) {
      for (int32_t o = 0; o < c->out_c; o++) *out++ = output(c, o, window(c, in, weights, y, x, o));
    }
  }
}
