/*
 * DEPTHWISE_CONV_2D. Output channel o reads input channel o / multiplier; arg[0] is the multiplier.
 *
 * MSF_LAYOUT_PACKED, for multiplier 1 only: weights [out channel / 4][kernel row][kernel column][4], those of the last
 * one to three channels as [kernel row][kernel column][channel]. arg[1] is where params has a pixel of the padding, at a
 * multiple of 4; so is the input, if its channels are one. The bias is folded as for CONV_2D.
 */
#include "kernel/msf_window.h"
#include "library/msf_library.h"

static MSF_NOINLINE MSF_COLD int fits_weights(const msf_stage_shape *shape) {
  const msf_stage *s = shape->stage;
  const int64_t multiplier = s->arg[0];
  const uint64_t taps = (uint64_t)s->kernel_h * s->kernel_w;
  return multiplier > 0 && multiplier * shape->in[0]->c == shape->out->c &&
         msf_fits(s->weights, taps * shape->out->c, 1, shape->params_size);
}

static MSF_COLD int lacks(const msf_stage_shape *shape) {
  if (shape->stage->layout != MSF_LAYOUT_PACKED) return 0;
  if (msf_lacks_clamps(shape)) return 1;
  return !MSF_HAS_SPARE_DEPTHWISE && shape->out->c % 4 != 0;
}

static MSF_COLD int check_packed(const msf_stage_shape *shape) {
  const msf_stage *s = shape->stage;
  if (s->arg[1] % 4 != 0 || (shape->in[0]->c % 4 == 0 && shape->in[0]->offset % 4 != 0)) return 0;
  return s->arg[0] == 1 && s->kernel_h * s->kernel_w <= MSF_MAX_TAPS && s->weights % 4 == 0 && s->arg[1] >= 0 &&
         msf_fits((uint32_t)s->arg[1], shape->in[0]->c, 1, shape->params_size) && fits_weights(shape) &&
         msf_fits_scales(shape);
}

static MSF_COLD int check(const msf_stage_shape *shape) {
  if (shape->stage->layout == MSF_LAYOUT_PACKED) return check_packed(shape);
  return fits_weights(shape) && msf_fits_requantization(shape, shape->out->c);
}

/* Some pixels from x on, tap by tap. Returns how many. */
static MSF_NOINLINE int32_t run_taps(const msf_call *call, int32_t x, msf_job *job) {
  const int8_t *addresses[MSF_MAX_TAPS];
  const msf_addresses to = {addresses, 1, job->segments, msf_bytes(call, (uint32_t)call->stage->arg[1])};
  job->pixels = msf_min(msf_min(call->x1 - x, MSF_PIXELS), MSF_MAX_TAPS / job->segments);
  msf_find_taps(call, x, job->pixels, &to);
  msf_convolve_depthwise(job, addresses);
  return job->pixels;
}

#if defined(MSF_HAS_COLUMNS) && (MSF_HAS_COLUMNS_OF_ONE || MSF_HAS_COLUMNS_OF_TWO)

#define MOST_COLUMNS ((MSF_PIXELS - 1) * 2 + MSF_COLUMNS)

/* Whether columns can be shared by the pixels that see them. */
static int has_columns(const msf_call *call) {
  const msf_stage *s = call->stage;
  if (s->stride_w == 1 ? !MSF_HAS_COLUMNS_OF_ONE : !MSF_HAS_COLUMNS_OF_TWO) return 0;
  if (!MSF_HAS_NEGATIVE_COLUMNS && s->act_min < s->out_zero) return 0;
  return s->kernel_h == MSF_COLUMNS && s->kernel_w == MSF_COLUMNS && s->stride_w <= 2 && s->dilation_w == 1 &&
         call->out.c % 4 == 0;
}

/* Some pixels from x on, at least three, column by column. Returns how many. */
static MSF_NOINLINE int32_t run_columns(const msf_call *call, int32_t x, msf_job *job) {
  const int8_t *addresses[MOST_COLUMNS * MSF_COLUMNS];
  job->pixels = msf_min(call->x1 - x, MSF_PIXELS);
  msf_find_columns(call, x, job->pixels, msf_bytes(call, (uint32_t)call->stage->arg[1]), addresses);
  msf_convolve_columns(job, addresses, call->stage->stride_w);
  return job->pixels;
}

#else

static int has_columns(const msf_call *call) {
  (void)call;
  return 0;
}

static int32_t run_columns(const msf_call *call, int32_t x, msf_job *job) { return run_taps(call, x, job); }

#endif

static void run_packed(const msf_call *call) {
  const msf_stage *s = call->stage;
  const int shares = has_columns(call);
  msf_job job;
  msf_begin_job(call, &job);
  job.segments = s->kernel_h * s->kernel_w;
  for (int32_t x = call->x0; x < call->x1; job.out += job.pixels * job.channels) {
    x += shares && call->x1 - x >= 3 ? run_columns(call, x, &job) : run_taps(call, x, &job);
  }
}

static void run(const msf_call *call) {
  if (call->stage->layout == MSF_LAYOUT_PACKED) {
    run_packed(call);
  } else if (!msf_library_convolve(call)) {
    msf_run_depthwise_conv_2d_plain(call);
  }
}

const msf_operator msf_depthwise_conv_2d = {.check = check,
                                            .reads = msf_reads_window,
                                            .run = run,
                                            .lacks = lacks,
                                            .inputs = 1,
                                            .layouts = MSF_LAYOUT_PACKED,
                                            .flags = MSF_BEGINS_INSIDE};
const msf_operator msf_depthwise_conv_2d_packed = {.check = check_packed,
                                                   .reads = msf_reads_window,
                                                   .run = run_packed,
                                                   .lacks = lacks,
                                                   .inputs = 1,
                                                   .layouts = MSF_LAYOUT_PACKED,
                                                   .flags = MSF_ONLY_PACKED | MSF_BEGINS_INSIDE};
