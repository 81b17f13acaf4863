/* What sketches call of TFLM's microfrontend, declared only: they are checked for syntax. */
#ifndef DOUBLE_FRONTEND_UTIL_H_
#define DOUBLE_FRONTEND_UTIL_H_

#include "frontend.h"

struct FrontendConfig {
  struct {
    int size_ms, step_size_ms;
  } window;
  struct {
    int num_channels;
  } filterbank;
};
extern "C" void FrontendFillConfigWithDefaults(struct FrontendConfig *config);
extern "C" int FrontendPopulateState(const struct FrontendConfig *config, struct FrontendState *state, int sample_rate);

#endif
