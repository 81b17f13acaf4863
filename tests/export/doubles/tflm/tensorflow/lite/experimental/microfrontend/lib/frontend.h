/* What sketches call of TFLM's microfrontend, declared only: they are checked for syntax. */
#ifndef DOUBLE_FRONTEND_H_
#define DOUBLE_FRONTEND_H_

#include <stddef.h>
#include <stdint.h>

struct FrontendState {
  int unused;
};
struct FrontendOutput {
  const uint16_t *values;
  size_t size;
};
extern "C" struct FrontendOutput FrontendProcessSamples(struct FrontendState *state, const int16_t *samples,
                                                        size_t count, size_t *used);
extern "C" void FrontendReset(struct FrontendState *state);

#endif
