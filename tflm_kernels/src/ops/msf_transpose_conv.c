/*
 * TRANSPOSE_CONV, seen from its output: a pixel adds up those taps of the kernel that meet an input pixel. Weights
 * [out channel][kernel row][kernel column][in channel]; the bias is the model's own. arg: kernel rows and columns,
 * and how many rows and columns of the output the kernel begins before the first input pixel.
 *
 * The stage's window covers the input pixels that any tap meets; its factor is the operator's stride.
 */
#include "kernel/msf_kernel.h"

static int check_axis(int32_t kernel, int32_t before) {
  return kernel > 0 && kernel <= UINT16_MAX && before >= 0 && before <= UINT16_MAX;
}

static int check(const msf_stage_shape *shape) {
  const msf_stage *s = shape->stage;
  if (s->stride_h != 1 || s->stride_w != 1 || s->dilation_h != 1 || s->dilation_w != 1) return 0;
  if (!check_axis(s->arg[0], s->arg[2]) || !check_axis(s->arg[1], s->arg[3])) return 0;
  const uint64_t taps = (uint64_t)s->arg[0] * (uint64_t)s->arg[1] * shape->in[0]->c;
  return taps <= INT32_MAX && msf_fits(s->weights, taps * shape->out->c, 1, shape->params_size) &&
         msf_fits_requantization(shape, shape->out->c);
}

/* Input pixels that a tap meets: after the last one whose kernel ends before the output, up to the last that begins there. */
static msf_range met(int32_t at, int32_t kernel, int32_t factor, int32_t size) {
  const int32_t first = at - kernel;
  const msf_range range = {first < 0 ? 0 : first / factor + 1, msf_min(at / factor, size - 1) + 1};
  return range;
}

static msf_region reads(const msf_stage_shape *shape, int32_t k, int32_t y, int32_t x) {
  const msf_stage *s = shape->stage;
  const msf_tensor *in = shape->in[k];
  msf_region region;
  region.rows = met(y + s->arg[2], s->arg[0], msf_factor(s->zoom_h), msf_height(in));
  region.columns = met(x + s->arg[3], s->arg[1], msf_factor(s->zoom_w), in->w);
  region.channels = in->c;
  return region;
}

/* Sum over the taps for one output value; tap kernel row ky meets input row y where ky = above - y * stride. */
static int32_t sum(const msf_call *call, const int8_t *weights, int32_t acc, int32_t above, int32_t before) {
  const msf_view *in = &call->in[0];
  const msf_stage *s = call->stage;
  const int32_t factor_h = msf_factor(s->zoom_h), factor_w = msf_factor(s->zoom_w);
  for (int32_t y = msf_min(above / factor_h, in->h - 1); y >= 0 && above - y * factor_h < s->arg[0]; y--) {
    const int8_t *row = weights + (above - y * factor_h) * s->arg[1] * in->c;
    for (int32_t x = msf_min(before / factor_w, in->w - 1); x >= 0 && before - x * factor_w < s->arg[1]; x--) {
      const int8_t *w = row + (before - x * factor_w) * in->c;
      const int8_t *pixel = msf_pixel(in, y, x);
      for (int32_t c = 0; c < in->c; c++) acc = msf_wrap_add(acc, w[c] * (pixel[c] - s->in_zero[0]));
    }
  }
  return acc;
}

static void run(const msf_call *call) {
  const msf_stage *s = call->stage;
  const msf_outputs outputs = msf_outputs_of(call);
  const int32_t taps = s->arg[0] * s->arg[1] * call->in[0].c;
  for (int32_t x = call->x0; x < call->x1; x++) {
    const int8_t *w = msf_bytes(call, s->weights);
    int8_t *out = msf_pixel(&call->out, call->y, x);
    for (int32_t o = 0; o < call->out.c; o++, w += taps) {
      out[o] = msf_output(&outputs, o, sum(call, w, outputs.bias[o], call->y + s->arg[2], x + s->arg[3]));
    }
  }
}

const msf_operator msf_transpose_conv = {
    .check = check, .reads = reads, .run = run, .inputs = 1, .flags = MSF_ENLARGES};
