/*
 * From the rows of a camera to the rows of a network, without a frame buffer: crops, resizes, makes grey levels.
 *
 *   static uint8_t row[320 * 2];
 *   static uint32_t sums[96];
 *   static msf_camera camera = {.width = 320, .height = 240, .format = MSF_CAMERA_RGB565, .out_width = 96,
 *                               .out_height = 96, .channels = 1, .source = NextCameraRow, .row = row, .sums = sums};
 *   if (msf_camera_begin(&camera) != 0) ...
 *   person_set_row_source(msf_camera_row, &camera);      person::SetRowSource with TFLM
 *
 * The model is rewritten with --stream-input --pixel-format uint8. SPEC.md says what comes out, to the bit.
 */
#ifndef MSF_CAMERA_H_
#define MSF_CAMERA_H_

#include <stdint.h>

#include "msf.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How the camera sends a pixel. */
enum {
  MSF_CAMERA_GRAY8 = 0,     /* a byte */
  MSF_CAMERA_RGB888 = 1,    /* three bytes: red, green, blue */
  MSF_CAMERA_RGB565 = 2,    /* two bytes, the high one first */
  MSF_CAMERA_RGB565_LE = 3, /* two bytes, the low one first */
  MSF_CAMERA_YUV422 = 4     /* four bytes for two pixels: brightness, blue, brightness, red; of even width */
};

enum {
  MSF_CAMERA_CROP = 0,   /* the largest part in the middle that is shaped as the network's image */
  MSF_CAMERA_STRETCH = 1 /* the whole image, whatever its shape */
};

enum {
  MSF_CAMERA_AREA = 0,    /* a pixel is the mean of what it covers of the camera's image */
  MSF_CAMERA_BILINEAR = 1 /* a pixel lies between the four around its middle */
};

/* Everything above the line is the application's to fill in and stays as it is. Sides are from 1 to 4096 pixels. */
typedef struct {
  uint16_t width, height; /* of the camera's image */
  uint8_t format, fit;
  uint16_t out_width, out_height; /* of the network's */
  uint8_t channels, resize;       /* of the network's: 1 or 3; MSF_CAMERA_AREA or MSF_CAMERA_BILINEAR */
  msf_row_source source;          /* fills a row of the camera's image; asked in order, some rows never */
  void *context;                  /* handed to the source as it is */
  uint8_t *row;                   /* memory for one row of the camera's image, for MSF_CAMERA_BILINEAR for two */
  uint32_t *sums;                 /* memory for out_width * channels sums; NULL for MSF_CAMERA_BILINEAR */
  /* ---- */
  uint16_t left, top, used_width, used_height;
  int32_t held[2]; /* which rows `row` holds, -1 for none */
} msf_camera;

/* Returns 0, or 1 if the camera's description makes no sense. */
int msf_camera_begin(msf_camera *camera);

/* A row source for a network; context: an msf_camera after msf_camera_begin. */
int msf_camera_row(void *context, uint32_t y, void *row, uint32_t size);

#ifdef __cplusplus
}
#endif

#endif /* MSF_CAMERA_H_ */
