/*
 * CONV_2D in MSF_LAYOUT_PLAIN. Weights [out channel][kernel row][kernel column][in channel]; the bias already holds
 * bias - input zero point * sum of the channel's weights, so that taps in the padding count as the zero point.
 */
#include "arch/msf_arch.h"
#include "kernel/msf_kernel.h"

#define PIXELS 4 /* outputs of a 1x1 convolution computed together, so that a weight is loaded once for all */

static int32_t sum(const int8_t *w, int32_t n) {
  int32_t total = 0;
  for (int32_t i = 0; i < n; i++) total = msf_wrap_add(total, w[i]);
  return total;
}

/* One output value for a window that may lie partly in the padding. */
static int32_t window(const msf_call *call, const int8_t *w, int32_t acc, msf_taps rows, msf_taps cols) {
  const msf_stage *s = call->stage;
  const int32_t c = call->in[0].c;
  const int32_t row_taps = s->kernel_w * c;
  const int32_t before = cols.first * c;
  const int32_t inside = (cols.last - cols.first) * c;
  int32_t padding = 0;
  for (int32_t ky = 0; ky < s->kernel_h; ky++, w += row_taps) {
    if (ky < rows.first || ky >= rows.last || inside == 0) {
      padding = msf_wrap_add(padding, sum(w, row_taps));
      continue;
    }
    padding = msf_wrap_add(padding, sum(w, before));
    padding = msf_wrap_add(padding, sum(w + before + inside, row_taps - before - inside));
    const int32_t y = rows.origin + ky * s->dilation_h;
    if (s->dilation_w == 1 && msf_is_contiguous(&call->in[0], y, cols.origin + cols.first, cols.last - cols.first)) {
      const int8_t *row = msf_pixels(&call->in[0], y, cols.origin + cols.first, cols.last - cols.first);
      acc = msf_dot(acc, w + before, row, inside);
    } else {
      for (int32_t kx = cols.first; kx < cols.last; kx++) {
        acc = msf_dot(acc, w + kx * c, msf_pixel(&call->in[0], y, cols.origin + kx * s->dilation_w), c);
      }
    }
  }
  return msf_wrap_add(acc, msf_wrap_mul(padding, s->in_zero[0]));
}

static void run_general(const msf_call *call) {
  const msf_stage *s = call->stage;
  const int8_t *weights = msf_bytes(call, s->weights);
  const msf_outputs outputs = msf_outputs_of(call);
  const int32_t taps = s->kernel_h * s->kernel_w * call->in[0].c;
  const msf_taps rows = msf_taps_rows(call);
  for (int32_t x = call->x0; x < call->x1; x++) {
    const msf_taps cols = msf_taps_cols(call, x);
    int8_t *out = msf_pixel(&call->out, call->y, x);
    const int8_t *w = weights;
    for (int32_t o = 0; o < call->out.c; o++, w += taps) {
      out[o] = msf_output(&outputs, o, window(call, w, outputs.bias[o], rows, cols));
    }
  }
}

/* 1x1, stride 1, no padding: pixels are contiguous in and out. */
static void run_pointwise(const msf_call *call) {
  const msf_stage *s = call->stage;
  const msf_outputs outputs = msf_outputs_of(call);
  const int32_t in_c = call->in[0].c;
  const int32_t out_c = call->out.c;
  int32_t left = call->x1 - call->x0;
  const int8_t *x = msf_pixels(&call->in[0], call->y, call->x0, left);
  int8_t *out = msf_pixels(&call->out, call->y, call->x0, left);
  for (; left >= PIXELS; left -= PIXELS, x += PIXELS * in_c, out += PIXELS * out_c) {
    const int8_t *w = msf_bytes(call, s->weights);
    for (int32_t o = 0; o < out_c; o++, w += in_c) {
      int32_t acc0 = outputs.bias[o], acc1 = outputs.bias[o], acc2 = outputs.bias[o], acc3 = outputs.bias[o];
      for (int32_t i = 0; i < in_c; i++) {
        acc0 = msf_mac(acc0, w[i], x[i]);
        acc1 = msf_mac(acc1, w[i], x[in_c + i]);
        acc2 = msf_mac(acc2, w[i], x[2 * in_c + i]);
        acc3 = msf_mac(acc3, w[i], x[3 * in_c + i]);
      }
      out[o] = msf_output(&outputs, o, acc0);
      out[out_c + o] = msf_output(&outputs, o, acc1);
      out[2 * out_c + o] = msf_output(&outputs, o, acc2);
      out[3 * out_c + o] = msf_output(&outputs, o, acc3);
    }
  }
  for (; left > 0; left--, x += in_c, out += out_c) {
    const int8_t *w = msf_bytes(call, s->weights);
    for (int32_t o = 0; o < out_c; o++, w += in_c) {
      out[o] = msf_output(&outputs, o, msf_dot(outputs.bias[o], w, x, in_c));
    }
  }
}

void msf_run_conv_2d_plain(const msf_call *call) {
  const msf_stage *s = call->stage;
  const int one_by_one = s->kernel_h == 1 && s->kernel_w == 1 && s->stride_h == 1 && s->stride_w == 1;
  if (one_by_one && s->pad_top == 0 && s->pad_left == 0 && msf_same_size(call)) {
    run_pointwise(call);
  } else {
    run_general(call);
  }
}
