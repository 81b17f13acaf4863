/* What projects call of Zephyr's video interface, which gives four rows at once here; the third frame ends the program. */
#ifndef DOUBLE_VIDEO_H_
#define DOUBLE_VIDEO_H_

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <zephyr/device.h>

#define CONFIG_VIDEO_BUFFER_POOL_NUM_MAX 2
#define LINE_COUNT_HEIGHT (-1)
enum { VIDEO_PIX_FMT_RGB565 = 1, VIDEO_PIX_FMT_RGB565X, VIDEO_PIX_FMT_YUYV, VIDEO_PIX_FMT_GREY, VIDEO_PIX_FMT_RGB24 };
enum video_buf_type { VIDEO_BUF_TYPE_INPUT, VIDEO_BUF_TYPE_OUTPUT };
typedef int k_timeout_t;
#define K_NO_WAIT 0
#define K_SECONDS(seconds) (1000 * (seconds))

struct video_format {
  enum video_buf_type type;
  uint32_t pixelformat, width, height, pitch, size;
};
struct video_caps {
  enum video_buf_type type;
  uint8_t min_vbuf_count;
  int16_t min_line_count, max_line_count;
};
struct video_buffer {
  enum video_buf_type type;
  uint8_t *buffer;
  uint32_t size, bytesused, timestamp;
  uint16_t line_offset;
};

static struct video_format double_format;
static struct video_buffer double_buffers[CONFIG_VIDEO_BUFFER_POOL_NUM_MAX];
static struct video_buffer *double_queue[CONFIG_VIDEO_BUFFER_POOL_NUM_MAX];
static int double_allocated, double_queued;
static uint32_t double_line, double_frames;

inline int video_set_format(const struct device *, struct video_format *format) {
  double_format = *format;
  return format->height % 4;
}
inline int video_get_caps(const struct device *, struct video_caps *caps) {
  caps->min_line_count = 4;
  return 0;
}
inline struct video_buffer *video_buffer_alloc(size_t size, k_timeout_t) {
  if (double_allocated == CONFIG_VIDEO_BUFFER_POOL_NUM_MAX) return NULL;
  struct video_buffer *buffer = &double_buffers[double_allocated++];
  buffer->buffer = static_cast<uint8_t *>(malloc(size));
  buffer->size = static_cast<uint32_t>(size);
  return buffer;
}
inline int video_enqueue(const struct device *, struct video_buffer *buffer) {
  if (double_queued == CONFIG_VIDEO_BUFFER_POOL_NUM_MAX) return -1;
  double_queue[double_queued++] = buffer;
  return 0;
}
inline int video_stream_start(const struct device *, enum video_buf_type) { return 0; }
inline int video_dequeue(const struct device *, struct video_buffer **buffer, k_timeout_t) {
  if (double_queued == 0) return -1;
  if (double_line == 0 && ++double_frames == 3) exit(0);
  struct video_buffer *filled = double_queue[0];
  double_queue[0] = double_queue[--double_queued];
  const uint32_t first = double_line * double_format.pitch;
  for (uint32_t i = 0; i < filled->size; i++) {
    filled->buffer[i] = static_cast<uint8_t>((first + i) * 7 / 5 + (first + i) / 999);
  }
  filled->bytesused = filled->size;
  filled->line_offset = static_cast<uint16_t>(double_line);
  double_line = (double_line + 4) % double_format.height;
  *buffer = filled;
  return 0;
}

#endif
