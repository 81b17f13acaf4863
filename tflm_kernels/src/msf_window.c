#include "msf_window.h"

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
  job->out = msf_pixel(&call->out, call->y, call->x0);
  job->pixels = 0;
  job->channels = call->out.c;
  job->segments = 0;
  job->length = 0;
  job->across = MSF_PIXELS;
}

/* Taps of a row that the padding is above or below. */
static void find_row_outside(const msf_stage *s, int32_t pixels, const msf_addresses *a, const int8_t **to) {
  for (; pixels > 0; pixels--, to += a->per_pixel) {
    const int8_t **tap = to;
    for (int32_t kx = s->kernel_w; kx > 0; kx--, tap += a->per_tap) *tap = a->padding;
  }
}

static inline void find_three(const int8_t **to, int32_t per_tap, const int8_t *at, int32_t step) {
  to[0] = at;
  to[per_tap] = at + step;
  to[2 * per_tap] = at + 2 * step;
}

/* Taps of a row of windows of three columns that all lie inside, the first tap at `at`: by far the most frequent. */
static void find_threes(const msf_stage *s, int32_t c, int32_t pixels, const int8_t *at, const msf_addresses *a,
                        const int8_t **to) {
  const int32_t per_tap = a->per_tap, per_pixel = a->per_pixel, step = s->dilation_w * c, across = s->stride_w * c;
  for (; pixels > 0; pixels--, to += per_pixel, at += across) {
    find_three(to, per_tap, at, step);
  }
}

/* Taps of a row that lies without a gap; the first one, at column `left`, would be at `at`. */
static void find_row(const msf_call *call, int32_t left, int32_t pixels, const int8_t *at, const msf_addresses *a,
                     const int8_t **to) {
  const msf_stage *s = call->stage;
  const int32_t per_tap = a->per_tap, per_pixel = a->per_pixel, kernel = s->kernel_w, stride = s->stride_w;
  const int32_t dilation = s->dilation_w, step = dilation * call->in[0].c, across = stride * call->in[0].c;
  const uint32_t width = (uint32_t)call->in[0].w;
  const uint32_t inside =
      (uint32_t)msf_max(call->in[0].w - 2 * dilation, 0); /* windows of three end inside before it */
  for (; pixels > 0; pixels--, to += per_pixel, left += stride, at += across) {
    const int8_t **to_tap = to;
    const int8_t *tap = at;
    int32_t col = left;
    if (kernel == 3 && (uint32_t)left < inside) {
      find_three(to, per_tap, at, step);
      continue;
    }
    for (int32_t kx = kernel; kx > 0; kx--, to_tap += per_tap, tap += step, col += dilation) {
      *to_tap = (uint32_t)col < width ? tap : a->padding;
    }
  }
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

void msf_find_taps(const msf_call *call, int32_t x, int32_t pixels, const msf_addresses *a) {
  const msf_stage *s = call->stage;
  const msf_view *in = &call->in[0];
  const msf_span span = msf_span_of(call, x, pixels);
  const int32_t columns = span.to - span.from, dilation = s->dilation_h, per_row = s->kernel_w * a->per_tap;
  const int32_t before = (span.origin - span.from) * in->c;
  const uint32_t line = (uint32_t)dilation * (uint32_t)in->line;
  const int is_three = span.is_inside && s->kernel_w == 3;
  const int8_t **to = a->to;
  int32_t y = msf_top(s, call->y);
  uint32_t position = msf_position(in, y, span.from);
  for (int32_t ky = s->kernel_h; ky > 0; ky--, y += dilation, position += line, to += per_row) {
    const uint32_t place = msf_place(in, position);
    const int32_t at = (int32_t)(place * (uint32_t)in->c);
    if ((uint32_t)y >= (uint32_t)in->h) {
      find_row_outside(s, pixels, a, to);
    } else if (!msf_is_in_one_piece(in, place, columns)) {
      find_row_around(call, span.origin, pixels, y, a, to);
    } else if (is_three) {
      find_threes(s, in->c, pixels, in->base + at, a, to);
    } else {
      find_row(call, span.origin, pixels, in->base + at + before, a, to);
    }
  }
}
