/* What sketches call of Arduino's camera library, with a frame that these tests know; the third one ends the program. */
#ifndef DOUBLE_OV767X_H_
#define DOUBLE_OV767X_H_

#include <stdint.h>
#include <stdlib.h>

enum { YUV422 = 0, RGB444 = 1, RGB565 = 2, GRAYSCALE = 4 };
enum { OV7670 = 0, OV7675 = 1 };
enum { VGA = 0, CIF = 1, QVGA = 2, QCIF = 3, QQVGA = 4 };

class OV767X {
 public:
  int begin(int resolution, int format, int fps, int camera_name = OV7670) {
    static const int sizes[5] = {640 * 480, 352 * 240, 320 * 240, 176 * 144, 160 * 120};
    bytes_ = static_cast<uint32_t>(sizes[resolution]) * (format == GRAYSCALE ? 1 : 2);
    return fps == 1 && camera_name == OV7670;
  }
  void readFrame(void *buffer) {
    if (++frames_ == 3) exit(0);
    for (uint32_t i = 0; i < bytes_; i++) static_cast<uint8_t *>(buffer)[i] = static_cast<uint8_t>(i * 7 / 5 + i / 999);
  }

 private:
  uint32_t bytes_ = 0;
  int frames_ = 0;
};
static OV767X Camera;

#endif
