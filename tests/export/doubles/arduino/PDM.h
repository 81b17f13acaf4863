/* What sketches call of Arduino's microphone library, declared only: they are checked for syntax. */
#ifndef DOUBLE_PDM_H_
#define DOUBLE_PDM_H_

class PDMClass {
 public:
  int begin(int channels, int sampleRate);
  int read(void *buffer, unsigned size);
  void onReceive(void (*callback)());
};
extern PDMClass PDM;

#endif
