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
static void find_row_outside(const msf_stage *s, int32_t pixels, const msf_addresses *a) {
  for (int32_t p = 0; p < pixels; p++) {
    const int8_t **to = a->to + p * a->per_pixel;
    for (int32_t kx = s->kernel_w; kx > 0; kx--, to += a->per_tap) *to = a->padding;
  }
}

/* Taps of a row that lies without a gap from column span->from on, which is at `at`. */
static void find_row(const msf_call *call, const msf_span *span, int32_t pixels, const int8_t *at,
                     const msf_addresses *a) {
  const msf_stage *s = call->stage;
  const int32_t c = call->in[0].c, per_tap = a->per_tap, dilation = s->dilation_w;
  const int32_t step = dilation * c;
  const int32_t last = call->in[0].w - (s->kernel_w - 1) * dilation; /* before this, windows end inside */
  const uint32_t width = (uint32_t)call->in[0].w;
  const int8_t **start = a->to;
  int32_t left = span->origin;
  at += (left - span->from) * c;
  for (; pixels > 0; pixels--, start += a->per_pixel, left += s->stride_w, at += s->stride_w * c) {
    const int8_t **to = start;
    const int8_t *tap = at;
    if (left >= 0 && left < last && s->kernel_w == 3) { /* by far the most frequent */
      to[0] = tap;
      to[per_tap] = tap + step;
      to[2 * per_tap] = tap + 2 * step;
      continue;
    }
    int32_t col = left;
    for (int32_t kx = s->kernel_w; kx > 0; kx--, to += per_tap, tap += step, col += dilation) {
      *to = (uint32_t)col < width ? tap : a->padding;
    }
  }
}

/* Taps of a row that goes on at the start of its ring. */
static void find_row_around(const msf_call *call, const msf_span *span, int32_t pixels, int32_t y,
                            const msf_addresses *a) {
  const msf_stage *s = call->stage;
  const msf_view *in = &call->in[0];
  for (int32_t p = 0; p < pixels; p++) {
    const int8_t **to = a->to + p * a->per_pixel;
    int32_t col = span->origin + p * s->stride_w;
    for (int32_t kx = s->kernel_w; kx > 0; kx--, to += a->per_tap, col += s->dilation_w) {
      *to = (uint32_t)col < (uint32_t)in->w ? msf_pixel(in, y, col) : a->padding;
    }
  }
}

void msf_find_taps(const msf_call *call, int32_t x, int32_t pixels, msf_addresses addresses) {
  const msf_stage *s = call->stage;
  const msf_view *in = &call->in[0];
  const msf_span span = msf_span_of(call, x, pixels);
  int32_t y = msf_top(s, call->y);
  for (int32_t ky = s->kernel_h; ky > 0; ky--, y += s->dilation_h, addresses.to += s->kernel_w * addresses.per_tap) {
    if ((uint32_t)y >= (uint32_t)in->h) {
      find_row_outside(s, pixels, &addresses);
    } else if (msf_is_contiguous(in, y, span.from, span.to - span.from)) {
      find_row(call, &span, pixels, msf_pixel(in, y, span.from), &addresses);
    } else {
      find_row_around(call, &span, pixels, y, &addresses);
    }
  }
}
