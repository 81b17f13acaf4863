/* Rows of taps in plain C: see msf_isa.h. */
#ifndef MSF_PLAIN_TAPS_H_
#define MSF_PLAIN_TAPS_H_

#include "arch/msf_base.h"
#include "arch/msf_taps.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the rows of some windows have in common. */
typedef struct {
  const int8_t *padding;
  int32_t left, pixels, per_pixel, stride, across, dilation, step;
  uint32_t width, inside; /* columns; those before which windows end inside */
} msf_tap_rows;

static inline msf_tap_rows msf_tap_rows_of(const msf_tap_windows *windows) {
  msf_tap_rows r;
  r.padding = windows->padding;
  r.left = windows->left;
  r.pixels = windows->pixels;
  r.per_pixel = windows->per_pixel;
  r.stride = windows->stride;
  r.across = windows->stride * windows->channels;
  r.dilation = windows->dilation;
  r.step = windows->dilation * windows->channels;
  r.width = (uint32_t)windows->width;
  r.inside = (uint32_t)msf_max(windows->width - (windows->kernel - 1) * windows->dilation, 0);
  return r;
}

/* Taps of a row that the padding is above or below. */
static inline void msf_find_row_outside(const msf_tap_rows *r, int32_t kernel, int32_t per_tap, const int8_t **to) {
  for (int32_t p = r->pixels; p > 0; p--, to += r->per_pixel) {
    for (int32_t kx = 0; kx < kernel; kx++) to[kx * per_tap] = r->padding;
  }
}

/* Taps of a row that lies without a gap; the first one would be at `at`. */
static inline void msf_find_row(const msf_tap_rows *r, int32_t kernel, int32_t per_tap, const int8_t *at,
                                const int8_t **to) {
  int32_t left = r->left;
  for (int32_t p = r->pixels; p > 0; p--, to += r->per_pixel, left += r->stride, at += r->across) {
    if ((uint32_t)left < r->inside) {
      if (kernel == 3) { /* by far the most frequent */
        to[0] = at;
        to[per_tap] = at + r->step;
        to[2 * per_tap] = at + 2 * r->step;
        continue;
      }
      const int8_t *tap = at;
      const int8_t **tap_to = to;
      for (int32_t kx = kernel; kx > 0; kx--, tap += r->step, tap_to += per_tap) *tap_to = tap;
      continue;
    }
    for (int32_t kx = 0; kx < kernel; kx++) {
      const int is_inside = (uint32_t)(left + kx * r->dilation) < r->width;
      to[kx * per_tap] = is_inside ? at + kx * r->step : r->padding;
    }
  }
}

#ifdef __cplusplus
}
#endif

#endif /* MSF_PLAIN_TAPS_H_ */
