/*
 * AVERAGE_POOL_2D, MAX_POOL_2D, GLOBAL_POOL and PAD: operators without weights.
 */
#include "arch/msf_arch.h"
#include "kernel/msf_kernel.h"

#define MAX_PIXELS (1u << 23) /* below this, a sum of int8 values and half their number fit in int32 */

static int check_window(const msf_stage_shape *shape) {
  const msf_stage *s = shape->stage;
  return shape->in[0]->c == shape->out->c && s->dilation_h == 1 && s->dilation_w == 1 &&
         (uint32_t)s->kernel_h * s->kernel_w < MAX_PIXELS;
}

/* Sum and number of the values of channel c under the window. */
static int32_t window_sum(const msf_call *call, int32_t c, msf_taps rows, msf_taps cols) {
  int32_t sum = 0;
  for (int32_t ky = rows.first; ky < rows.last; ky++) {
    for (int32_t kx = cols.first; kx < cols.last; kx++) {
      sum += msf_pixel(&call->in[0], rows.origin + ky, cols.origin + kx)[c];
    }
  }
  return sum;
}

static int32_t window_max(const msf_call *call, int32_t c, msf_taps rows, msf_taps cols) {
  int32_t max = INT8_MIN;
  for (int32_t ky = rows.first; ky < rows.last; ky++) {
    for (int32_t kx = cols.first; kx < cols.last; kx++) {
      max = msf_max(max, msf_pixel(&call->in[0], rows.origin + ky, cols.origin + kx)[c]);
    }
  }
  return max;
}

/* To the nearest integer, ties away from zero; count > 0. */
static MSF_NOINLINE int32_t rounded_quotient(int32_t sum, int32_t count) {
  return msf_wrap_add(sum, sum > 0 ? count / 2 : -(count / 2)) /
         count; /* wraps only where accumulators were overwritten */
}

static void run_average(const msf_call *call) {
  const msf_taps rows = msf_taps_rows(call);
  for (int32_t x = call->x0; x < call->x1; x++) {
    const msf_taps cols = msf_taps_cols(call, x);
    const int32_t count = msf_max((rows.last - rows.first) * (cols.last - cols.first), 1);
    int8_t *out = msf_pixel(&call->out, call->y, x);
    for (int32_t c = 0; c < call->out.c; c++) {
      out[c] = msf_clamp(rounded_quotient(window_sum(call, c, rows, cols), count), call->stage);
    }
  }
}

static void run_max(const msf_call *call) {
  const msf_taps rows = msf_taps_rows(call);
  for (int32_t x = call->x0; x < call->x1; x++) {
    const msf_taps cols = msf_taps_cols(call, x);
    int8_t *out = msf_pixel(&call->out, call->y, x);
    for (int32_t c = 0; c < call->out.c; c++) out[c] = msf_clamp(window_max(call, c, rows, cols), call->stage);
  }
}

/*
 * The mean or the largest value of every channel over the whole input, collected as rows arrive.
 * arg[0] = AVERAGE: as AVERAGE_POOL_2D over the whole map. MEAN: arg[1] and arg[2] are the multiplier and shift of
 * (sum - count * zero point). LARGEST: as MAX_POOL_2D over the whole map.
 */
enum { AVERAGE = 0, MEAN = 1, LARGEST = 2 };

static MSF_COLD int lacks_global(const msf_stage_shape *shape) {
  const int32_t kind = shape->stage->arg[0];
  return (!MSF_HAS_GLOBAL_MEAN && kind == MEAN) || (!MSF_HAS_GLOBAL_MAX && kind == LARGEST);
}

static MSF_COLD int check_global(const msf_stage_shape *shape) {
  const uint32_t pixels = (uint32_t)msf_height(shape->in[0]) * shape->in[0]->w;
  return msf_reads_one_pixel(shape->stage) && shape->in[0]->c == shape->out->c && pixels < MAX_PIXELS &&
         msf_is_one_pixel(shape->out) && msf_shift_in_range(shape->stage->arg[2]) && shape->stage->arg[0] >= AVERAGE &&
         shape->stage->arg[0] <= LARGEST && msf_fits_accumulators(shape, shape->out->c);
}

static int8_t global_result(const msf_stage *s, int32_t sum, int32_t count) {
  if (MSF_HAS_GLOBAL_MAX && s->arg[0] == LARGEST) return msf_clamp(sum, s);
  if (!MSF_HAS_GLOBAL_MEAN || s->arg[0] == AVERAGE) return msf_clamp(rounded_quotient(sum, count), s);
  return msf_requantize(msf_wrap_add(sum, -msf_wrap_mul(s->in_zero[0], count)), s->arg[1], (int8_t)s->arg[2], s);
}

static void keep_largest(int32_t *largest, const int8_t *pixel, int32_t channels) {
  for (int32_t c = 0; c < channels; c++) {
    if (pixel[c] > largest[c]) largest[c] = pixel[c];
  }
}

static void run_global(const msf_call *call) {
  const msf_view *in = &call->in[0];
  const int largest = MSF_HAS_GLOBAL_MAX && call->stage->arg[0] == LARGEST;
  int32_t *sums = msf_accumulators(call);
  if (call->y == 0 && call->x0 == 0) {
    for (int32_t c = 0; c < in->c; c++) sums[c] = largest ? INT8_MIN : 0;
  }
  const int8_t *pixel = msf_pixels(in, call->y, call->x0, call->x1 - call->x0);
  for (int32_t x = call->x0; x < call->x1; x++, pixel += in->c) {
    if (largest) {
      keep_largest(sums, pixel, in->c);
    } else {
      msf_add_to_sums(sums, pixel, in->c);
    }
  }
  if (call->y == in->h - 1 && call->x1 == in->w) {
    int8_t *out = msf_pixel(&call->out, 0, 0);
    for (int32_t c = 0; c < in->c; c++) out[c] = global_result(call->stage, sums[c], in->h * in->w);
  }
}

/* The input, and in_zero outside of it. Kernel and stride are 1; arg[0] is the number of channels before the input's. */
static int check_pad(const msf_stage_shape *shape) {
  const msf_stage *s = shape->stage;
  return s->arg[0] >= 0 && s->arg[0] <= shape->out->c - shape->in[0]->c && s->kernel_h == 1 && s->kernel_w == 1 &&
         s->stride_h == 1 && s->stride_w == 1;
}

static void run_pad(const msf_call *call) {
  const msf_stage *s = call->stage;
  const msf_view *in = &call->in[0];
  const int32_t y = call->y - s->pad_top;
  for (int32_t out_x = call->x0; out_x < call->x1; out_x++) {
    const int32_t x = out_x - s->pad_left;
    const int inside = y >= 0 && y < in->h && x >= 0 && x < in->w;
    const int8_t *pixel = inside ? msf_pixel(in, y, x) : 0;
    int8_t *out = msf_pixel(&call->out, call->y, out_x);
    for (int32_t c = 0; c < call->out.c; c++) out[c] = s->in_zero[0];
    for (int32_t c = 0; inside && c < in->c; c++) out[s->arg[0] + c] = pixel[c];
  }
}

const msf_operator msf_average_pool_2d = {
    .check = check_window, .reads = msf_reads_window, .run = run_average, .inputs = 1, .flags = MSF_BEGINS_INSIDE};
const msf_operator msf_max_pool_2d = {
    .check = check_window, .reads = msf_reads_window, .run = run_max, .inputs = 1, .flags = MSF_BEGINS_INSIDE};
const msf_operator msf_global_pool = {.check = check_global,
                                      .reads = msf_reads_pixel,
                                      .run = run_global,
                                      .lacks = lacks_global,
                                      .inputs = 1,
                                      .flags = MSF_REDUCES};
const msf_operator msf_pad = {.check = check_pad, .reads = msf_reads_window, .run = run_pad, .inputs = 1};
