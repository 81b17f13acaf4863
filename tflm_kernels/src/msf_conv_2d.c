/*
 * CONV_2D. Kernel row, kernel column and input channel make one index k.
 *
 * MSF_LAYOUT_BLOCKED: weights [out channel / 2][k / 4][2][4], k filled up with zeros to a multiple of 4; the last one of
 * an odd number of channels as [k]. arg[0] is where params has a pixel of the padding. The bias holds
 * bias - input zero point * sum of the channel's weights, so that taps in the padding count as the zero point.
 */
#include "msf_window.h"

#define GATHERED 200 /* bytes of the stack for windows that do not lie in pieces of a multiple of 4 */

#define MOST_ACROSS (MSF_MAX_TAPS / MSF_PIXELS) /* segments of several pixels that there are addresses for */

static uint64_t window_size(const msf_stage *s, int32_t channels) {
  return (uint64_t)s->kernel_h * s->kernel_w * (uint32_t)channels;
}

static int check_blocked(const msf_stage_shape *shape) {
  const msf_stage *s = shape->stage;
  const uint64_t size = (window_size(s, shape->in[0]->c) + 3) / 4 * 4;
  if (shape->in[0]->c % 4 != 0) {
    if (size > GATHERED) return 0;
  } else if (s->kernel_h * s->kernel_w > MSF_MAX_TAPS || s->arg[0] < 0 ||
             !msf_fits((uint32_t)s->arg[0], shape->in[0]->c, 1, shape->params_size)) {
    return 0;
  }
  return s->weights % 4 == 0 && msf_fits(s->weights, size * shape->out->c, 1, shape->params_size) &&
         msf_fits_scales(shape);
}

static int check(const msf_stage_shape *shape) {
  const msf_stage *s = shape->stage;
  const uint64_t size = window_size(s, shape->in[0]->c);
  if (s->layout == MSF_LAYOUT_BLOCKED) return check_blocked(shape);
  return size <= UINT32_MAX && msf_fits(s->weights, size * shape->out->c, 1, shape->params_size) &&
         msf_fits_requantization(shape, shape->out->c);
}

/* Row y of the window whose first column is `left`, with zero points for what is outside. */
static void gather_row(const msf_call *call, int32_t y, int32_t left, int8_t *to) {
  const msf_stage *s = call->stage;
  const msf_view *in = &call->in[0];
  for (int32_t kx = 0; kx < s->kernel_w; kx++, left += s->dilation_w) {
    if (left >= 0 && left < in->w) {
      to = msf_copy(to, msf_pixel(in, y, left), in->c);
    } else {
      to = msf_fill(to, s->in_zero[0], in->c);
    }
  }
}

/* The same for a row without dilation that lies without a gap, at `at` from column span->from on. */
static void gather_whole_row(const msf_call *call, const msf_span *span, const int8_t *at, int32_t left, int8_t *to) {
  const int32_t c = call->in[0].c, zero = call->stage->in_zero[0], kernel = call->stage->kernel_w;
  const int32_t first = msf_min(msf_max(-left, 0), kernel);
  const int32_t last = msf_max(msf_min(call->in[0].w - left, kernel), first);
  to = msf_fill(to, (int8_t)zero, first * c);
  to = msf_copy(to, at + (left + first - span->from) * c, (last - first) * c);
  msf_fill(to, (int8_t)zero, (kernel - last) * c);
}

/* Row y of the windows of some pixels, `length` bytes from each to the next. */
static void gather_rows(const msf_call *call, const msf_span *span, int32_t y, int32_t pixels, int32_t length,
                        int8_t *to) {
  const msf_stage *s = call->stage;
  const msf_view *in = &call->in[0];
  const int32_t size = s->kernel_w * in->c, step = s->stride_w * in->c;
  const int is_whole = s->dilation_w == 1 && msf_is_contiguous(in, y, span->from, span->to - span->from);
  const int8_t *at = msf_pixel(in, y, span->from);
  int32_t left = span->origin;
  if (is_whole && span->is_inside) {
    for (; pixels > 0; pixels--, at += step, to += length) msf_copy(to, at, size);
    return;
  }
  for (; pixels > 0; pixels--, left += s->stride_w, to += length) {
    if (is_whole) {
      gather_whole_row(call, span, at, left, to);
    } else {
      gather_row(call, y, left, to);
    }
  }
}

/* The windows of some pixels from x on, each as `length` contiguous values with zeros at its end. */
static void gather(const msf_call *call, int32_t x, int32_t pixels, int32_t length, int8_t *to) {
  const msf_stage *s = call->stage;
  const msf_span span = msf_span_of(call, x, pixels);
  const int32_t size = s->kernel_w * call->in[0].c;
  int32_t y = msf_top(s, call->y);
  for (int32_t ky = s->kernel_h; ky > 0; ky--, to += size, y += s->dilation_h) {
    if (y >= 0 && y < call->in[0].h) {
      gather_rows(call, &span, y, pixels, length, to);
    } else {
      for (int32_t p = 0; p < pixels; p++) msf_fill(to + p * length, s->in_zero[0], size);
    }
  }
  for (int32_t p = 0; p < pixels; p++) msf_fill(to + p * length, 0, length - s->kernel_h * size);
}

static MSF_NOINLINE int32_t run_gathered(const msf_call *call, int32_t x, msf_job *job) {
  const int8_t *addresses[MSF_PIXELS];
  int8_t windows[GATHERED];
  job->segments = 1;
  job->length = ((int32_t)window_size(call->stage, call->in[0].c) + 3) & ~3;
  job->pixels = msf_min(msf_min(call->x1 - x, MSF_PIXELS), GATHERED / job->length);
  gather(call, x, job->pixels, job->length, windows);
  for (int32_t p = 0; p < job->pixels; p++) addresses[p] = windows + p * job->length;
  msf_convolve(job, addresses);
  return job->pixels;
}

/* Whole rows of windows as segments, if these lie inside the input in one piece each. Returns 0 if they do not. */
static int find_rows(const msf_call *call, int32_t x, int32_t pixels, const int8_t **addresses) {
  const msf_stage *s = call->stage;
  const msf_view *in = &call->in[0];
  const msf_span span = msf_span_of(call, x, pixels);
  const int32_t step = s->stride_w * in->c;
  if (!span.is_inside || msf_top(s, call->y) < 0 || msf_bottom(s, call->y) >= in->h) return 0;
  for (int32_t ky = 0; ky < s->kernel_h; ky++) {
    const int32_t y = msf_top(s, call->y) + ky * s->dilation_h;
    if (!msf_is_contiguous(in, y, span.from, span.to - span.from)) return 0;
    const int8_t *at = msf_pixel(in, y, span.from);
    for (int32_t p = 0; p < pixels; p++, at += step) *addresses++ = at;
    addresses += MSF_PIXELS - pixels;
  }
  return 1;
}

static void find_segments(const msf_call *call, int32_t x, msf_job *job, const int8_t **addresses) {
  const msf_stage *s = call->stage;
  if (s->dilation_w == 1 && s->kernel_h <= MOST_ACROSS && find_rows(call, x, job->pixels, addresses)) {
    job->across = MSF_PIXELS;
    job->segments = s->kernel_h;
    job->length = s->kernel_w * call->in[0].c;
    return;
  }
  job->segments = s->kernel_h * s->kernel_w;
  job->length = call->in[0].c;
  job->across = job->segments <= MOST_ACROSS ? MSF_PIXELS : 1;
  job->pixels = msf_min(job->pixels, job->across);
  const msf_addresses to = {addresses, job->across, 1, msf_bytes(call, (uint32_t)s->arg[0])};
  msf_find_taps(call, x, job->pixels, to);
}

static MSF_NOINLINE int32_t run_addressed(const msf_call *call, int32_t x, msf_job *job) {
  const int8_t *addresses[MSF_MAX_TAPS];
  job->pixels = msf_min(call->x1 - x, MSF_PIXELS);
  find_segments(call, x, job, addresses);
  msf_convolve(job, addresses);
  return job->pixels;
}

/* Input pixels are contiguous. */
static void run_pointwise(const msf_call *call, msf_job *job) {
  const int8_t *addresses[MSF_PIXELS];
  const int8_t *at = msf_pixel(&call->in[0], call->y, call->x0);
  job->segments = 1;
  job->length = call->in[0].c;
  for (int32_t left = call->x1 - call->x0; left > 0; left -= job->pixels, job->out += job->pixels * job->channels) {
    job->pixels = msf_min(left, MSF_PIXELS);
    for (int32_t p = 0; p < job->pixels; p++, at += job->length) addresses[p] = at;
    msf_convolve(job, addresses);
  }
}

static void run_blocked(const msf_call *call) {
  const int is_whole = call->in[0].c % 4 == 0;
  msf_job job;
  msf_begin_job(call, &job);
  if (is_whole && msf_reads_one_pixel(call->stage) && msf_same_size(call)) {
    run_pointwise(call, &job);
    return;
  }
  for (int32_t x = call->x0; x < call->x1; job.out += job.pixels * job.channels) {
    x += is_whole ? run_addressed(call, x, &job) : run_gathered(call, x, &job);
  }
}

static void run(const msf_call *call) {
  if (call->stage->layout == MSF_LAYOUT_BLOCKED) {
    run_blocked(call);
  } else {
    msf_run_conv_2d_plain(call);
  }
}

const msf_operator msf_conv_2d = {check, run, 1, 0, MSF_LAYOUT_BLOCKED};
