/*
 * What a row kernel sees: views of its tensors, and the arithmetic that every kernel shares.
 *
 * A kernel computes pixels x0 to x1 of row y of one stage's output. The engine has made every input pixel that the
 * stage's window covers available through the views; pixels outside the tensor are padding and must not be read. What an
 * operator reads it also declares (msf_operator.reads), and msf_prepare proves from that that it stays inside.
 * Output pixels are contiguous, and so are the input pixels of a stage whose window is a single pixel; the pixels of
 * larger windows may wrap around the end of a ring. Kernels keep no state, allocate nothing and use no floating point.
 */
#ifndef MSF_KERNEL_H_
#define MSF_KERNEL_H_

#include <stdint.h>
#include <string.h>
#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>
#endif

#include "engine/msf_program.h"
#include "msf.h"

#ifdef __cplusplus
extern "C" {
#endif

/* For functions with large frames, which would add up in a caller that has room for one of them. */
#if defined(__GNUC__)
#define MSF_NOINLINE __attribute__((noinline))
#else
#define MSF_NOINLINE
#endif

/*
 * With -DMSF_CHECK_ACCESS, for tests, every access to a view is compared with what its operator has declared and with the
 * memory that is there, and ends the program if it should not be.
 */
#if defined(MSF_CHECK_ACCESS)
#include <stdlib.h>
#define MSF_CHECK(condition) ((condition) ? (void)0 : abort())
#else
#define MSF_CHECK(condition) ((void)0)
#endif

/* Coordinates along an axis, from the first on and before the end; none if that is not greater. */
typedef struct {
  int32_t first, end;
} msf_range;

/* What is read of an input: so many channels of the pixels in these rows and columns. */
typedef struct {
  msf_range rows, columns;
  int32_t channels;
} msf_region;

/*
 * The pixels of a tensor that are in memory, in reading order, row after row of the tile. A ring starts again at its
 * beginning after `ring` pixels (0: it never does).
 */
typedef struct {
  int8_t *base;
  uint32_t ring;
  int32_t x0, y0; /* the pixel that lay at base first */
  int32_t line;   /* pixels of a row that are kept */
  int32_t h, w, c;
#if defined(MSF_CHECK_ACCESS)
  msf_region allowed;
  uint32_t room; /* pixels from base on that belong to the tensor */
#endif
} msf_view;

typedef struct {
  const msf_stage *stage;
  const uint8_t *params; /* 4-byte aligned */
  int32_t *accumulators; /* reducing stages only: one for each output channel, kept from call to call */
  msf_view in[2];
  msf_view out;
  int32_t y, x0, x1;  /* output pixels; for reducing stages, the input pixels that have arrived */
  msf_status *status; /* for a kernel that can fail to say so */
} msf_call;

/* What msf_prepare shows an operator: shapes, and how much of params there is. Inputs that it does not have are NULL. */
typedef struct {
  const msf_stage *stage;
  const msf_tensor *in[2];
  const msf_tensor *out;
  const uint8_t *params;
  uint32_t params_size;
  uint32_t workspace_size;
  uint32_t reserved_size; /* workspace bytes at the front that belong to the engine */
} msf_stage_shape;

typedef struct {
  /* Returns 1 if run leaves neither output, params nor workspace, and no input whose pixels it reads as declared. */
  int (*check)(const msf_stage_shape *shape);
  /*
   * Declares what run reads of input k for pixel (y, x) of its group's grid: rows, which depend on y only, and columns,
   * which depend on x only; neither goes back where these go on. Asked only if check was content. msf_prepare refuses a
   * stage that would read what its input does not have, or what its window does not cover: nobody asks for that.
   */
  msf_region (*reads)(const msf_stage_shape *shape, int32_t k, int32_t y, int32_t x);
  void (*run)(const msf_call *call);
  uint8_t inputs;
  uint8_t layouts; /* the last layout of weights that it knows */
  uint8_t flags;
} msf_operator;

/* Flags of an operator. */
#define MSF_REDUCES 1u       /* consumes its whole input row by row before it has an output */
#define MSF_FETCHES 2u       /* takes its pixels from the row source */
#define MSF_ENLARGES 4u      /* knows windows that stay where they are for several outputs */
#define MSF_BEGINS_INSIDE 8u /* knows windows that begin inside the map: padding below 0 */
#define MSF_ONLY_BLOCKED 16u /* does not know MSF_LAYOUT_PLAIN */

/* Declares the part of the window that lies inside the input, with all channels. */
msf_region msf_reads_window(const msf_stage_shape *shape, int32_t k, int32_t y, int32_t x);

/* Declares all channels of the same pixel, or of the only one in a second input. */
msf_region msf_reads_pixel(const msf_stage_shape *shape, int32_t k, int32_t y, int32_t x);

/* The convolutions' way with MSF_LAYOUT_PLAIN: any window, any scale, no haste. */
void msf_run_conv_2d_plain(const msf_call *call);
void msf_run_depthwise_conv_2d_plain(const msf_call *call);

extern const msf_operator msf_source;
extern const msf_operator msf_conv_2d;
extern const msf_operator msf_depthwise_conv_2d;
extern const msf_operator msf_conv_2d_blocked; /* without the way for MSF_LAYOUT_PLAIN */
extern const msf_operator msf_depthwise_conv_2d_blocked;
extern const msf_operator msf_add;
extern const msf_operator msf_sub;
extern const msf_operator msf_mul;
extern const msf_operator msf_average_pool_2d;
extern const msf_operator msf_max_pool_2d;
extern const msf_operator msf_table;
extern const msf_operator msf_pad;
extern const msf_operator msf_global_pool;
extern const msf_operator msf_fully_connected;
extern const msf_operator msf_maximum;
extern const msf_operator msf_minimum;
extern const msf_operator msf_prelu;
extern const msf_operator msf_softmax;
extern const msf_operator msf_concatenation;
extern const msf_operator msf_slice;
extern const msf_operator msf_space_to_depth;
extern const msf_operator msf_depth_to_space;
extern const msf_operator msf_resize_nearest_neighbor;
extern const msf_operator msf_resize_bilinear;
extern const msf_operator msf_transpose_conv;
extern const msf_operator msf_gather;
extern const msf_operator msf_grouped_conv_2d;
extern const msf_operator msf_table_of_words;
extern const msf_operator msf_arg_max;
extern const msf_operator msf_squared_difference;

/* True if count elements of size bytes at a byte offset, which must be a multiple of size, lie inside limit bytes. */
static inline int msf_fits(uint32_t offset, uint64_t count, uint32_t size, uint32_t limit) {
  return offset % size == 0 && offset <= limit && count <= (limit - offset) / size;
}

static inline int msf_shift_in_range(int32_t shift) { return shift >= -31 && shift <= 30; }

/* True if an output pixel is made from the same pixel of two inputs, of which the second may be a single one. */
int msf_fits_two(const msf_stage_shape *shape);

/* True if bias, multipliers and shifts for channels outputs lie in params, and all shifts are ones msf_rescale takes. */
static inline int msf_fits_requantization(const msf_stage_shape *shape, uint32_t channels) {
  const msf_stage *s = shape->stage;
  const uint32_t scales = s->flags & MSF_UNIFORM ? 1 : channels;
  if (!msf_fits(s->bias, channels, 4, shape->params_size) || !msf_fits(s->multipliers, scales, 4, shape->params_size) ||
      !msf_fits(s->shifts, scales, 1, shape->params_size)) {
    return 0;
  }
  for (uint32_t o = 0; o < scales; o++) {
    if (!msf_shift_in_range((int8_t)shape->params[s->shifts + o])) return 0;
  }
  return 1;
}

/* True if int32 accumulators for channels outputs lie in the workspace, behind what the engine owns. */
static inline int msf_fits_accumulators(const msf_stage_shape *shape, uint32_t channels) {
  return shape->stage->accumulators >= shape->reserved_size &&
         msf_fits(shape->stage->accumulators, channels, 4, shape->workspace_size);
}

/* True if an output pixel is made from the same pixel of the input, so that input pixels are contiguous. */
static inline int msf_reads_one_pixel(const msf_stage *s) {
  return s->kernel_h == 1 && s->kernel_w == 1 && s->stride_h == 1 && s->stride_w == 1 && s->pad_top == 0 &&
         s->pad_left == 0 && s->zoom_h == 0 && s->zoom_w == 0;
}

/* A window moves on only every `factor` outputs, for the first time after `factor` - `shift` of them. */
static inline int32_t msf_factor(uint8_t zoom) { return (zoom & 15) + 1; }
static inline int32_t msf_shift(uint8_t zoom) { return zoom >> 4; }

static inline int32_t msf_step(int32_t at, uint8_t zoom) {
  return zoom == 0 ? at : (at + msf_shift(zoom)) / msf_factor(zoom);
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

/* How many pixels there are before pixel (y, x), as a ring would count them if it never started again; modulo 2^32. */
static inline uint32_t msf_position(const msf_view *v, int32_t y, int32_t x) {
  return (uint32_t)(y - v->y0) * (uint32_t)v->line + (uint32_t)(x - v->x0);
}

/* Where the pixel at a position lies, counted in pixels from base. */
static inline uint32_t msf_place(const msf_view *v, uint32_t position) {
  return v->ring == 0 ? position : position % v->ring;
}

static inline uint32_t msf_index(const msf_view *v, int32_t y, int32_t x) {
  return msf_place(v, msf_position(v, y, x));
}

/* True if n pixels from a place on lie one behind the other, and do not go on at the start of the ring. */
static inline int msf_is_in_one_piece(const msf_view *v, uint32_t place, int32_t n) {
  return v->ring == 0 || place + (uint32_t)n <= v->ring;
}

/* True if pixels (y, x) to (y, x + n - 1) lie one behind the other, and do not go on at the start of the ring. */
static inline int msf_is_contiguous(const msf_view *v, int32_t y, int32_t x, int32_t n) {
  return msf_is_in_one_piece(v, msf_index(v, y, x), n);
}

#if defined(MSF_CHECK_ACCESS)
/* True if pixels (y, x) to (y, x + n - 1) may be touched, and lie one behind the other in the tensor's memory. */
static inline int msf_is_allowed(const msf_view *v, int32_t y, int32_t x, int32_t n) {
  const msf_region *allowed = &v->allowed;
  const uint64_t place = msf_index(v, y, x);
  return y >= allowed->rows.first && y < allowed->rows.end && x >= allowed->columns.first && n > 0 &&
         x + n <= allowed->columns.end && place + (uint32_t)n <= v->room && msf_is_contiguous(v, y, x, n);
}
#endif

/* Pixels (y, x) to (y, x + n - 1), of which it is known that they lie one behind the other. */
static inline int8_t *msf_pixels(const msf_view *v, int32_t y, int32_t x, int32_t n) {
  (void)n;
  MSF_CHECK(msf_is_allowed(v, y, x, n));
  return v->base + msf_index(v, y, x) * (uint32_t)v->c;
}

/* Likewise, where the place of the first one is known. */
static inline int8_t *msf_pixels_at(const msf_view *v, uint32_t place, int32_t y, int32_t x, int32_t n) {
  (void)y;
  (void)x;
  (void)n;
  MSF_CHECK(place == msf_index(v, y, x) && msf_is_allowed(v, y, x, n));
  return v->base + place * (uint32_t)v->c;
}

static inline int8_t *msf_pixel(const msf_view *v, int32_t y, int32_t x) { return msf_pixels(v, y, x, 1); }

/* n channels of a pixel from channel c on. */
static inline int8_t *msf_channels(const msf_view *v, int32_t y, int32_t x, int32_t c, int32_t n) {
  (void)n;
  MSF_CHECK(c >= 0 && c + n <= v->allowed.channels);
  return msf_pixel(v, y, x) + c;
}

/* The pixel of a tensor that has no other. */
static inline int8_t *msf_only_pixel(const msf_view *v) {
  MSF_CHECK(v->h == 1 && v->w == 1 && msf_is_allowed(v, 0, 0, 1));
  return v->base;
}

static inline const int32_t *msf_words(const msf_call *call, uint32_t offset) {
  return (const int32_t *)(const void *)(call->params + offset);
}

static inline const int8_t *msf_bytes(const msf_call *call, uint32_t offset) {
  return (const int8_t *)(const void *)(call->params + offset);
}

static inline int32_t msf_max(int32_t a, int32_t b) { return a > b ? a : b; }
static inline int32_t msf_min(int32_t a, int32_t b) { return a < b ? a : b; }

/* Copies n bytes without a call, in words or more where addresses need no alignment. Returns the end of the copy. */
static inline int8_t *msf_copy(int8_t *to, const int8_t *from, int32_t n) {
#if defined(__ARM_FEATURE_MVE)
  int8_t *const end = to + n;
  for (; n > 0; n -= 16, to += 16, from += 16) {
    const mve_pred16_t left = vctp8q((uint32_t)n);
    vstrbq_p_s8(to, vldrbq_z_s8(from, left), left);
  }
  return end;
#else
#if defined(__ARM_FEATURE_UNALIGNED) || defined(__x86_64__)
  for (; n >= 4; n -= 4, to += 4, from += 4) {
    int32_t word;
    memcpy(&word, from, 4);
    memcpy(to, &word, 4);
  }
#else
  for (; n >= 4; n -= 4, to += 4, from += 4) {
    const int8_t a = from[0], b = from[1], c = from[2], d = from[3];
    to[0] = a;
    to[1] = b;
    to[2] = c;
    to[3] = d;
  }
#endif
  for (; n > 0; n--) *to++ = *from++;
  return to;
#endif
}

/* Copies `count` pieces of n bytes, from and to addresses that are as far apart as said. */
static inline void msf_copy_pieces(int8_t *to, int32_t to_step, const int8_t *from, int32_t from_step, int32_t count,
                                   int32_t n) {
#if defined(__ARM_FEATURE_MVE)
  if (n <= 16) {
    const mve_pred16_t all = vctp8q((uint32_t)n);
    for (; count > 0; count--, to += to_step, from += from_step) vstrbq_p_s8(to, vldrbq_z_s8(from, all), all);
    return;
  }
#endif
  for (; count > 0; count--, to += to_step, from += from_step) msf_copy(to, from, n);
}

/* Fills n bytes; returns their end. */
static inline int8_t *msf_fill(int8_t *to, int8_t value, int32_t n) {
#if defined(__ARM_FEATURE_MVE)
  int8_t *const end = to + n;
  for (; n > 0; n -= 16, to += 16) vstrbq_p_s8(to, vdupq_n_s8(value), vctp8q((uint32_t)n));
#else
  int8_t *const end = to + n;
  for (; to != end; to++) *to = value;
#endif
  return end;
}

/* int32 arithmetic that wraps, as the reference does on every target, without undefined behaviour. */
static inline int32_t msf_wrap_add(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }
static inline int32_t msf_wrap_mul(int32_t a, int32_t b) { return (int32_t)((uint32_t)a * (uint32_t)b); }
static inline int32_t msf_mac(int32_t acc, int8_t w, int8_t x) { return msf_wrap_add(acc, w * x); }

/*
 * x * multiplier * 2^(shift - 31), rounded twice as gemmlowp does: to nearest in the doubling high multiplication
 * (ties away from zero for x < 0 truncated as there), then to nearest, ties away from zero, in the right shift.
 * shift: -31 to 30.
 */
static inline int32_t msf_rescale(int32_t x, int32_t multiplier, int32_t shift) {
  const int32_t left = shift > 0 ? shift : 0;
  const int32_t right = shift > 0 ? 0 : -shift;
  const int32_t shifted = (int32_t)((uint32_t)x << left);
  const int64_t product = (int64_t)shifted * multiplier;
  const int64_t nudge = product >= 0 ? 1 << 30 : 1 - (1 << 30);
  const int32_t high =
      shifted == INT32_MIN && multiplier == INT32_MIN ? INT32_MAX : (int32_t)((product + nudge) / (1ll << 31));
  const int32_t mask = (int32_t)((1ull << right) - 1);
  const int32_t remainder = high & mask;
  const int32_t threshold = (mask >> 1) + (high < 0 ? 1 : 0);
  return (int32_t)((int64_t)high >> right) + (remainder > threshold ? 1 : 0);
}

static inline int8_t msf_clamp(int32_t value, const msf_stage *s) {
  return (int8_t)msf_min(msf_max(value, s->act_min), s->act_max);
}

/* An accumulator as an output value. shift: see msf_rescale. */
static inline int8_t msf_requantize(int32_t acc, int32_t multiplier, int8_t shift, const msf_stage *s) {
  return msf_clamp(msf_wrap_add(msf_rescale(acc, multiplier, shift), s->out_zero), s);
}

/* Bias and scale of every output channel of a weighted stage. */
typedef struct {
  const msf_stage *stage;
  const int32_t *bias;
  const int32_t *multipliers;
  const int8_t *shifts;
  int32_t scale_mask; /* 0 if all channels share one scale, else -1 */
} msf_outputs;

/* The accumulator of output channel o, its bias included, as an output value. */
static inline int8_t msf_output(const msf_outputs *outputs, int32_t o, int32_t acc) {
  const int32_t scale = o & outputs->scale_mask;
  return msf_requantize(acc, outputs->multipliers[scale], outputs->shifts[scale], outputs->stage);
}

static inline msf_outputs msf_outputs_of(const msf_call *call) {
  msf_outputs outputs;
  outputs.stage = call->stage;
  outputs.bias = msf_words(call, call->stage->bias);
  outputs.multipliers = msf_words(call, call->stage->multipliers);
  outputs.shifts = msf_bytes(call, call->stage->shifts);
  outputs.scale_mask = call->stage->flags & MSF_UNIFORM ? 0 : -1;
  return outputs;
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

#endif /* MSF_KERNEL_H_ */
