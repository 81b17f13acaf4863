/*
 * DEPTHWISE_CONV_2D. Weights [kernel row][kernel column][out channel]; output channel o reads input channel
 * o / multiplier. The bias is folded as for CONV_2D; arg[0] is the depth multiplier.
 */
#include "msf_kernel.h"

static int check(const msf_stage_shape *shape) {
  const msf_stage *s = shape->stage;
  const int64_t multiplier = s->arg[0];
  const uint64_t taps = (uint64_t)s->kernel_h * s->kernel_w;
  return multiplier > 0 && multiplier * shape->in[0]->c == shape->out->c &&
         msf_fits(s->weights, taps * shape->out->c, 1, shape->params_size) &&
         msf_fits_requantization(shape, shape->out->c);
}

/* Weight sum of channel o over the taps that lie in the padding. */
static int32_t padding_sum(const msf_stage *s, const int8_t *w, int32_t channels, msf_taps rows, msf_taps cols) {
  int32_t total = 0;
  for (int32_t ky = 0; ky < s->kernel_h; ky++) {
    for (int32_t kx = 0; kx < s->kernel_w; kx++, w += channels) {
      const int inside = ky >= rows.first && ky < rows.last && kx >= cols.first && kx < cols.last;
      if (!inside) total += *w;
    }
  }
  return total;
}

static int32_t inside_sum(const msf_call *call, int32_t o, int32_t channel, msf_taps rows, msf_taps cols) {
  const msf_stage *s = call->stage;
  const int32_t channels = call->out.c;
  const int8_t *weights = msf_bytes(call, s->weights) + o;
  const int32_t step = s->dilation_w * call->in[0].c;
  int32_t acc = 0;
  if (cols.first == cols.last) return 0;
  for (int32_t ky = rows.first; ky < rows.last; ky++) {
    const int8_t *w = weights + (ky * s->kernel_w + cols.first) * channels;
    const int8_t *x =
        msf_pixel(&call->in[0], rows.origin + ky * s->dilation_h, cols.origin + cols.first * s->dilation_w) + channel;
    for (int32_t kx = cols.first; kx < cols.last; kx++, w += channels, x += step) acc = msf_mac(acc, *w, *x);
  }
  return acc;
}

static void run(const msf_call *call) {
  const msf_stage *s = call->stage;
  const int8_t *weights = msf_bytes(call, s->weights);
  const int32_t *bias = msf_words(call, s->bias);
  const int32_t *multipliers = msf_words(call, s->multipliers);
  const int8_t *shifts = msf_bytes(call, s->shifts);
  const int32_t depth = s->arg[0];
  const int32_t channels = call->out.c;
  const msf_taps rows = msf_taps_rows(call);
  for (int32_t x = call->x0; x < call->x1; x++) {
    const msf_taps cols = msf_taps_cols(call, x);
    const int padded = rows.last - rows.first < s->kernel_h || cols.last - cols.first < s->kernel_w;
    int8_t *out = msf_pixel(&call->out, call->y, x);
    for (int32_t o = 0; o < channels; o++) {
      int32_t acc = msf_wrap_add(bias[o], inside_sum(call, o, o / depth, rows, cols));
      if (padded) {
        const int32_t padding = padding_sum(s, weights + o, channels, rows, cols);
        acc = msf_wrap_add(acc, msf_wrap_mul(padding, s->in_zero[0]));
      }
      out[o] = msf_requantize(acc, multipliers[o], shifts[o], s);
    }
  }
}

const msf_operator msf_depthwise_conv_2d = {check, run, 1, 0};
