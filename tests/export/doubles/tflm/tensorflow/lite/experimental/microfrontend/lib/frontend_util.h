/* What projects call of TFLM's audio front end, likewise. */
#ifndef DOUBLE_FRONTEND_UTIL_H_
#define DOUBLE_FRONTEND_UTIL_H_

#include "frontend.h"

struct WindowConfig {
  size_t size_ms, step_size_ms;
};
struct FilterbankConfig {
  int num_channels;
  float upper_band_limit, lower_band_limit;
  int output_scale_shift;
};
struct NoiseReductionConfig {
  int smoothing_bits;
  float even_smoothing, odd_smoothing, min_signal_remaining;
};
struct PcanGainControlConfig {
  int enable_pcan;
  float strength, offset;
  int gain_bits;
};
struct LogScaleConfig {
  int enable_log, scale_shift;
};
struct FrontendConfig {
  struct WindowConfig window;
  struct FilterbankConfig filterbank;
  struct NoiseReductionConfig noise_reduction;
  struct PcanGainControlConfig pcan_gain_control;
  struct LogScaleConfig log_scale;
};
inline void FrontendFillConfigWithDefaults(struct FrontendConfig *config) { *config = FrontendConfig(); }
inline int FrontendPopulateState(const struct FrontendConfig *config, struct FrontendState *state, int sample_rate) {
  *state = FrontendState();
  state->step = config->window.step_size_ms * static_cast<size_t>(sample_rate) / 1000;
  state->channels = static_cast<size_t>(config->filterbank.num_channels);
  return state->step > 0 && state->channels <= 128;
}

#endif
