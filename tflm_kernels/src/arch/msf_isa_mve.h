/* Arm cores with Helium: see msf_isa.h. */
#ifndef MSF_ISA_MVE_H_
#define MSF_ISA_MVE_H_

#define MSF_ROOM 1

#include <arm_mve.h>

#define MSF_HAS_DOT 1
#define MSF_HAS_ADDITIONS 1
#define MSF_MAKES_FOURS 1

#include "arch/msf_high_arm.h"
#include "arch/msf_taps.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Copies n bytes. Returns the end of the copy. */
static inline int8_t *msf_copy(int8_t *to, const int8_t *from, int32_t n) {
  int8_t *const end = to + n;
  for (; n > 0; n -= 16, to += 16, from += 16) {
    const mve_pred16_t left = vctp8q((uint32_t)n);
    vstrbq_p_s8(to, vldrbq_z_s8(from, left), left);
  }
  return end;
}

/* Copies `count` pieces of n bytes, from and to addresses that are as far apart as said. */
static inline void msf_copy_pieces(int8_t *to, int32_t to_step, const int8_t *from, int32_t from_step, int32_t count,
                                   int32_t n) {
  if (n <= 16) {
    const mve_pred16_t all = vctp8q((uint32_t)n);
    for (; count > 0; count--, to += to_step, from += from_step) vstrbq_p_s8(to, vldrbq_z_s8(from, all), all);
    return;
  }
  for (; count > 0; count--, to += to_step, from += from_step) msf_copy(to, from, n);
}

/* Fills n bytes; returns their end. */
static inline int8_t *msf_fill(int8_t *to, int8_t value, int32_t n) {
  int8_t *const end = to + n;
  for (; n > 0; n -= 16, to += 16) vstrbq_p_s8(to, vdupq_n_s8(value), vctp8q((uint32_t)n));
  return end;
}

/* What the rows of some windows have in common, with a lane for each pixel. */
typedef struct {
  uint32x4_t places, padding; /* where a pixel's addresses go, in bytes, and the address of the padding */
  uint32x4_t col, tap;        /* a window's first column, and where that is, in bytes from the first window's */
  mve_pred16_t all;
  uint32_t width, dilation, step;
} msf_tap_rows;

static inline msf_tap_rows msf_tap_rows_of(const msf_tap_windows *windows) {
  const uint32_t c = (uint32_t)windows->channels, stride = (uint32_t)windows->stride;
  const uint32x4_t pixel = vidupq_n_u32(0, 1);
  msf_tap_rows r;
  r.places = vmulq_n_u32(pixel, (uint32_t)windows->per_pixel * sizeof(const int8_t *));
  r.padding = vdupq_n_u32((uint32_t)windows->padding);
  r.col = vaddq_n_u32(vmulq_n_u32(pixel, stride), (uint32_t)windows->left);
  r.tap = vmulq_n_u32(pixel, stride * c);
  r.all = vctp32q((uint32_t)windows->pixels);
  r.width = (uint32_t)windows->width;
  r.dilation = (uint32_t)windows->dilation;
  r.step = (uint32_t)windows->dilation * c;
  return r;
}

static inline void msf_store_taps(const msf_tap_rows *r, const int8_t **to, uint32x4_t addresses) {
  vstrwq_scatter_offset_p_u32((uint32_t *)(void *)to, r->places, addresses, r->all);
}

/* Taps of a row that the padding is above or below. */
static inline void msf_find_row_outside(const msf_tap_rows *r, int32_t kernel, int32_t per_tap, const int8_t **to) {
  for (; kernel > 0; kernel--, to += per_tap) msf_store_taps(r, to, r->padding);
}

/* Taps of a row that lies without a gap; the first one would be at `at`. */
static inline void msf_find_row(const msf_tap_rows *r, int32_t kernel, int32_t per_tap, const int8_t *at,
                                const int8_t **to) {
  uint32x4_t col = r->col, tap = vaddq_n_u32(r->tap, (uint32_t)at);
  for (; kernel > 0; kernel--, to += per_tap) {
    msf_store_taps(r, to, vpselq_u32(r->padding, tap, vcmpcsq_n_u32(col, r->width)));
    col = vaddq_n_u32(col, r->dilation);
    tap = vaddq_n_u32(tap, r->step);
  }
}

#ifdef __cplusplus
}
#endif

#endif /* MSF_ISA_MVE_H_ */
