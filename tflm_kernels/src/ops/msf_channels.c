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

/* Pixels under the window, all of which has to lie inside the input. */
static msf_region reads_whole_window(const msf_stage_shape *shape, int32_t k, int32_t y, int32_t x) {
  msf_region region;
  region.rows = msf_window_rows(shape->stage, y, y);
  region.columns = msf_window_columns(shape->stage, x, x);
  region.channels = shape->in[k]->c;
  return region;
}

/*
 * One input pixel for each output pixel, found as by a window of one tap: the stride is the slice's step, the padding
 * minus its beginning. arg[0] is the first channel.
 */
static int check_slice(const msf_stage_shape *shape) {
  const msf_stage *s = shape->stage;
  return s->kernel_h == 1 && s->kernel_w == 1 && s->pad_top <= 0 && s->pad_left <= 0 && s->arg[0] >= 0 &&
         s->arg[0] <= shape->in[0]->c - shape->out->c;
}

static void run_slice(const msf_call *call) {
  const msf_stage *s = call->stage;
  const int32_t y = call->y * s->stride_h - s->pad_top;
  for (int32_t x = call->x0; x < call->x1; x++) {
    const int8_t *in = msf_channels(&call->in[0], y, x * s->stride_w - s->pad_left, s->arg[0], call->out.c);
    copy(msf_pixel(&call->out, call->y, x), in, call->out.c);
  }
}

/* The pixels of the window, one behind the other. */
static int check_space_to_depth(const msf_stage_shape *shape) {
  const msf_stage *s = shape->stage;
  return s->kernel_h == s->stride_h && s->kernel_w == s->stride_w && s->pad_top == 0 && s->pad_left == 0 &&
         s->dilation_h == 1 && s->dilation_w == 1 && /* strides, and so kernels, are below 256 */
         (uint32_t)shape->in[0]->c * s->kernel_h * s->kernel_w == shape->out->c;
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
  if (s->kernel_h != 1 || s->kernel_w != 1 || s->stride_h != 1 || s->stride_w != 1 || s->pad_top || s->pad_left)
    return 0;
  return msf_shift(s->zoom_h) == 0 && msf_shift(s->zoom_w) == 0 &&
         shape->out->c * msf_factor(s->zoom_h) * msf_factor(s->zoom_w) == shape->in[0]->c;
}

static void run_depth_to_space(const msf_call *call) {
  const msf_stage *s = call->stage;
  const int32_t factor_h = msf_factor(s->zoom_h), factor_w = msf_factor(s->zoom_w);
  const int32_t y = msf_top(s, call->y);
  for (int32_t out_x = call->x0; out_x < call->x1; out_x++) {
    const int32_t x = msf_left(s, out_x);
    const int32_t place = (call->y - y * factor_h) * factor_w + out_x - x * factor_w, c = call->out.c;
    copy(msf_pixel(&call->out, call->y, out_x), msf_channels(&call->in[0], y, x, place * c, c), c);
  }
}

const msf_operator msf_concatenation = {
    .check = check_concatenation, .reads = msf_reads_pixel, .run = run_concatenation, .inputs = 2};
const msf_operator msf_slice = {
    .check = check_slice, .reads = reads_whole_window, .run = run_slice, .inputs = 1, .flags = MSF_BEGINS_INSIDE};
const msf_operator msf_space_to_depth = {
    .check = check_space_to_depth, .reads = reads_whole_window, .run = run_space_to_depth, .inputs = 1};
const msf_operator msf_depth_to_space = {.check = check_depth_to_space,
                                         .reads = reads_whole_window,
                                         .run = run_depth_to_space,
                                         .inputs = 1,
                                         .flags = MSF_ENLARGES};
