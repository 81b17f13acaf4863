/*
 * CONV_2D. Kernel row, kernel column and input channel make one index k.
 *
 * MSF_LAYOUT_PACKED: weights [out channel / 2][k / 4][2][4], k filled up with zeros to a multiple of 4; the last one of
 * an odd number of channels as [k]. arg[0] is where params has a pixel of the padding. The bias holds
 * bias - input zero point * sum of the channel's weights, so that taps in the padding count as the zero point.
 */
#include "kernel/msf_window.h"
#include "library/msf_library.h"

#define IM2COL_BYTES 200 /* of the stack, for windows that do not lie in pieces of a multiple of 4 */

#define MOST_ACROSS (MSF_MAX_TAPS / MSF_PIXELS) /* segments of several pixels that there are addresses for */

static uint64_t window_size(const msf_stage *s, int32_t channels) {
  return (uint64_t)s->kernel_h * s->kernel_w * (uint32_t)channels;
}

#if defined(MSF_WIDENS) && !MSF_HAS_NARROW_PAIRS
/* Whether there is no room for the windows of two pixels in 16 bits. */
static int lacks_room(const msf_stage_shape *shape) {
  const msf_stage *s = shape->stage;
  const uint32_t size = ((uint32_t)window_size(s, shape->in[0]->c) + 3u) / 4 * 4 * MSF_PIXELS;
  const uint32_t scratch = s->flags & MSF_SCRATCH ? s->scratch_size : 0, stack = MSF_ROOM * sizeof(int32_t);
  return shape->out->c < 4 || size > (msf_is_pointwise(shape) && scratch < stack ? stack : scratch);
}
#else
static int lacks_room(const msf_stage_shape *shape) {
  (void)shape;
  return 0;
}
#endif

static MSF_COLD int lacks(const msf_stage_shape *shape) {
  if (shape->stage->layout != MSF_LAYOUT_PACKED) return 0;
  if (msf_lacks_clamps(shape)) return 1;
  if (lacks_room(shape)) return 1;
  if (MSF_HAS_SPARE_CHANNELS && !MSF_HAS_ODD_CHANNELS && (shape->out->c % 2 != 0 || shape->out->c < 4)) return 1;
  if (!MSF_HAS_SPARE_CHANNELS && shape->out->c % 4 != 0) return 1;
  if (shape->in[0]->c % 4 == 0) return !MSF_HAS_ADDRESSED && !msf_is_pointwise(shape);
  return !MSF_HAS_IM2COL || (!MSF_HAS_DILATED_IM2COL && shape->stage->dilation_w != 1);
}

static MSF_COLD int check_packed(const msf_stage_shape *shape) {
  const msf_stage *s = shape->stage;
  const uint64_t size = (window_size(s, shape->in[0]->c) + 3) / 4 * 4;
  if (shape->in[0]->c % 4 != 0) {
    if (size > IM2COL_BYTES) return 0;
  } else if (window_size(s, 1) > MSF_MAX_TAPS || s->arg[0] < 0 ||
             !msf_fits((uint32_t)s->arg[0], shape->in[0]->c, 1, shape->params_size)) {
    return 0;
  }
  return s->weights % 4 == 0 && msf_fits(s->weights, size * shape->out->c, 1, shape->params_size) &&
         msf_fits_scales(shape);
}

static MSF_COLD int check(const msf_stage_shape *shape) {
  const msf_stage *s = shape->stage;
  const uint64_t size = window_size(s, shape->in[0]->c);
  if (s->layout == MSF_LAYOUT_PACKED) return check_packed(shape);
  return size <= UINT32_MAX && msf_fits(s->weights, size * shape->out->c, 1, shape->params_size) &&
         msf_fits_requantization(shape, shape->out->c);
}

/* Row y of the window whose first column is `left`, with gaps between its columns; zero points for what is outside. */
static void im2col_dilated_row(const msf_call *call, int32_t y, int32_t left, int8_t *to) {
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

/* im2col of a few pixels: the windows of those from x on, each as `length` contiguous values with zeros at its end. */
static MSF_NOINLINE void im2col(const msf_call *call, int32_t x, int32_t pixels, int32_t length, int8_t *to) {
  const msf_stage *s = call->stage;
  const msf_view *in = &call->in[0];
  const msf_span span = msf_span_of(call, x, pixels);
  const int32_t size = s->kernel_w * in->c, stride = s->stride_w;
  int8_t *const end = to + pixels * length;
  msf_row_walk row = msf_first_row(call, span.from);
  for (int32_t ky = s->kernel_h; ky > 0; ky--, to += size, msf_next_row(&row)) {
    const uint32_t place = msf_place(in, row.position);
    int32_t left = span.origin;
    if (!msf_row_is_inside(in, &row)) {
      for (int8_t *at = to; at < end; at += length) msf_fill(at, s->in_zero[0], size);
    } else if (MSF_HAS_DILATED_IM2COL && s->dilation_w != 1) {
      for (int8_t *at = to; at < end; at += length, left += stride) im2col_dilated_row(call, row.y, left, at);
    } else if (span.is_inside && msf_is_in_one_piece(in, place, span.to - span.from)) {
      msf_copy_pieces(to, length, msf_pixels_at(in, place, row.y, span.from, span.to - span.from), stride * in->c,
                      pixels, size);
    } else {
      for (int8_t *at = to; at < end; at += length, left += stride) msf_im2col_row(call, row.y, left, s->kernel_w, at);
    }
  }
  for (int32_t rest = length - s->kernel_h * size; rest > 0; rest--, to++) {
    for (int8_t *last = to; last < end; last += length) *last = 0;
  }
}

static MSF_NOINLINE int32_t run_im2col(const msf_call *call, int32_t x, msf_job *job) {
  const int8_t *addresses[MSF_PIXELS];
  int8_t windows[IM2COL_BYTES];
  job->segments = 1;
  job->length = ((int32_t)window_size(call->stage, call->in[0].c) + 3) & ~3;
  job->pixels = msf_min(msf_min(call->x1 - x, MSF_PIXELS), IM2COL_BYTES / job->length);
  im2col(call, x, job->pixels, job->length, windows);
  for (int32_t p = 0; p < job->pixels; p++) addresses[p] = windows + p * job->length;
  msf_convolve(job, addresses);
  return job->pixels;
}

/* Where the addresses of rows of windows go; and room behind them for rows that do not lie in one piece. */
typedef struct {
  const int8_t **addresses;
  int8_t *room;
  int32_t left; /* bytes of the room */
} msf_rows;

/* Room for n bytes, or NULL. */
static int8_t *take_room(msf_rows *rows, int32_t n) {
  int8_t *const taken = rows->room;
  if (rows->left < n) return 0;
  rows->room += n;
  rows->left -= n;
  return taken;
}

/*
 * Row y of some windows, of which not all lie inside the input in one piece. Column span->from is at `place`. Returns 0 if
 * there is no room for the others.
 */
static MSF_NOINLINE int find_broken_row(const msf_call *call, const msf_span *span, int32_t y, uint32_t place,
                                        int32_t pixels, msf_rows *rows) {
  const msf_view *in = &call->in[0];
  const int32_t kernel = call->stage->kernel_w, stride = call->stage->stride_w, c = in->c;
  const uint32_t inside = (uint32_t)msf_max(in->w - kernel + 1, 0); /* windows end inside before it */
  int32_t left = span->origin;
  for (int32_t p = 0; p < pixels; p++, left += stride) {
    const uint32_t at = msf_place(in, place + (uint32_t)(left - span->from));
    if ((uint32_t)left < inside && msf_is_in_one_piece(in, at, kernel)) {
      rows->addresses[p] = msf_pixels_at(in, at, y, left, kernel);
    } else {
      int8_t *copy = take_room(rows, kernel * c);
      if (copy == 0) return 0;
      msf_im2col_row(call, y, left, kernel, copy);
      rows->addresses[p] = copy;
    }
  }
  return 1;
}

/* A row of the padding. Returns 0 if there is no room for it. */
static MSF_NOINLINE int find_row_outside(const msf_call *call, int32_t pixels, msf_rows *rows) {
  const int32_t size = call->stage->kernel_w * call->in[0].c;
  int8_t *row = take_room(rows, size);
  if (row == 0) return 0;
  msf_fill(row, call->stage->in_zero[0], size);
  for (int32_t p = 0; p < pixels; p++) rows->addresses[p] = row;
  return 1;
}

/* Whole rows of windows as segments. Returns 0 if too many of them do not lie in one piece. */
static int find_rows(const msf_call *call, int32_t x, int32_t pixels, msf_rows rows) {
  const msf_stage *s = call->stage;
  const msf_view *in = &call->in[0];
  const msf_span span = msf_span_of(call, x, pixels);
  const int32_t step = s->stride_w * in->c, columns = span.to - span.from;
  msf_row_walk row = msf_first_row(call, span.from);
  /* all rows of a window at the edge are broken */
  if (!span.is_inside && s->kernel_h * s->kernel_w * in->c > rows.left) return 0;
  for (int32_t ky = s->kernel_h; ky > 0; ky--, msf_next_row(&row), rows.addresses += MSF_PIXELS) {
    const uint32_t place = msf_place(in, row.position);
    if (!msf_row_is_inside(in, &row)) {
      if (!find_row_outside(call, pixels, &rows)) return 0;
    } else if (!span.is_inside || !msf_is_in_one_piece(in, place, columns)) {
      if (!find_broken_row(call, &span, row.y, place, pixels, &rows)) return 0;
    } else {
      const int8_t *at = msf_pixels_at(in, place, row.y, span.from, columns);
      for (int32_t p = 0; p < pixels; p++, at += step) rows.addresses[p] = at;
    }
  }
  return 1;
}

static void find_segments(const msf_call *call, int32_t x, msf_job *job, const int8_t **addresses) {
  const msf_stage *s = call->stage;
  if (s->dilation_w == 1 && s->kernel_h <= MOST_ACROSS) {
    const int8_t **behind = addresses + s->kernel_h * MSF_PIXELS;
    const int32_t left = (int32_t)sizeof *addresses * (MSF_MAX_TAPS - s->kernel_h * MSF_PIXELS);
    const msf_rows rows = {addresses, (int8_t *)(void *)behind, left};
    if (find_rows(call, x, job->pixels, rows)) {
      job->across = MSF_PIXELS;
      job->segments = s->kernel_h;
      job->length = s->kernel_w * call->in[0].c;
      return;
    }
  }
  job->segments = s->kernel_h * s->kernel_w;
  job->length = call->in[0].c;
  job->across = job->segments <= MOST_ACROSS ? MSF_PIXELS : 1;
  job->pixels = msf_min(job->pixels, job->across);
  const msf_addresses to = {addresses, job->across, 1, msf_bytes(call, (uint32_t)s->arg[0])};
  msf_find_taps(call, x, job->pixels, &to);
}

static MSF_NOINLINE int32_t run_addressed(const msf_call *call, int32_t x, msf_job *job) {
  const int8_t *addresses[MSF_MAX_TAPS];
  job->pixels = msf_min(call->x1 - x, MSF_PIXELS);
  find_segments(call, x, job, addresses);
  msf_convolve(job, addresses);
  return job->pixels;
}

/* Input pixels are contiguous. Few addresses are needed, so that there is some stack left for scratch. */
static MSF_NOINLINE void run_pointwise(const msf_call *call, msf_job *job) {
  const int8_t *addresses[MSF_PIXELS];
  int32_t room[MSF_ROOM];
  const int8_t *at = msf_pixels(&call->in[0], call->y, call->x0, call->x1 - call->x0);
  job->segments = 1;
  job->length = call->in[0].c;
  if (job->scratch_size < (int32_t)sizeof room) {
    job->scratch = room;
    job->scratch_size = (int32_t)sizeof room;
  }
  for (int32_t left = call->x1 - call->x0; left > 0; left -= job->pixels, job->out += job->pixels * job->channels) {
    job->pixels = msf_min(left, MSF_PIXELS);
    for (int32_t p = 0; p < job->pixels; p++, at += job->length) addresses[p] = at;
    msf_convolve(job, addresses);
  }
}

static void run_packed(const msf_call *call) {
  const int is_whole = call->in[0].c % 4 == 0;
  msf_job job;
  msf_begin_job(call, &job);
  if (is_whole && (!MSF_HAS_ADDRESSED || (msf_reads_one_pixel(call->stage) && msf_same_size(call)))) {
    run_pointwise(call, &job);
    return;
  }
  for (int32_t x = call->x0; x < call->x1; job.out += job.pixels * job.channels) {
    x += MSF_HAS_ADDRESSED && (is_whole || !MSF_HAS_IM2COL) ? run_addressed(call, x, &job) : run_im2col(call, x, &job);
  }
}

static void run(const msf_call *call) {
  if (call->stage->layout == MSF_LAYOUT_PACKED) {
    run_packed(call);
  } else if (!msf_library_convolve(call)) {
    msf_run_conv_2d_plain(call);
  }
}

const msf_operator msf_conv_2d = {.check = check,
                                  .reads = msf_reads_window,
                                  .run = run,
                                  .lacks = lacks,
                                  .inputs = 1,
                                  .layouts = MSF_LAYOUT_PACKED,
                                  .flags = MSF_HAS_SCRATCH | MSF_BEGINS_INSIDE};
const msf_operator msf_conv_2d_packed = {.check = check_packed,
                                         .reads = msf_reads_window,
                                         .run = run_packed,
                                         .lacks = lacks,
                                         .inputs = 1,
                                         .layouts = MSF_LAYOUT_PACKED,
                                         .flags = MSF_HAS_SCRATCH | MSF_ONLY_PACKED | MSF_BEGINS_INSIDE};
