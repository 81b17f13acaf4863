/* Rows of taps: what is given when the addresses under some neighbouring windows are looked for. */
#ifndef MSF_TAPS_H_
#define MSF_TAPS_H_

#include <stdint.h>

/* Some windows next to each other, of which rows are looked at. Addresses of one window are per_pixel from the next one's. */
typedef struct {
  const int8_t *padding; /* the address of taps in the padding */
  int32_t per_pixel;
  int32_t left; /* column of the first window's first tap, may be negative */
  int32_t pixels, stride, dilation;
  int32_t kernel;          /* taps of a row */
  int32_t width, channels; /* of the input */
} msf_tap_windows;

#endif /* MSF_TAPS_H_ */
