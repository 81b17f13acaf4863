/*
 * The inner loops of convolutions and additions, one implementation for each instruction set. All give the same bits.
 * msf_isa.h says which one is compiled.
 */
#ifndef MSF_ARCH_H_
#define MSF_ARCH_H_

#include "arch/msf_base.h"
#include "arch/msf_isa.h"
#include "arch/msf_parts.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An instruction set makes two channels of a convolution together, or four. */
#if defined(MSF_MAKES_FOURS)
#define MSF_HAS_CONVOLVE_FROM MSF_HAS_SPARE_CHANNELS
#else
#define MSF_HAS_CONVOLVE_FROM MSF_HAS_ODD_CHANNELS
#endif

#define MSF_PIXELS 4 /* output pixels that are made together, so that a weight is loaded once for all */

/*
 * Requantisation in the short form, from sums to output values: sum * multiplier / 2^32 to nearest, then / 2^shift to
 * nearest, ties away from zero, plus the output zero point. Sums stay below 2^29 either way, multipliers are 2^31 or more,
 * shifts 1 to MSF_MAX_SHORT_SHIFT; so nothing saturates on the way, and zero point and rounding are added in one go.
 */
typedef struct {
  const int32_t *bias;
  const uint32_t *multipliers;
  const uint8_t *shifts;
  int32_t half; /* the output zero point and what rounds up, in half units: 2 * zero point + 1 */
  int32_t act_min, act_max;
} msf_scales;

/*
 * Some output pixels, 1 to MSF_PIXELS of them, next to each other.
 *
 * A window is cut into segments of contiguous values, for a depthwise convolution into its taps. The address of each is
 * in x; it needs no alignment, as opposed to weights (4 bytes).
 */
typedef struct {
  msf_scales scales;
  const int8_t *weights;
  int8_t *out; /* pixels * channels contiguous values */
  int32_t pixels;
  int32_t channels;
  int32_t segments; /* at least 1 */
  int32_t length;   /* of a segment, a multiple of 4; not used for depthwise convolutions */
  int32_t across;   /* addresses from a segment to the next one: MSF_PIXELS, or 1 for one pixel */
  int32_t *scratch; /* memory that an implementation may use as it likes */
  int32_t scratch_size;
} msf_job;

/* Dot products of windows with the weights of every output channel. x is [segment][across]. */
void msf_convolve(const msf_job *job, const int8_t *const *x);

/*
 * Channel o is the sum of the products of weights and values o of every tap. x is [pixel][tap], multiples of 4 if
 * channels is one. length and across do not count. No weight is -128, so that products of two taps fit in 16 bits.
 */
void msf_convolve_depthwise(const msf_job *job, const int8_t *const *x);

#if defined(MSF_HAS_COLUMNS)
#define MSF_COLUMNS 3 /* kernel rows and columns */

/*
 * As msf_convolve_depthwise for a window of 3x3 whose columns are next to each other, a stride of 1 or 2 along the row,
 * channels a multiple of 4 and at least three pixels. x is [column][row], as if there were MSF_PIXELS of them.
 */
void msf_convolve_columns(const msf_job *job, const int8_t *const *x, int32_t stride);
#endif

#define MSF_HEADROOM 20 /* bits that a sum of two values has to spare */

/* How a value becomes a summand: (value - zero) * 2^MSF_HEADROOM, then as for msf_scales. shift: 0 to MSF_MAX_SHORT_SHIFT. */
typedef struct {
  int32_t zero;
  uint32_t multiplier;
  int32_t shift;
  int32_t sign; /* -1, or 0 if shift is 0 and nothing is rounded */
} msf_summand;

/* first + sign * second, with one scale for all; bias, multipliers and shifts of `scales` do not count. */
typedef struct {
  msf_summand first, second;
  int32_t sign;
  uint32_t multiplier, shift;
  msf_scales scales;
} msf_addition;

/* n values of a and b become n of out, which need no alignment. */
void msf_add_values(const msf_addition *job, const int8_t *a, const int8_t *b, int8_t *out, int32_t n);

/* sum + the products of n weights and values, which need no alignment. The sum wraps. */
int32_t msf_dot(int32_t sum, const int8_t *w, const int8_t *x, int32_t n);

/* Adds n values to n sums, which wrap. */
void msf_add_to_sums(int32_t *sums, const int8_t *values, int32_t n);

/*
 * What implementations leave to plain C: channels from `first` on, such as the last ones, too few for a register; and all
 * channels of the last pixel.
 */
#if MSF_HAS_CONVOLVE_FROM
void msf_convolve_from(const msf_job *job, const int8_t *const *x, int32_t first);
void msf_convolve_last(const msf_job *job, const int8_t *const *x);
#else
static inline void msf_convolve_last(const msf_job *job, const int8_t *const *x) { (void)job, (void)x; }
static inline void msf_convolve_from(const msf_job *job, const int8_t *const *x, int32_t first) {
  (void)job, (void)x, (void)first;
}
#endif
#if MSF_HAS_SPARE_DEPTHWISE
void msf_convolve_depthwise_from(const msf_job *job, const int8_t *const *x, int32_t first);
#else
static inline void msf_convolve_depthwise_from(const msf_job *job, const int8_t *const *x, int32_t first) {
  (void)job, (void)x, (void)first;
}
#endif

/* One sum requantised: the output value. */
static inline int8_t msf_requantize_short(const msf_scales *scales, int32_t sum, uint32_t multiplier, uint32_t shift) {
  const int32_t high = msf_high(sum, multiplier);
  const int32_t rounding = (int32_t)((uint32_t)scales->half << shift) >> 1;
  const int32_t value = msf_wrap_add(msf_wrap_add(high, -(high < 0)), rounding) >> shift;
  return (int8_t)msf_min(msf_max(value, scales->act_min), scales->act_max);
}

#ifdef __cplusplus
}
#endif

#endif /* MSF_ARCH_H_ */
