/*
 * CONV_2D whose output channels see a group of the input's channels each. arg[0]: channels of a group. Weights [out
 * channel][kernel row][kernel column][channel of the group]; the bias is as in CONV_2D, so that taps in the padding
 * count as the zero point.
 */
#include "arch/msf_arch.h"
#include "kernel/msf_kernel.h"

static int check(const msf_stage_shape *shape) {
  const msf_stage *s = shape->stage;
  const int32_t in_c = shape->in[0]->c, out_c = shape->out->c, depth = s->arg[0];
  if (depth < 1 || in_c % depth != 0 || out_c % (in_c / depth) != 0) return 0;
  const uint64_t size = (uint64_t)s->kernel_h * s->kernel_w * (uint32_t)depth;
  return size <= UINT32_MAX && msf_fits(s->weights, size * (uint32_t)out_c, 1, shape->params_size) &&
         msf_fits_requantization(shape, (uint32_t)out_c);
}

/* A tap whose pixel is in the padding. */
static int32_t outside(int32_t acc, const int8_t *w, int32_t depth, int8_t zero) {
  for (int32_t i = 0; i < depth; i++) acc = msf_mac(acc, w[i], zero);
  return acc;
}

/* The window over `depth` channels from channel `first` on. */
static int32_t window(const msf_call *call, const int8_t *w, int32_t acc, int32_t first, int32_t left) {
  const msf_stage *s = call->stage;
  const msf_view *in = &call->in[0];
  const int32_t depth = s->arg[0];
  int32_t y = msf_top(s, call->y);
  for (int32_t ky = s->kernel_h; ky > 0; ky--, y += s->dilation_h) {
    int32_t x = left;
    for (int32_t kx = s->kernel_w; kx > 0; kx--, x += s->dilation_w, w += depth) {
      const int is_inside = y >= 0 && y < in->h && x >= 0 && x < in->w;
      acc = is_inside ? msf_dot(acc, w, msf_pixel(in, y, x) + first, depth) : outside(acc, w, depth, s->in_zero[0]);
    }
  }
  return acc;
}

static void run(const msf_call *call) {
  const msf_stage *s = call->stage;
  const msf_outputs outputs = msf_outputs_of(call);
  const int32_t depth = s->arg[0], of_group = call->out.c / (call->in[0].c / depth);
  const int32_t taps = s->kernel_h * s->kernel_w * depth;
  for (int32_t x = call->x0; x < call->x1; x++) {
    const int8_t *w = msf_bytes(call, s->weights);
    int8_t *out = msf_pixel(&call->out, call->y, x);
    for (int32_t o = 0; o < call->out.c; o++, w += taps) {
      out[o] = msf_output(&outputs, o, window(call, w, outputs.bias[o], o / of_group * depth, msf_left(s, x)));
    }
  }
}

const msf_operator msf_grouped_conv_2d = {.check = check, .reads = msf_reads_window, .run = run, .inputs = 1};
