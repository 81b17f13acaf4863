#include "kernel/msf_window.h"

int msf_fits_scales(const msf_stage_shape *shape) {
  const msf_stage *s = shape->stage;
  const uint32_t channels = shape->out->c;
  if (!msf_fits(s->bias, channels, 4, shape->params_size) ||
      !msf_fits(s->multipliers, channels, 4, shape->params_size) ||
      !msf_fits(s->shifts, channels, 1, shape->params_size) || (s->flags & MSF_UNIFORM) != 0) {
    return 0;
  }
  for (uint32_t o = 0; o < channels; o++) {
    const uint8_t shift = shape->params[s->shifts + o];
    if (shift < 1 || shift > MSF_MAX_SHORT_SHIFT) return 0;
  }
  return 1;
}

void msf_begin_job(const msf_call *call, msf_job *job) {
  const msf_stage *s = call->stage;
  job->scales.bias = msf_words(call, s->bias);
  job->scales.multipliers = (const uint32_t *)(const void *)(call->params + s->multipliers);
  job->scales.shifts = call->params + s->shifts;
  job->scales.half = 2 * s->out_zero + 1;
  job->scales.act_min = s->act_min;
  job->scales.act_max = s->act_max;
  job->weights = msf_bytes(call, s->weights);
  job->out = msf_pixels(&call->out, call->y, call->x0, call->x1 - call->x0);
  job->pixels = 0;
  job->channels = call->out.c;
  job->segments = 0;
  job->length = 0;
  job->across = MSF_PIXELS;
}

/* Taps of a row that goes on at the start of its ring. */
static void find_row_around(const msf_call *call, int32_t left, int32_t pixels, int32_t y, const msf_addresses *a,
                            const int8_t **to) {
  const msf_stage *s = call->stage;
  const msf_view *in = &call->in[0];
  for (; pixels > 0; pixels--, to += a->per_pixel, left += s->stride_w) {
    const int8_t **tap = to;
    int32_t col = left;
    for (int32_t kx = s->kernel_w; kx > 0; kx--, tap += a->per_tap, col += s->dilation_w) {
      *tap = (uint32_t)col < (uint32_t)in->w ? msf_pixel(in, y, col) : a->padding;
    }
  }
}

#if defined(MSF_ARCH_MVE)

/* What the rows of some windows have in common, with a lane for each pixel. */
typedef struct {
  uint32x4_t places, padding; /* where a pixel's addresses go, in bytes, and the address of the padding */
  uint32x4_t col, tap;        /* a window's first column, and where that is, in bytes from the first window's */
  mve_pred16_t all;
  uint32_t width, dilation, step;
} rows;

static inline rows rows_of(const msf_call *call, int32_t left, int32_t pixels, const msf_addresses *a) {
  const msf_stage *s = call->stage;
  const uint32_t c = (uint32_t)call->in[0].c;
  const uint32x4_t pixel = vidupq_n_u32(0, 1);
  rows r;
  r.places = vmulq_n_u32(pixel, (uint32_t)a->per_pixel * sizeof *a->to);
  r.padding = vdupq_n_u32((uint32_t)a->padding);
  r.col = vaddq_n_u32(vmulq_n_u32(pixel, s->stride_w), (uint32_t)left);
  r.tap = vmulq_n_u32(pixel, s->stride_w * c);
  r.all = vctp32q((uint32_t)pixels);
  r.width = (uint32_t)call->in[0].w;
  r.dilation = s->dilation_w;
  r.step = s->dilation_w * c;
  return r;
}

static inline void store(const rows *r, const int8_t **to, uint32x4_t addresses) {
  vstrwq_scatter_offset_p_u32((uint32_t *)(void *)to, r->places, addresses, r->all);
}

/* Taps of a row that the padding is above or below. */
static inline void find_row_outside(const rows *r, int32_t kernel, int32_t per_tap, const int8_t **to) {
  for (; kernel > 0; kernel--, to += per_tap) store(r, to, r->padding);
}

/* Taps of a row that lies without a gap; the first one would be at `at`. */
static inline void find_row(const rows *r, int32_t kernel, int32_t per_tap, const int8_t *at, const int8_t **to) {
  uint32x4_t col = r->col, tap = vaddq_n_u32(r->tap, (uint32_t)at);
  for (; kernel > 0; kernel--, to += per_tap) {
    store(r, to, vpselq_u32(r->padding, tap, vcmpcsq_n_u32(col, r->width)));
    col = vaddq_n_u32(col, r->dilation);
    tap = vaddq_n_u32(tap, r->step);
  }
}

#else

/* What the rows of some windows have in common. */
typedef struct {
  const int8_t *padding;
  int32_t left, pixels, per_pixel, stride, across, dilation, step;
  uint32_t width, inside; /* columns; those before which windows of three columns end inside */
} rows;

static inline rows rows_of(const msf_call *call, int32_t left, int32_t pixels, const msf_addresses *a) {
  const msf_stage *s = call->stage;
  const int32_t c = call->in[0].c, w = call->in[0].w;
  rows r;
  r.padding = a->padding;
  r.left = left;
  r.pixels = pixels;
  r.per_pixel = a->per_pixel;
  r.stride = s->stride_w;
  r.across = s->stride_w * c;
  r.dilation = s->dilation_w;
  r.step = s->dilation_w * c;
  r.width = (uint32_t)w;
  r.inside = (uint32_t)msf_max(w - 2 * s->dilation_w, 0);
  return r;
}

static inline void find_row_outside(const rows *r, int32_t kernel, int32_t per_tap, const int8_t **to) {
  for (int32_t p = r->pixels; p > 0; p--, to += r->per_pixel) {
    for (int32_t kx = 0; kx < kernel; kx++) to[kx * per_tap] = r->padding;
  }
}

static inline void find_row(const rows *r, int32_t kernel, int32_t per_tap, const int8_t *at, const int8_t **to) {
  int32_t left = r->left;
  for (int32_t p = r->pixels; p > 0; p--, to += r->per_pixel, left += r->stride, at += r->across) {
    if (kernel == 3 && (uint32_t)left < r->inside) { /* by far the most frequent */
      to[0] = at;
      to[per_tap] = at + r->step;
      to[2 * per_tap] = at + 2 * r->step;
      continue;
    }
    for (int32_t kx = 0; kx < kernel; kx++) {
      const int is_inside = (uint32_t)(left + kx * r->dilation) < r->width;
      to[kx * per_tap] = is_inside ? at + kx * r->step : r->padding;
    }
  }
}

#endif

#if defined(MSF_CHECK_ACCESS)
/* Whether every address is that of the pixel it stands for. */
static int taps_are_right(const msf_call *call, int32_t x, int32_t pixels, const msf_addresses *a) {
  const msf_stage *s = call->stage;
  const msf_view *in = &call->in[0];
  for (int32_t tap = 0; tap < pixels * s->kernel_h * s->kernel_w; tap++) {
    const int32_t p = tap % pixels, ky = tap / pixels / s->kernel_w, kx = tap / pixels % s->kernel_w;
    const int32_t row = msf_top(s, call->y) + ky * s->dilation_h, col = msf_left(s, x + p) + kx * s->dilation_w;
    const int is_inside = row >= 0 && row < in->h && col >= 0 && col < in->w;
    const int8_t *right = is_inside ? msf_pixel(in, row, col) : a->padding;
    if (a->to[(ky * s->kernel_w + kx) * a->per_tap + p * a->per_pixel] != right) return 0;
  }
  return 1;
}
#endif

void msf_find_taps(const msf_call *call, int32_t x, int32_t pixels, const msf_addresses *a) {
  const msf_stage *s = call->stage;
  const msf_view *in = &call->in[0];
  const msf_span span = msf_span_of(call, x, pixels);
  const rows r = rows_of(call, span.origin, pixels, a);
  const int32_t columns = span.to - span.from, kernel = s->kernel_w, per_tap = a->per_tap;
  const int32_t before = (span.origin - span.from) * in->c;
  const int8_t **to = a->to;
  msf_row_walk row = msf_first_row(call, span.from);
  for (int32_t ky = s->kernel_h; ky > 0; ky--, msf_next_row(&row), to += kernel * per_tap) {
    const uint32_t place = msf_place(in, row.position);
    if (!msf_row_is_inside(in, &row)) {
      find_row_outside(&r, kernel, per_tap, to);
    } else if (msf_is_in_one_piece(in, place, columns)) {
      find_row(&r, kernel, per_tap, in->base + (int32_t)(place * (uint32_t)in->c) + before, to);
    } else {
      find_row_around(call, span.origin, pixels, row.y, a, to);
    }
  }
  MSF_CHECK(taps_are_right(call, x, pixels, a));
}

/* Columns of row y from column x on, n of them inside the input. A ring goes on at its beginning. */
static int8_t *gather_inside(const msf_view *in, int32_t y, int32_t x, int32_t n, int8_t *to) {
  uint32_t place = msf_index(in, y, x);
  for (; !msf_is_in_one_piece(in, place, n); place = 0) {
    const int32_t run = (int32_t)(in->ring - place);
    to = msf_copy(to, msf_pixels_at(in, place, y, x, run), run * in->c);
    n -= run;
    x += run;
  }
  return msf_copy(to, msf_pixels_at(in, place, y, x, n), n * in->c);
}

int8_t *msf_gather_row(const msf_call *call, int32_t y, int32_t left, int32_t columns, int8_t *to) {
  const int32_t c = call->in[0].c;
  const int8_t zero = call->stage->in_zero[0];
  const int32_t first = msf_min(msf_max(-left, 0), columns);
  const int32_t last = msf_max(msf_min(call->in[0].w - left, columns), first);
  if (first > 0) to = msf_fill(to, zero, first * c);
  if (first < last) to = gather_inside(&call->in[0], y, left + first, last - first, to);
  return last < columns ? msf_fill(to, zero, (columns - last) * c) : to;
}
