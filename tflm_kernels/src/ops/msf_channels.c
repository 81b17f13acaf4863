/*
 * CONCATENATION, SLICE, SPACE_TO_DEPTH and DEPTH_TO_SPACE: operators that only move values.
 */
#include "kernel/msf_kernel.h"

static int8_t *copy(int8_t *to, const int8_t *from, int32_t n) {
  for (int32_t i = 0; i < n; i++) to[i] = from[i];
  return to + n;
}

/* The channels of both inputs, one behind the other. */
static int check_concatenation(const msf_stage_shape *shape) {
  const msf_tensor *a = shape->in[0], *b = shape->in[1], *out = shape->out;
  return msf_reads_one_pixel(shape->stage) && msf_same_grid(a, out) && msf_same_grid(b, out) && a->c + b->c == out->c;
}

static void run_concatenation(const msf_call *call) {
  const msf_view *a = &call->in[0], *b = &call->in[1];
  for (int32_t x = call->x0; x < call->x1; x++) {
    int8_t *out = copy(msf_pixel(&call->out, call->y, x), msf_pixel(a, call->y, x), a->c);
    copy(out, msf_pixel(b, call->y, x), b->c);
  }
}

/*
 * One input pixel for each output pixel, found as by a window of one tap: the stride is the slice's step, the padding
 * minus its beginning. arg[0] is the first channel.
 */
static int check_slice(const msf_stage_shape *shape) {
  const msf_stage *s = shape->stage;
  const msf_tensor *in = shape->in[0], *out = shape->out;
  return s->kernel_h == 1 && s->kernel_w == 1 && s->pad_top <= 0 && s->pad_left <= 0 && s->arg[0] >= 0 &&
         s->arg[0] <= in->c - out->c && (out->h - 1) * s->stride_h - s->pad_top < in->h &&
         (out->w - 1) * s->stride_w - s->pad_left < in->w;
}

static void run_slice(const msf_call *call) {
  const msf_stage *s = call->stage;
  const int32_t y = call->y * s->stride_h - s->pad_top;
  for (int32_t x = call->x0; x < call->x1; x++) {
    const int8_t *in = msf_pixel(&call->in[0], y, x * s->stride_w - s->pad_left);
    copy(msf_pixel(&call->out, call->y, x), in + s->arg[0], call->out.c);
  }
}

/* The pixels of the window, one behind the other. */
static int check_space_to_depth(const msf_stage_shape *shape) {
  const msf_stage *s = shape->stage;
  const msf_tensor *in = shape->in[0], *out = shape->out;
  return s->kernel_h == s->stride_h && s->kernel_w == s->stride_w && s->pad_top == 0 && s->pad_left == 0 &&
         s->dilation_h == 1 && s->dilation_w == 1 && out->h * s->stride_h <= in->h && out->w * s->stride_w <= in->w &&
         (uint32_t)in->c * s->kernel_h * s->kernel_w == out->c; /* strides, and so kernels, are below 256 */
}

static void run_space_to_depth(const msf_call *call) {
  const msf_stage *s = call->stage;
  for (int32_t x = call->x0; x < call->x1; x++) {
    int8_t *out = msf_pixel(&call->out, call->y, x);
    for (int32_t ky = 0; ky < s->kernel_h; ky++) {
      for (int32_t kx = 0; kx < s->kernel_w; kx++) {
        const int8_t *in = msf_pixel(&call->in[0], call->y * s->stride_h + ky, x * s->stride_w + kx);
        out = copy(out, in, call->in[0].c);
      }
    }
  }
}

/* Each output pixel is some channels of one input pixel: which ones, says its place in the block. */
static int check_depth_to_space(const msf_stage_shape *shape) {
  const msf_stage *s = shape->stage;
  const msf_tensor *in = shape->in[0], *out = shape->out;
  const int32_t factor_h = msf_factor(s->zoom_h), factor_w = msf_factor(s->zoom_w);
  if (s->kernel_h != 1 || s->kernel_w != 1 || s->stride_h != 1 || s->stride_w != 1 || s->pad_top || s->pad_left)
    return 0;
  return msf_shift(s->zoom_h) == 0 && msf_shift(s->zoom_w) == 0 && out->h <= in->h * factor_h &&
         out->w <= in->w * factor_w && out->c * factor_h * factor_w == in->c;
}

static void run_depth_to_space(const msf_call *call) {
  const msf_stage *s = call->stage;
  const int32_t factor_h = msf_factor(s->zoom_h), factor_w = msf_factor(s->zoom_w);
  const int32_t y = msf_top(s, call->y);
  for (int32_t out_x = call->x0; out_x < call->x1; out_x++) {
    const int32_t x = msf_left(s, out_x);
    const int32_t place = (call->y - y * factor_h) * factor_w + out_x - x * factor_w;
    copy(msf_pixel(&call->out, call->y, out_x), msf_pixel(&call->in[0], y, x) + place * call->out.c, call->out.c);
  }
}

const msf_operator msf_concatenation = {check_concatenation, run_concatenation, 2, 0, 0};
const msf_operator msf_slice = {check_slice, run_slice, 1, 0, 0};
const msf_operator msf_space_to_depth = {check_space_to_depth, run_space_to_depth, 1, 0, 0};
const msf_operator msf_depth_to_space = {check_depth_to_space, run_depth_to_space, 1, 0, 0};
