/*
 * Averages over areas: a pixel of the network's image is the mean of what it covers of the camera's, in which a pixel
 * counts as much as is covered of it. In units of 1 / (sides of both images) all of that are integers.
 */
#include "msf_camera.h"

#define LARGEST_SIDE 4096u

static uint32_t bytes_of_pixel(uint8_t format) {
  switch (format) {
    case MSF_CAMERA_GREY: return 1;
    case MSF_CAMERA_RGB888: return 3;
    default: return 2;
  }
}

static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }
static uint32_t larger(uint32_t a, uint32_t b) { return a > b ? a : b; }

static int is_side(uint32_t side) { return side >= 1 && side <= LARGEST_SIDE; }

int msf_camera_begin(msf_camera *c) {
  uint32_t width = c->width, height = c->height;
  if (!is_side(width) || !is_side(height) || !is_side(c->out_width) || !is_side(c->out_height)) return 1;
  if (c->format > MSF_CAMERA_YUYV || c->fit > MSF_CAMERA_STRETCH) return 1;
  if (c->channels != 1 && (c->channels != 3 || c->format == MSF_CAMERA_YUYV || c->format == MSF_CAMERA_GREY)) return 1;
  if (c->source == 0 || c->row == 0 || c->sums == 0) return 1;
  if (c->fit == MSF_CAMERA_CROP) {
    width = larger(1, smaller(width, (uint32_t)c->height * c->out_width / c->out_height));
    height = larger(1, smaller(height, (uint32_t)c->width * c->out_height / c->out_width));
  }
  c->used_width = (uint16_t)width;
  c->used_height = (uint16_t)height;
  c->left = (uint16_t)((c->width - width) / 2);
  c->top = (uint16_t)((c->height - height) / 2);
  c->held = -1;
  return 0;
}

static void read_pixel(const msf_camera *c, uint32_t x, uint8_t rgb[3]) {
  const uint8_t *p = c->row + x * bytes_of_pixel(c->format);
  if (c->format == MSF_CAMERA_RGB888) {
    for (int k = 0; k < 3; k++) rgb[k] = p[k];
  } else if (c->format == MSF_CAMERA_GREY || c->format == MSF_CAMERA_YUYV) {
    rgb[0] = rgb[1] = rgb[2] = p[0];
  } else {
    const uint32_t high = c->format == MSF_CAMERA_RGB565 ? 0 : 1;
    const uint32_t v = (uint32_t)p[high] << 8 | p[1 - high];
    rgb[0] = (uint8_t)((v >> 8 & 0xF8u) | v >> 13);
    rgb[1] = (uint8_t)((v >> 3 & 0xFCu) | (v >> 9 & 3u));
    rgb[2] = (uint8_t)((v << 3 & 0xF8u) | (v >> 2 & 7u));
  }
}

/* A grey level of a colour, with the weights that TensorFlow's rgb_to_grayscale has, in 65536ths. */
static uint8_t grey_of(const uint8_t rgb[3]) {
  return (uint8_t)((rgb[0] * 19589u + rgb[1] * 38470u + rgb[2] * 7471u + 32768u) >> 16);
}

/* Adds the row that is held to the sums, `weight` times. */
static void add_row(const msf_camera *c, uint32_t weight) {
  const uint32_t out = c->out_width, used = c->used_width;
  const int is_colour = c->format != MSF_CAMERA_GREY && c->format != MSF_CAMERA_YUYV;
  for (uint32_t i = 0; i < used; i++) {
    const uint32_t begin = i * out, end = begin + out;
    uint8_t rgb[3];
    read_pixel(c, c->left + i, rgb);
    if (c->channels == 1 && is_colour) rgb[0] = grey_of(rgb);
    for (uint32_t x = begin / used; x * used < end; x++) {
      const uint32_t covered = smaller(end, (x + 1) * used) - larger(begin, x * used);
      for (uint32_t k = 0; k < c->channels; k++) c->sums[x * c->channels + k] += weight * covered * rgb[k];
    }
  }
}

static int hold(msf_camera *c, uint32_t y) {
  if (c->held == (int32_t)y) return 0;
  c->held = -1;
  if (c->source(c->context, y, c->row, c->width * bytes_of_pixel(c->format)) != 0) return 1;
  c->held = (int32_t)y;
  return 0;
}

int msf_camera_row(void *context, uint32_t y, void *row, uint32_t size) {
  msf_camera *c = (msf_camera *)context;
  const uint32_t out = c->out_height, used = c->used_height, values = (uint32_t)c->out_width * c->channels;
  const uint32_t area = (uint32_t)c->used_width * used, begin = y * used, end = begin + used;
  if (size != values || y >= out) return 1;
  if (y == 0) c->held = -1; /* another image */
  for (uint32_t i = 0; i < values; i++) c->sums[i] = 0;
  for (uint32_t i = begin / out; i * out < end; i++) {
    if (hold(c, c->top + i) != 0) return 1;
    add_row(c, smaller(end, (i + 1) * out) - larger(begin, i * out));
  }
  for (uint32_t i = 0; i < values; i++) ((uint8_t *)row)[i] = (uint8_t)((c->sums[i] + area / 2) / area);
  return 0;
}
