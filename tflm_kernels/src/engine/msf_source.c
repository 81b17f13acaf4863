/*
 * SOURCE: the input image, row by row from a function that the application has set, so that it is never held whole.
 */
#include "engine/msf_source.h"

#include "kernel/msf_kernel.h"
#include "msf.h"

/* Rows are written whole, so a ring must hold whole rows. */
static int check(const msf_stage_shape *shape) {
  const msf_stage *s = shape->stage;
  if (shape->out->pixels % shape->out->w != 0) return 0;
  switch (s->arg[0]) {
    case MSF_PIXELS_AS_THEY_ARE: return 1;
    case MSF_PIXELS_BYTES: return msf_fits(s->weights, 256, 1, shape->params_size);
    case MSF_PIXELS_RGB565:
    case MSF_PIXELS_RGB565_LE: return shape->out->c == 3 && msf_fits(s->weights, 256, 1, shape->params_size);
    default: return 0;
  }
}

/* A colour of n bits, 0 to 2^n - 1, as 0 to 255. */
static inline uint32_t five(uint32_t value) { return (value << 3 & 0xF8u) | (value >> 2 & 7u); }
static inline uint32_t six(uint32_t value) { return (value << 2 & 0xFCu) | (value >> 4 & 3u); }

/*
 * Two bytes for each pixel become three. They lie at the row's end, so no pixel is overwritten before it is read. high:
 * which of the two bytes is the high one.
 */
static void look_up_rgb565(uint8_t *row, int32_t width, uint32_t high, const uint8_t *table) {
  const uint8_t *packed = row + width;
  for (int32_t x = 0; x < width; x++, packed += 2, row += 3) {
    const uint32_t pixel = (uint32_t)packed[high] << 8 | packed[1 - high];
    row[0] = table[five(pixel >> 11)];
    row[1] = table[six(pixel >> 5)];
    row[2] = table[five(pixel)];
  }
}

static void look_up_bytes(uint8_t *row, uint32_t size, const uint8_t *table) {
  for (uint32_t i = 0; i < size; i++) row[i] = table[row[i]];
}

static void run(const msf_call *call) {
  const int32_t width = call->out.w, format = call->stage->arg[0];
  const int is_packed = format == MSF_PIXELS_RGB565 || format == MSF_PIXELS_RGB565_LE;
  const uint32_t size = (uint32_t)width * (uint32_t)call->out.c;
  const uint32_t given = is_packed ? 2 * (uint32_t)width : size;
  const uint8_t *table = call->params + call->stage->weights;
  uint8_t *row = (uint8_t *)msf_pixels(&call->out, call->y, 0, width);
  if (call->rows->source(call->rows->context, (uint32_t)call->y, row + (size - given), given) != 0) {
    *call->status = MSF_SOURCE_FAILED;
  } else if (is_packed) {
    look_up_rgb565(row, width, format == MSF_PIXELS_RGB565_LE, table);
  } else if (format == MSF_PIXELS_BYTES) {
    look_up_bytes(row, size, table);
  }
}

const msf_operator msf_source = {.check = check, .run = run, .flags = MSF_FETCHES};
