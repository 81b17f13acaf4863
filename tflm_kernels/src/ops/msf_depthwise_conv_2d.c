/*
 * DEPTHWISE_CONV_2D. Output channel o reads input channel o / multiplier; arg[0] is the multiplier.
 *
 * MSF_LAYOUT_BLOCKED, for multiplier 1 only: weights [out channel / 4][kernel row][kernel column][4], those of the last
 * one to three channels as [kernel row][kernel column][channel]. arg[1] is where params has a pixel of the padding, at a
 * multiple of 4; so is the input, if its channels are one. The bias is folded as for CONV_2D.
 */
#include "kernel/msf_window.h"
#include "library/msf_library.h"

static int fits_weights(const msf_stage_shape *shape) {
  const msf_stage *s = shape->stage;
  const int64_t multiplier = s->arg[0];
  const uint64_t taps = (uint64_t)s->kernel_h * s->kernel_w;
  return multiplier > 0 && multiplier * shape->in[0]->c == shape->out->c &&
         msf_fits(s->weights, taps * shape->out->c, 1, shape->params_size);
}

static int check_blocked(const msf_stage_shape *shape) {
  const msf_stage *s = shape->stage;
  if (s->arg[1] % 4 != 0 || (shape->in[0]->c % 4 == 0 && shape->in[0]->offset % 4 != 0)) return 0;
  return s->arg[0] == 1 && s->kernel_h * s->kernel_w <= MSF_MAX_TAPS && s->weights % 4 == 0 && s->arg[1] >= 0 &&
         msf_fits((uint32_t)s->arg[1], shape->in[0]->c, 1, shape->params_size) && fits_weights(shape) &&
         msf_fits_scales(shape);
}

static int check(const msf_stage_shape *shape) {
  if (shape->stage->layout == MSF_LAYOUT_BLOCKED) return check_blocked(shape);
  return fits_weights(shape) && msf_fits_requantization(shape, shape->out->c);
}

static void run_blocked(const msf_call *call) {
  const msf_stage *s = call->stage;
  const int8_t *addresses[MSF_MAX_TAPS];
  msf_job job;
  msf_begin_job(call, &job);
  job.segments = s->kernel_h * s->kernel_w;
  const msf_addresses to = {addresses, 1, job.segments, msf_bytes(call, (uint32_t)s->arg[1])};
  for (int32_t x = call->x0; x < call->x1; x += job.pixels, job.out += job.pixels * job.channels) {
    job.pixels = msf_min(msf_min(call->x1 - x, MSF_PIXELS), MSF_MAX_TAPS / job.segments);
    msf_find_taps(call, x, job.pixels, &to);
    msf_convolve_depthwise(&job, addresses);
  }
}

static void run(const msf_call *call) {
  if (call->stage->layout == MSF_LAYOUT_BLOCKED) {
    run_blocked(call);
  } else if (!msf_library_convolve(call)) {
    msf_run_depthwise_conv_2d_plain(call);
  }
}

const msf_operator msf_depthwise_conv_2d = {.check = check,
                                            .reads = msf_reads_window,
                                            .run = run,
                                            .inputs = 1,
                                            .layouts = MSF_LAYOUT_BLOCKED,
                                            .flags = MSF_BEGINS_INSIDE};
const msf_operator msf_depthwise_conv_2d_blocked = {.check = check_blocked,
                                                    .reads = msf_reads_window,
                                                    .run = run_blocked,
                                                    .inputs = 1,
                                                    .layouts = MSF_LAYOUT_BLOCKED,
                                                    .flags = MSF_ONLY_BLOCKED | MSF_BEGINS_INSIDE};
