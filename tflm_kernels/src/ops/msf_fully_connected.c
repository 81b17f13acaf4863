/*
 * FULLY_CONNECTED on a feature map that arrives row by row: every output accumulates its share of each row, so the
 * map is never held whole. Weights [out channel][row][column][in channel]; bias folded as for CONV_2D.
 */
#include "arch/msf_arch.h"
#include "kernel/msf_kernel.h"

static int check(const msf_stage_shape *shape) {
  const uint64_t depth = (uint64_t)msf_height(shape->in[0]) * shape->in[0]->w * shape->in[0]->c;
  return msf_reads_one_pixel(shape->stage) && depth <= INT32_MAX && msf_is_one_pixel(shape->out) &&
         msf_fits(shape->stage->weights, depth * shape->out->c, 1, shape->params_size) &&
         msf_fits_requantization(shape, shape->out->c) && msf_fits_accumulators(shape, shape->out->c);
}

static void run(const msf_call *call) {
  const msf_stage *s = call->stage;
  const msf_view *in = &call->in[0];
  const msf_outputs outputs = msf_outputs_of(call);
  const int32_t depth = in->h * in->w * in->c;
  const int32_t arrived = (call->x1 - call->x0) * in->c;
  const int first = call->y == 0 && call->x0 == 0;
  const int last = call->y == in->h - 1 && call->x1 == in->w;
  const int8_t *x = msf_pixels(in, call->y, call->x0, call->x1 - call->x0);
  const int8_t *w = msf_bytes(call, s->weights) + (call->y * in->w + call->x0) * in->c;
  int8_t *out = msf_pixel(&call->out, 0, 0);
  for (int32_t o = 0; o < call->out.c; o++, w += depth) {
    const int32_t acc = msf_dot(first ? outputs.bias[o] : msf_accumulators(call)[o], w, x, arrived);
    msf_accumulators(call)[o] = acc;
    if (last) out[o] = msf_output(&outputs, o, acc);
  }
}

const msf_operator msf_fully_connected = {
    .check = check, .reads = msf_reads_pixel, .run = run, .inputs = 1, .flags = MSF_REDUCES};
