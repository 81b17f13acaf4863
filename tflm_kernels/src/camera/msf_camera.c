/*
 * A pixel of the network's image is the mean of what it covers of the camera's, or lies between the four around its
 * middle. In units of 1 / (sides of both images) the former is made of integers; the latter in 2048ths of a pixel.
 */
#include "msf_camera.h"

#define LARGEST_SIDE 4096u
#define POSITIONS 2048u

static uint32_t bytes_of_pixel(uint8_t format) {
  switch (format) {
    case MSF_CAMERA_GRAY8: return 1;
    case MSF_CAMERA_RGB888: return 3;
    default: return 2;
  }
}

static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }
static uint32_t larger(uint32_t a, uint32_t b) { return a > b ? a : b; }

static int is_side(uint32_t side) { return side >= 1 && side <= LARGEST_SIDE; }

static int makes_sense(const msf_camera *c) {
  if (!is_side(c->width) || !is_side(c->height) || !is_side(c->out_width) || !is_side(c->out_height)) return 0;
  if (c->format > MSF_CAMERA_YUV422 || c->fit > MSF_CAMERA_STRETCH || c->resize > MSF_CAMERA_BILINEAR) return 0;
  if (c->format == MSF_CAMERA_YUV422 && c->width % 2 != 0) return 0;
  if (c->channels != 1 && (c->channels != 3 || c->format == MSF_CAMERA_GRAY8)) return 0;
  return c->source != 0 && c->row != 0 && (c->sums != 0 || c->resize == MSF_CAMERA_BILINEAR);
}

static void forget_rows(msf_camera *c) { c->held[0] = c->held[1] = -1; }

int msf_camera_begin(msf_camera *c) {
  uint32_t width = c->width, height = c->height;
  if (!makes_sense(c)) return 1;
  if (c->fit == MSF_CAMERA_CROP) {
    width = larger(1, smaller(width, (uint32_t)c->height * c->out_width / c->out_height));
    height = larger(1, smaller(height, (uint32_t)c->width * c->out_height / c->out_width));
  }
  c->used_width = (uint16_t)width;
  c->used_height = (uint16_t)height;
  c->left = (uint16_t)((c->width - width) / 2);
  c->top = (uint16_t)((c->height - height) / 2);
  forget_rows(c);
  return 0;
}

static uint8_t clamped(int32_t value) { return (uint8_t)(value < 0 ? 0 : value > 0xFFFFFF ? 255 : value >> 16); }

/* Of a brightness and two colour differences, as JPEG has them, in 65536ths. */
static void read_yuv(const uint8_t *row, uint32_t x, uint8_t rgb[3]) {
  const uint8_t *pair = row + x / 2 * 4;
  const int32_t blue = pair[1] - 128, red = pair[3] - 128, level = pair[x % 2 * 2] * 65536 + 32768;
  rgb[0] = clamped(level + 91881 * red);
  rgb[1] = clamped(level - 22554 * blue - 46802 * red);
  rgb[2] = clamped(level + 116130 * blue);
}

static void read_rgb565(const uint8_t *p, uint32_t high, uint8_t rgb[3]) {
  const uint32_t v = (uint32_t)p[high] << 8 | p[1 - high];
  rgb[0] = (uint8_t)((v >> 8 & 0xF8u) | v >> 13);
  rgb[1] = (uint8_t)((v >> 3 & 0xFCu) | (v >> 9 & 3u));
  rgb[2] = (uint8_t)((v << 3 & 0xF8u) | (v >> 2 & 7u));
}

/* A grey level of a colour, with the weights that TensorFlow's rgb_to_grayscale has, in 65536ths. */
static uint8_t grey_of(const uint8_t rgb[3]) {
  return (uint8_t)((rgb[0] * 19589u + rgb[1] * 38470u + rgb[2] * 7471u + 32768u) >> 16);
}

/* The channels of pixel x, as the network has them. */
static void read_pixel(const msf_camera *c, const uint8_t *row, uint32_t x, uint8_t values[3]) {
  const uint8_t *p = row + x * bytes_of_pixel(c->format);
  switch (c->format) {
    case MSF_CAMERA_GRAY8: values[0] = p[0]; return;
    case MSF_CAMERA_YUV422:
      if (c->channels == 1)
        values[0] = p[0];
      else
        read_yuv(row, x, values);
      return;
    case MSF_CAMERA_RGB888:
      for (int k = 0; k < 3; k++) values[k] = p[k];
      break;
    default: read_rgb565(p, c->format == MSF_CAMERA_RGB565 ? 0 : 1, values);
  }
  if (c->channels == 1) values[0] = grey_of(values);
}

/* Where row y of the camera's image is held, NULL if the source failed. Rows that follow one another have two places. */
static const uint8_t *hold(msf_camera *c, uint32_t y) {
  const uint32_t place = c->resize == MSF_CAMERA_BILINEAR ? y % 2 : 0;
  const uint32_t size = c->width * bytes_of_pixel(c->format);
  uint8_t *row = c->row + place * size;
  if (c->held[place] == (int32_t)y) return row;
  c->held[place] = -1;
  if (c->source(c->context, y, row, size) != 0) return 0;
  c->held[place] = (int32_t)y;
  return row;
}

/* Adds a row to the sums, `weight` times, each pixel as often as is covered of it. */
static void add_row(const msf_camera *c, const uint8_t *row, uint32_t weight) {
  const uint32_t out = c->out_width, used = c->used_width, channels = c->channels;
  uint32_t *sums = c->sums, at = 0, next_out = used;
  for (uint32_t i = 0, next_used = out; i < used; i++, next_used += out) {
    uint8_t values[3];
    read_pixel(c, row, c->left + i, values);
    while (at < next_used) {
      const uint32_t end = smaller(next_used, next_out), share = weight * (end - at);
      for (uint32_t k = 0; k < channels; k++) sums[k] += share * values[k];
      at = end;
      if (end == next_out) {
        next_out += used;
        sums += channels;
      }
    }
  }
}

static int make_mean(msf_camera *c, uint32_t y, uint8_t *made) {
  const uint32_t out = c->out_height, used = c->used_height, values = (uint32_t)c->out_width * c->channels;
  const uint32_t area = (uint32_t)c->used_width * used, begin = y * used, end = begin + used;
  for (uint32_t i = 0; i < values; i++) c->sums[i] = 0;
  for (uint32_t i = begin / out; i * out < end; i++) {
    const uint8_t *row = hold(c, c->top + i);
    if (row == 0) return 1;
    add_row(c, row, smaller(end, (i + 1) * out) - larger(begin, i * out));
  }
  for (uint32_t i = 0; i < values; i++) made[i] = (uint8_t)((c->sums[i] + area / 2) / area);
  return 0;
}

/* Which two of `used` pixels the middle of pixel x of `out` lies between, and how far behind the first one. */
typedef struct {
  uint32_t first, second, weight; /* of the second, in POSITIONS */
} between;

static between find_between(uint32_t x, uint32_t used, uint32_t out) {
  const uint32_t place = larger((2 * x + 1) * used, out) - out;
  const uint32_t first = place / (2 * out);
  const between found = {first, smaller(first + 1, used - 1),
                         ((place - first * 2 * out) * POSITIONS + out) / (2 * out)};
  return found;
}

static int make_between(msf_camera *c, uint32_t y, uint8_t *made) {
  const between v = find_between(y, c->used_height, c->out_height);
  const uint8_t *above = hold(c, c->top + v.first);
  const uint8_t *below = above == 0 || v.weight == 0 ? above : hold(c, c->top + v.second);
  if (below == 0) return 1;
  for (uint32_t x = 0; x < c->out_width; x++) {
    const between h = find_between(x, c->used_width, c->out_width);
    uint8_t corners[4][3];
    read_pixel(c, above, c->left + h.first, corners[0]);
    read_pixel(c, above, c->left + h.second, corners[1]);
    read_pixel(c, below, c->left + h.first, corners[2]);
    read_pixel(c, below, c->left + h.second, corners[3]);
    for (uint32_t k = 0; k < c->channels; k++) {
      const uint32_t upper = corners[0][k] * (POSITIONS - h.weight) + corners[1][k] * h.weight;
      const uint32_t lower = corners[2][k] * (POSITIONS - h.weight) + corners[3][k] * h.weight;
      const uint32_t sum = upper * (POSITIONS - v.weight) + lower * v.weight;
      *made++ = (uint8_t)((sum + POSITIONS * POSITIONS / 2) / (POSITIONS * POSITIONS));
    }
  }
  return 0;
}

int msf_camera_row(void *context, uint32_t y, void *row, uint32_t size) {
  msf_camera *c = (msf_camera *)context;
  if (size != (uint32_t)c->out_width * c->channels || y >= c->out_height) return 1;
  if (y == 0) forget_rows(c); /* another image */
  return c->resize == MSF_CAMERA_BILINEAR ? make_between(c, y, (uint8_t *)row) : make_mean(c, y, (uint8_t *)row);
}
