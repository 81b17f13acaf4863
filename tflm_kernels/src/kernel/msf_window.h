/*
 * The pixels under the windows of a few neighbouring outputs, as addresses, and the scales of packed layouts.
 */
#ifndef MSF_WINDOW_H_
#define MSF_WINDOW_H_

#include "arch/msf_arch.h"
#include "kernel/msf_kernel.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MSF_MAX_TAPS 49 /* of a window in a packed layout: up to 7x7 */

/* The columns that some windows touch. */
typedef struct {
  int32_t origin;   /* of the first window, may be negative */
  int32_t from, to; /* the part inside the input, at least one column */
  int is_inside;    /* all of them are */
} msf_span;

static inline msf_span msf_span_of(const msf_call *call, int32_t x, int32_t pixels) {
  const msf_stage *s = call->stage;
  const int32_t w = call->in[0].w;
  msf_span span;
  span.origin = x * s->stride_w - s->pad_left;
  const int32_t end = span.origin + (pixels - 1) * s->stride_w + (s->kernel_w - 1) * s->dilation_w + 1;
  span.is_inside = span.origin >= 0 && end <= w;
  span.from = msf_min(msf_max(span.origin, 0), w - 1);
  span.to = msf_max(msf_min(end, w), span.from + 1);
  return span;
}

/* Walks over the input rows under a row of windows. */
typedef struct {
  int32_t y, dilation;
  uint32_t position, line; /* of the row's first column that counts; what lies between two rows */
} msf_row_walk;

static inline msf_row_walk msf_first_row(const msf_call *call, int32_t column) {
  const msf_view *in = &call->in[0];
  msf_row_walk walk;
  walk.y = msf_top(call->stage, call->y);
  walk.dilation = call->stage->dilation_h;
  walk.position = msf_position(in, walk.y, column);
  walk.line = (uint32_t)walk.dilation * (uint32_t)in->line;
  return walk;
}

static inline void msf_next_row(msf_row_walk *walk) {
  walk->y += walk->dilation;
  walk->position += walk->line;
}

static inline int msf_row_is_inside(const msf_view *in, const msf_row_walk *walk) {
  return (uint32_t)walk->y < (uint32_t)in->h;
}

/* True if bias, multipliers and shifts as in msf_scales lie in params, for every output channel. */
int msf_fits_scales(const msf_stage_shape *shape);

/* Whether the kernels were made without what brings values into the range of a packed convolution's activation. */
int msf_lacks_clamps(const msf_stage_shape *shape);

/* Fills in what all jobs of a call have in common; out is that of its first pixel. */
void msf_begin_job(const msf_call *call, msf_job *job);

/* Where the addresses of taps go, and how far it is to the next tap's and to the next pixel's. */
typedef struct {
  const int8_t **to;
  int32_t per_tap, per_pixel;
  const int8_t *padding; /* the address of taps in the padding */
} msf_addresses;

/* Finds all taps of output pixels x to x + pixels - 1. */
void msf_find_taps(const msf_call *call, int32_t x, int32_t pixels, const msf_addresses *a);

#if defined(MSF_HAS_COLUMNS)
/*
 * Finds the columns that output pixels x to x + pixels - 1 see, which must be next to each other, each as kernel_h
 * addresses; and padding for those that more pixels, up to MSF_PIXELS, would see.
 */
void msf_find_columns(const msf_call *call, int32_t x, int32_t pixels, const int8_t *padding, const int8_t **to);
#endif

/*
 * A row of im2col: copies columns `left` to left + columns - 1 of row y, which is inside the input; zero points stand for
 * columns that are outside. Returns the end of the copy.
 */
int8_t *msf_im2col_row(const msf_call *call, int32_t y, int32_t left, int32_t columns, int8_t *to);

#ifdef __cplusplus
}
#endif

#endif /* MSF_WINDOW_H_ */
