/*
 * The pixels of a tensor as kernels see them, and where they lie.
 */
#ifndef MSF_VIEW_H_
#define MSF_VIEW_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
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

#ifdef __cplusplus
}
#endif

#endif /* MSF_VIEW_H_ */
