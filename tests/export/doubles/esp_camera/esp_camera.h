/* What projects call of espressif/esp32-camera, with a frame that these tests know; the third one ends the program. */
#ifndef DOUBLE_ESP_CAMERA_H_
#define DOUBLE_ESP_CAMERA_H_

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

typedef int esp_err_t;
#define ESP_OK 0
typedef enum { LEDC_TIMER_0 } ledc_timer_t;
typedef enum { LEDC_CHANNEL_0 } ledc_channel_t;
typedef enum { PIXFORMAT_RGB565, PIXFORMAT_YUV422, PIXFORMAT_YUV420, PIXFORMAT_GRAYSCALE, PIXFORMAT_JPEG } pixformat_t;
typedef enum {
  FRAMESIZE_96X96,
  FRAMESIZE_QQVGA,
  FRAMESIZE_QCIF,
  FRAMESIZE_HQVGA,
  FRAMESIZE_240X240,
  FRAMESIZE_QVGA,
  FRAMESIZE_VGA,
  FRAMESIZE_SVGA
} framesize_t;
typedef enum { CAMERA_GRAB_WHEN_EMPTY, CAMERA_GRAB_LATEST } camera_grab_mode_t;
typedef enum { CAMERA_FB_IN_PSRAM, CAMERA_FB_IN_DRAM } camera_fb_location_t;

typedef struct {
  int pin_pwdn, pin_reset, pin_xclk;
  union {
    int pin_sccb_sda;
    int pin_sscb_sda;
  };
  union {
    int pin_sccb_scl;
    int pin_sscb_scl;
  };
  int pin_d7, pin_d6, pin_d5, pin_d4, pin_d3, pin_d2, pin_d1, pin_d0, pin_vsync, pin_href, pin_pclk;
  int xclk_freq_hz;
  ledc_timer_t ledc_timer;
  ledc_channel_t ledc_channel;
  pixformat_t pixel_format;
  framesize_t frame_size;
  int jpeg_quality;
  size_t fb_count;
  camera_fb_location_t fb_location;
  camera_grab_mode_t grab_mode;
  int sccb_i2c_port;
} camera_config_t;

typedef struct {
  uint8_t *buf;
  size_t len, width, height;
  pixformat_t format;
} camera_fb_t;

static camera_fb_t double_frame;
static int double_lent;

inline esp_err_t esp_camera_init(const camera_config_t *config) {
  static const int sizes[][2] = {{96, 96},   {160, 120}, {176, 144}, {240, 176},
                                 {240, 240}, {320, 240}, {640, 480}, {800, 600}};
  const int *size = sizes[config->frame_size];
  double_frame.width = static_cast<size_t>(size[0]);
  double_frame.height = static_cast<size_t>(size[1]);
  double_frame.len = double_frame.width * double_frame.height * (config->pixel_format == PIXFORMAT_GRAYSCALE ? 1 : 2);
  double_frame.buf = static_cast<uint8_t *>(malloc(double_frame.len));
  for (size_t i = 0; i < double_frame.len; i++) double_frame.buf[i] = static_cast<uint8_t>(i * 7 / 5 + i / 999);
  return config->fb_count == 1 && config->xclk_freq_hz > 0 ? ESP_OK : -1;
}

inline camera_fb_t *esp_camera_fb_get(void) {
  static int frames;
  if (++frames == 3) exit(0);
  if (double_lent++ != 0) return NULL; /* there is one buffer, and it was not given back */
  return &double_frame;
}

inline void esp_camera_fb_return(camera_fb_t *frame) { double_lent -= frame == &double_frame; }

#endif
