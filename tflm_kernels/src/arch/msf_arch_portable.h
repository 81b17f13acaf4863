/* What the inner loops in plain C leave to others. */
#ifndef MSF_ARCH_PORTABLE_H_
#define MSF_ARCH_PORTABLE_H_

#include "arch/msf_arch.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Adds a segment of one window to the sums of four channels. w and v: weights of the first two channels and of the last
 * two, in words, four of each channel in turn. n: a multiple of 4, not 0.
 */
void msf_add_segment_of_one(int32_t *sums, const int8_t *w, const int8_t *v, const int8_t *x, int32_t n);

#if defined(MSF_HAS_TAPS)
/* Adds `taps` products to the sums of the four channels from o on; words at x + o, and the weights, are aligned. */
void msf_add_taps(int32_t *sums, const int8_t *w, const int8_t *const *x, int32_t o, int32_t taps);
#endif

#ifdef __cplusplus
}
#endif

#endif /* MSF_ARCH_PORTABLE_H_ */
