/* What sketches call of Arduino's microphone library: sound comes as soon as it begins, as much as a sketch can keep. */
#ifndef DOUBLE_PDM_H_
#define DOUBLE_PDM_H_

#include <string.h>

class PDMClass {
 public:
  int begin(int channels, int) {
    for (int i = 0; i < 16; i++) callback_();
    return channels == 1;
  }
  int read(void *buffer, unsigned size) {
    memset(buffer, 1, size);
    return static_cast<int>(size);
  }
  void onReceive(void (*callback)()) { callback_ = callback; }

 private:
  void (*callback_)() = nullptr;
};
static PDMClass PDM;

#endif
