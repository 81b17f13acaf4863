/*
 * RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR: a window moves `stride` pixels for every `factor` outputs
 * and covers what they read. Where exactly an output looks follows from the reference's own arithmetic.
 */
#include "kernel/msf_kernel.h"

#define MAX_SCALE 32767   /* keeps coordinates in 22.10 fixed point in int32 */
#define MAX_ALIGNED 32767 /* keeps twice the product of two coordinates in int32 */

/* arg[0]: an output looks where its corner is, where its centre is, or as far in as the corners of both maps agree. */
enum { CORNER = 0, CENTRE = 1, ALIGNED = 2 };

static int32_t nearest(int32_t at, int32_t looks, int32_t stride, uint8_t zoom, int32_t size, int32_t out_size) {
  if (looks != ALIGNED || out_size == 1) return (2 * at + (looks & CENTRE)) * stride / (2 * msf_factor(zoom));
  return (2 * at * (size - 1) + out_size - 1) / (2 * (out_size - 1));
}

static int check_nearest(const msf_stage_shape *shape) {
  const msf_tensor *in = shape->in[0], *out = shape->out;
  const int32_t looks = shape->stage->arg[0], most = looks == ALIGNED ? MAX_ALIGNED : INT32_MAX;
  return in->c == out->c && looks >= CORNER && looks <= ALIGNED && msf_height(in) <= most && msf_height(out) <= most &&
         in->w <= most && out->w <= most;
}

static int32_t nearest_row(const msf_stage *s, int32_t y, int32_t height, int32_t out_height) {
  return nearest(y, s->arg[0], s->stride_h, s->zoom_h, height, out_height);
}

static int32_t nearest_column(const msf_stage *s, int32_t x, int32_t width, int32_t out_width) {
  return nearest(x, s->arg[0], s->stride_w, s->zoom_w, width, out_width);
}

static msf_region reads_nearest(const msf_stage_shape *shape, int32_t k, int32_t y, int32_t x) {
  const msf_stage *s = shape->stage;
  msf_region region;
  region.rows.first = nearest_row(s, y, msf_height(shape->in[k]), msf_height(shape->out));
  region.rows.end = region.rows.first + 1;
  region.columns.first = nearest_column(s, x, shape->in[k]->w, shape->out->w);
  region.columns.end = region.columns.first + 1;
  region.channels = shape->in[k]->c;
  return region;
}

static void run_nearest(const msf_call *call) {
  const msf_stage *s = call->stage;
  const int32_t y = nearest_row(s, call->y, call->in[0].h, call->out.h);
  for (int32_t x = call->x0; x < call->x1; x++) {
    const int8_t *in = msf_pixel(&call->in[0], y, nearest_column(s, x, call->in[0].w, call->out.w));
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
