/*
 * DEPTHWISE_CONV_2D in MSF_LAYOUT_PLAIN. Weights [kernel row][kernel column][out channel]; output channel o reads input channel
 * o / multiplier. The bias is folded as for CONV_2D; arg[0] is the depth multiplier.
 */
#include "kernel/msf_kernel.h"

#define MAX_TAPS 25 /* pointers that fit the stack: windows up to 5x5 */

/* Weight sum of channel o over the taps that lie in the padding. */
static int32_t padding_sum(const msf_stage *s, const int8_t *w, int32_t channels, msf_taps rows, msf_taps cols) {
  int32_t total = 0;
  for (int32_t ky = 0; ky < s->kernel_h; ky++) {
    for (int32_t kx = 0; kx < s->kernel_w; kx++, w += channels) {
      const int inside = ky >= rows.first && ky < rows.last && kx >= cols.first && kx < cols.last;
      if (!inside) total = msf_wrap_add(total, *w);
    }
  }
  return total;
}

static int32_t inside_sum(const msf_call *call, int32_t o, int32_t channel, msf_taps rows, msf_taps cols) {
  const msf_stage *s = call->stage;
  const int8_t *w = msf_bytes(call, s->weights) + o;
  int32_t acc = 0;
  for (int32_t ky = rows.first; ky < rows.last; ky++) {
    for (int32_t kx = cols.first; kx < cols.last; kx++) {
      const int8_t *x = msf_pixel(&call->in[0], rows.origin + ky * s->dilation_h, cols.origin + kx * s->dilation_w);
      acc = msf_mac(acc, w[(ky * s->kernel_w + kx) * call->out.c], x[channel]);
    }
  }
  return acc;
}

/*
 * Depth multiplier 1, the whole window inside the tensor: channel by channel, from pointers to the taps' pixels.
 * At most MAX_TAPS taps.
 */
static void run_inside(const msf_call *call, int8_t *out, msf_taps rows, msf_taps cols) {
  const msf_stage *s = call->stage;
  const int32_t channels = call->out.c;
  const int8_t *weights = msf_bytes(call, s->weights);
  const msf_outputs outputs = msf_outputs_of(call);
  const int8_t *taps[MAX_TAPS];
  int32_t count = 0;
  for (int32_t ky = 0; ky < s->kernel_h; ky++) {
    for (int32_t kx = 0; kx < s->kernel_w; kx++) {
      taps[count++] = msf_pixel(&call->in[0], rows.origin + ky * s->dilation_h, cols.origin + kx * s->dilation_w);
    }
  }
  for (int32_t o = 0; o < channels; o++) {
    const int8_t *w = weights + o;
    int32_t acc = outputs.bias[o];
    for (int32_t k = 0; k < count; k++, w += channels) acc = msf_mac(acc, *w, taps[k][o]);
    out[o] = msf_output(&outputs, o, acc);
  }
}

void msf_run_depthwise_conv_2d_plain(const msf_call *call) {
  const msf_stage *s = call->stage;
  const int8_t *weights = msf_bytes(call, s->weights);
  const msf_outputs outputs = msf_outputs_of(call);
  const int32_t depth = s->arg[0];
  const int32_t channels = call->out.c;
  const msf_taps rows = msf_taps_rows(call);
  for (int32_t x = call->x0; x < call->x1; x++) {
    const msf_taps cols = msf_taps_cols(call, x);
    const int padded = rows.last - rows.first < s->kernel_h || cols.last - cols.first < s->kernel_w;
    int8_t *out = msf_pixel(&call->out, call->y, x);
    if (!padded && depth == 1 && s->kernel_h * s->kernel_w <= MAX_TAPS) {
      run_inside(call, out, rows, cols);
      continue;
    }
    for (int32_t o = 0; o < channels; o++) {
      int32_t acc = msf_wrap_add(outputs.bias[o], inside_sum(call, o, o / depth, rows, cols));
      if (padded) {
        const int32_t padding = padding_sum(s, weights + o, channels, rows, cols);
        acc = msf_wrap_add(acc, msf_wrap_mul(padding, s->in_zero[0]));
      }
      out[o] = msf_output(&outputs, o, acc);
    }
  }
}
