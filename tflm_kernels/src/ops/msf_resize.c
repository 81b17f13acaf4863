/*
 * RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR, to sizes that are a small fraction of the input's: a window moves `stride`
 * pixels for every `factor` outputs. Where exactly an output looks follows from the reference's own arithmetic.
 */
#include "kernel/msf_kernel.h"

#define MAX_SCALE 32767 /* keeps coordinates in 22.10 fixed point in int32 */

/* arg[0] is 1 if an output looks where its centre is, 0 if where its corner is. */
static int32_t nearest(int32_t at, int32_t half, int32_t stride, uint8_t zoom) {
  return (2 * at + half) * stride / (2 * msf_factor(zoom));
}

static int check_nearest(const msf_stage_shape *shape) {
  const int32_t half = shape->stage->arg[0];
  return shape->in[0]->c == shape->out->c && (half == 0 || half == 1);
}

static msf_region reads_nearest(const msf_stage_shape *shape, int32_t k, int32_t y, int32_t x) {
  const msf_stage *s = shape->stage;
  msf_region region;
  region.rows.first = nearest(y, s->arg[0], s->stride_h, s->zoom_h);
  region.rows.end = region.rows.first + 1;
  region.columns.first = nearest(x, s->arg[0], s->stride_w, s->zoom_w);
  region.columns.end = region.columns.first + 1;
  region.channels = shape->in[k]->c;
  return region;
}

static void run_nearest(const msf_call *call) {
  const msf_stage *s = call->stage;
  const int32_t y = nearest(call->y, s->arg[0], s->stride_h, s->zoom_h);
  for (int32_t x = call->x0; x < call->x1; x++) {
    const int8_t *in = msf_pixel(&call->in[0], y, nearest(x, s->arg[0], s->stride_w, s->zoom_w));
    int8_t *out = msf_pixel(&call->out, call->y, x);
    for (int32_t c = 0; c < call->out.c; c++) out[c] = in[c];
  }
}

/* The two input coordinates between which an output lies, and its distance from the first in 1/1024. */
typedef struct {
  int32_t low, high, distance;
} msf_between;

static msf_between between(int32_t at, int32_t scale, int32_t half, int32_t size) {
  const int32_t position = at * scale + (half ? scale / 2 - 512 : 0);
  msf_between b;
  b.low = msf_max(position / 1024, 0);
  b.high = msf_min((position + 1023) / 1024, size - 1);
  b.distance = position - b.low * 1024;
  return b;
}

/* arg: input pixels for an output pixel in 1/1024, along height and width; 1 if an output looks where its centre is. */
static int check_bilinear(const msf_stage_shape *shape) {
  const int32_t *arg = shape->stage->arg;
  return shape->in[0]->c == shape->out->c && arg[0] > 0 && arg[0] <= MAX_SCALE && arg[1] > 0 && arg[1] <= MAX_SCALE;
}

static msf_range range_of(msf_between b) {
  const msf_range range = {b.low, msf_max(b.low, b.high) + 1};
  return range;
}

static msf_region reads_bilinear(const msf_stage_shape *shape, int32_t k, int32_t y, int32_t x) {
  const int32_t *arg = shape->stage->arg;
  const msf_tensor *in = shape->in[k];
  msf_region region;
  region.rows = range_of(between(y, arg[0], arg[2], msf_height(in)));
  region.columns = range_of(between(x, arg[1], arg[2], in->w));
  region.channels = in->c;
  return region;
}

static void run_bilinear(const msf_call *call) {
  const msf_view *in = &call->in[0];
  const int32_t *arg = call->stage->arg;
  const msf_between rows = between(call->y, arg[0], arg[2], in->h);
  for (int32_t x = call->x0; x < call->x1; x++) {
    const msf_between cols = between(x, arg[1], arg[2], in->w);
    const int8_t *a = msf_pixel(in, rows.low, cols.low), *b = msf_pixel(in, rows.low, cols.high);
    const int8_t *c = msf_pixel(in, rows.high, cols.low), *d = msf_pixel(in, rows.high, cols.high);
    int8_t *out = msf_pixel(&call->out, call->y, x);
    for (int32_t i = 0; i < in->c; i++) {
      const int32_t upper = a[i] * (1024 - cols.distance) + b[i] * cols.distance;
      const int32_t lower = c[i] * (1024 - cols.distance) + d[i] * cols.distance;
      const int32_t sum = upper * (1024 - rows.distance) + lower * rows.distance;
      out[i] = (int8_t)((sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20));
    }
  }
}

const msf_operator msf_resize_nearest_neighbor = {
    .check = check_nearest, .reads = reads_nearest, .run = run_nearest, .inputs = 1, .flags = MSF_ENLARGES};
const msf_operator msf_resize_bilinear = {
    .check = check_bilinear, .reads = reads_bilinear, .run = run_bilinear, .inputs = 1, .flags = MSF_ENLARGES};
