/* Which pixels of its input an output pixel is made from. */
#ifndef MSF_GEOMETRY_H_
#define MSF_GEOMETRY_H_

#include "arch/msf_base.h"
#include "arch/msf_parts.h"
#include "kernel/msf_operator.h"

#ifdef __cplusplus
extern "C" {
#endif

/* True if an output pixel is made from the same pixel of the input, so that input pixels are contiguous. */
static inline int msf_reads_one_pixel(const msf_stage *s) {
  return s->kernel_h == 1 && s->kernel_w == 1 && s->stride_h == 1 && s->stride_w == 1 && s->pad_top == 0 &&
         s->pad_left == 0 && (!MSF_HAS_ENLARGING || (s->zoom_h == 0 && s->zoom_w == 0));
}

/* A window moves on only every `factor` outputs, for the first time after `factor` - `shift` of them. */
static inline int32_t msf_factor(uint8_t zoom) { return (zoom & 15) + 1; }
static inline int32_t msf_shift(uint8_t zoom) { return zoom >> 4; }

static inline int32_t msf_step(int32_t at, uint8_t zoom) {
  return !MSF_HAS_ENLARGING || zoom == 0 ? at : (at + msf_shift(zoom)) / msf_factor(zoom);
}

/* Input coordinates of the window's first and last tap for output coordinates from 0 on; may lie outside the tensor. */
static inline int32_t msf_top(const msf_stage *s, int32_t y) {
  return msf_step(y, s->zoom_h) * s->stride_h - s->pad_top;
}

static inline int32_t msf_left(const msf_stage *s, int32_t x) {
  return msf_step(x, s->zoom_w) * s->stride_w - s->pad_left;
}

static inline int32_t msf_bottom(const msf_stage *s, int32_t y) {
  return msf_top(s, y) + (s->kernel_h - 1) * s->dilation_h;
}

static inline int32_t msf_right(const msf_stage *s, int32_t x) {
  return msf_left(s, x) + (s->kernel_w - 1) * s->dilation_w;
}

/* Rows and columns under the windows of outputs first to last: what is asked of an input, and all that may be read. */
static inline msf_range msf_window_rows(const msf_stage *s, int32_t first, int32_t last) {
  const msf_range rows = {msf_top(s, first), msf_bottom(s, last) + 1};
  return rows;
}

static inline msf_range msf_window_columns(const msf_stage *s, int32_t first, int32_t last) {
  const msf_range columns = {msf_left(s, first), msf_right(s, last) + 1};
  return columns;
}

/* Rows of a map. */
static inline int32_t msf_height(const msf_tensor *t) { return (int32_t)((uint32_t)t->h_high << 16 | t->h); }

/* True if two tensors have the same pixels. */
static inline int msf_same_grid(const msf_tensor *a, const msf_tensor *b) {
  return msf_height(a) == msf_height(b) && a->w == b->w;
}

/* True for a map of one pixel. */
static inline int msf_is_one_pixel(const msf_tensor *t) { return msf_height(t) == 1 && t->w == 1; }

/* True if input and output of a call have the same pixels. */
static inline int msf_same_size(const msf_call *call) {
  return call->in[0].h == call->out.h && call->in[0].w == call->out.w;
}

/* The taps of a window that fall inside the tensor along one axis: kernel positions first to last (exclusive). */
typedef struct {
  int32_t origin; /* coordinate of tap 0, may be negative */
  int32_t first, last;
} msf_taps;

static inline msf_taps msf_taps_inside(int32_t origin, int32_t dilation, int32_t kernel, int32_t size) {
  msf_taps t;
  t.origin = origin;
  t.first = t.origin >= 0 ? 0 : (dilation - 1 - t.origin) / dilation;
  t.last = t.origin >= size ? 0 : msf_min(kernel, (size - 1 - t.origin) / dilation + 1);
  t.first = msf_min(t.first, kernel);
  t.last = msf_max(t.last, t.first);
  return t;
}

static inline msf_taps msf_taps_rows(const msf_call *call) {
  const msf_stage *s = call->stage;
  return msf_taps_inside(msf_top(s, call->y), s->dilation_h, s->kernel_h, call->in[0].h);
}

static inline msf_taps msf_taps_cols(const msf_call *call, int32_t x) {
  const msf_stage *s = call->stage;
  return msf_taps_inside(msf_left(s, x), s->dilation_w, s->kernel_w, call->in[0].w);
}

#ifdef __cplusplus
}
#endif

#endif /* MSF_GEOMETRY_H_ */
