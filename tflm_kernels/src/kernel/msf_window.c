#include "kernel/msf_window.h"

MSF_COLD int msf_fits_scales(const msf_stage_shape *shape) {
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

MSF_COLD int msf_lacks_clamps(const msf_stage_shape *shape) {
  return !MSF_HAS_CLAMPS && (shape->stage->act_min != INT8_MIN || shape->stage->act_max != INT8_MAX);
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
  job->scratch = 0;
  job->scratch_size = 0;
  if (s->flags & MSF_SCRATCH) {
    job->scratch = (int32_t *)(void *)(call->workspace + s->scratch);
    job->scratch_size = (int32_t)s->scratch_size;
  }
}

/* Taps of a row that goes on at the start of its ring. */
static void find_row_around(const msf_view *in, const msf_tap_windows *windows, int32_t y, int32_t per_tap,
                            const int8_t **to) {
  int32_t left = windows->left;
  for (int32_t p = windows->pixels; p > 0; p--, to += windows->per_pixel, left += windows->stride) {
    const int8_t **tap = to;
    int32_t col = left;
    for (int32_t kx = windows->kernel; kx > 0; kx--, tap += per_tap, col += windows->dilation) {
      *tap = (uint32_t)col < (uint32_t)in->w ? msf_pixel(in, y, col) : windows->padding;
    }
  }
}

/* All rows of some windows, whose columns are those of span. The next row's addresses are per_row from a row's. */
static inline void find_rows(const msf_call *call, const msf_span *span, const msf_tap_windows *windows,
                             int32_t per_tap, int32_t per_row, const int8_t **to) {
  const msf_view *in = &call->in[0];
  const msf_tap_rows r = msf_tap_rows_of(windows);
  const int32_t columns = span->to - span->from, kernel = windows->kernel;
  const int32_t before = (span->origin - span->from) * in->c;
  msf_row_walk row = msf_first_row(call, span->from);
  for (int32_t ky = call->stage->kernel_h; ky > 0; ky--, msf_next_row(&row), to += per_row) {
    const uint32_t place = msf_place(in, row.position);
    if (!msf_row_is_inside(in, &row)) {
      msf_find_row_outside(&r, kernel, per_tap, to);
    } else if (msf_is_in_one_piece(in, place, columns)) {
      msf_find_row(&r, kernel, per_tap, in->base + (int32_t)(place * (uint32_t)in->c) + before, to);
    } else {
      find_row_around(in, windows, row.y, per_tap, to);
    }
  }
}

#if defined(MSF_CHECK_ACCESS)
/* Whether an address is that of a tap, whose column counts from the first one's. */
static int tap_is_right(const msf_call *call, int32_t ky, int32_t left, const int8_t *address, const int8_t *padding) {
  const msf_view *in = &call->in[0];
  const int32_t row = msf_top(call->stage, call->y) + ky * call->stage->dilation_h;
  const int is_inside = row >= 0 && row < in->h && left >= 0 && left < in->w;
  return address == (is_inside ? msf_pixel(in, row, left) : padding);
}

/* Whether every address is that of the pixel it stands for. */
static int taps_are_right(const msf_call *call, int32_t x, int32_t pixels, const msf_addresses *a) {
  const msf_stage *s = call->stage;
  for (int32_t tap = 0; tap < pixels * s->kernel_h * s->kernel_w; tap++) {
    const int32_t p = tap % pixels, ky = tap / pixels / s->kernel_w, kx = tap / pixels % s->kernel_w;
    const int8_t *address = a->to[(ky * s->kernel_w + kx) * a->per_tap + p * a->per_pixel];
    if (!tap_is_right(call, ky, msf_left(s, x + p) + kx * s->dilation_w, address, a->padding)) return 0;
  }
  return 1;
}
#endif

/* The taps of a window of one column, all of it inside the input. Returns 0 if it is not. */
static MSF_NOINLINE int find_column(const msf_call *call, int32_t x, const msf_addresses *a) {
  const msf_stage *s = call->stage;
  const msf_view *in = &call->in[0];
  const int32_t top = msf_top(s, call->y), left = msf_left(s, x);
  if (top < 0 || msf_bottom(s, call->y) >= in->h || (uint32_t)left >= (uint32_t)in->w) return 0;
  const uint32_t ring = in->ring != 0 ? in->ring : UINT32_MAX;
  uint32_t line = (uint32_t)s->dilation_h * (uint32_t)in->line, place = msf_index(in, top, left);
  if (line >= ring) line %= ring;
  const int8_t **to = a->to;
  for (int32_t ky = s->kernel_h; ky > 0; ky--, to += a->per_tap) {
    *to = in->base + place * (uint32_t)in->c;
    place += line;
    if (place >= ring) place -= ring;
  }
  return 1;
}

void msf_find_taps(const msf_call *call, int32_t x, int32_t pixels, const msf_addresses *a) {
  const msf_stage *s = call->stage;
  const msf_view *in = &call->in[0];
  if (MSF_HAS_SINGLE_COLUMNS && s->kernel_w == 1 && pixels == 1 && find_column(call, x, a)) {
    MSF_CHECK(taps_are_right(call, x, 1, a));
    return;
  }
  const msf_span span = msf_span_of(call, x, pixels);
  const msf_tap_windows windows = {a->padding,    a->per_pixel, span.origin, pixels, s->stride_w,
                                   s->dilation_w, s->kernel_w,  in->w,       in->c};
  find_rows(call, &span, &windows, a->per_tap, s->kernel_w * a->per_tap, a->to);
  MSF_CHECK(taps_are_right(call, x, pixels, a));
}

#if defined(MSF_HAS_COLUMNS)
void msf_find_columns(const msf_call *call, int32_t x, int32_t pixels, const int8_t *padding, const int8_t **to) {
  const msf_stage *s = call->stage;
  const msf_view *in = &call->in[0];
  const msf_span span = msf_span_of(call, x, pixels);
  const int32_t rows = s->kernel_h, kernel = (pixels - 1) * s->stride_w + s->kernel_w;
  const int32_t all = (MSF_PIXELS - 1) * s->stride_w + s->kernel_w;
  const msf_tap_windows windows = {padding, 0, span.origin, 1, 1, 1, kernel, in->w, in->c};
  find_rows(call, &span, &windows, rows, 1, to);
  for (int32_t at = kernel * rows; at < all * rows; at++) to[at] = padding;
#if defined(MSF_CHECK_ACCESS)
  for (int32_t at = 0; at < kernel * rows; at++) {
    MSF_CHECK(tap_is_right(call, at % rows, span.origin + at / rows, to[at], padding));
  }
#endif
}
#endif

/* Columns of row y from column x on, n of them inside the input. A ring goes on at its beginning. */
static int8_t *im2col_inside(const msf_view *in, int32_t y, int32_t x, int32_t n, int8_t *to) {
  uint32_t place = msf_index(in, y, x);
  for (int32_t run; n > 0; n -= run, x += run, place = 0) {
    run = msf_is_in_one_piece(in, place, n) ? n : (int32_t)(in->ring - place);
    to = msf_copy(to, msf_pixels_at(in, place, y, x, run), run * in->c);
  }
  return to;
}

int8_t *msf_im2col_row(const msf_call *call, int32_t y, int32_t left, int32_t columns, int8_t *to) {
  const int32_t c = call->in[0].c;
  const int8_t zero = call->stage->in_zero[0];
  const int32_t first = msf_min(msf_max(-left, 0), columns);
  const int32_t last = msf_max(msf_min(call->in[0].w - left, columns), first);
  if (first > 0) to = msf_fill(to, zero, first * c);
  if (first < last) to = im2col_inside(&call->in[0], y, left + first, last - first, to);
  return last < columns ? msf_fill(to, zero, (columns - last) * c) : to;
}
