/* What projects call of TFLM's audio front end, with features that these tests know. */
#ifndef DOUBLE_FRONTEND_H_
#define DOUBLE_FRONTEND_H_

#include <stddef.h>
#include <stdint.h>

struct FrontendState {
  size_t step, channels, taken;
  uint16_t values[128];
};
struct FrontendOutput {
  const uint16_t *values;
  size_t size;
};
inline struct FrontendOutput FrontendProcessSamples(struct FrontendState *state, const int16_t *, size_t count,
                                                    size_t *used) {
  struct FrontendOutput output = {nullptr, 0};
  const size_t wanted = state->step - state->taken % state->step;
  *used = count < wanted ? count : wanted;
  state->taken += *used;
  if (state->taken % state->step != 0) return output;
  for (size_t i = 0; i < state->channels; i++) {
    state->values[i] = static_cast<uint16_t>((state->taken / state->step * 37 + i * 29) % 667);
  }
  output.values = state->values;
  output.size = state->channels;
  return output;
}
inline void FrontendReset(struct FrontendState *state) { state->taken = 0; }

#endif
