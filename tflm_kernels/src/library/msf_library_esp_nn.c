/* Bands by ESP-NN. It takes no dilation. */
#include "library/msf_library.h"

#if defined(MSF_ESP_NN)

#if defined(ESP_PLATFORM)
#include <sdkconfig.h> /* says which of its kernels esp_nn.h means, and how they round */
#endif
#include <esp_nn.h>

#if defined(SKIP_NUDGE) || defined(CONFIG_NN_SKIP_NUDGE)
#error "ESP-NN without nudge gives other bits than TFLM's reference: switch CONFIG_NN_SKIP_NUDGE off"
#endif

typedef struct {
  data_dims_t in, filter, out;
} shapes;

static data_dims_t make_dims(int32_t w, int32_t h, int32_t c) {
  const data_dims_t dims = {w, h, c, 1};
  return dims;
}

static shapes shapes_of(const msf_band *band) {
  const int32_t h = band->stage->kernel_h;
  shapes made;
  made.in = make_dims(band->in_w, h, band->in_c);
  made.filter = make_dims(band->stage->kernel_w, h, band->depth > 0 ? band->out_c : band->in_c);
  made.out = make_dims(band->out_w, 1, band->out_c);
  return made;
}

static data_2d_t make_pair(int32_t w, int32_t h) {
  const data_2d_t pair = {w, h};
  return pair;
}

static act_params_t activation_of(const msf_stage *s) {
  const act_params_t range = {s->act_min, s->act_max};
  return range;
}

static conv_params_t params_of(const msf_band *band) {
  conv_params_t params;
  params.in_offset = 0;
  params.out_offset = band->stage->out_zero;
  params.stride = make_pair(band->stride_w, 1);
  params.padding = make_pair(0, 0);
  params.dilation = make_pair(1, 1);
  params.activation = activation_of(band->stage);
  return params;
}

static dw_conv_params_t depthwise_params_of(const msf_band *band) {
  dw_conv_params_t params;
  params.in_offset = 0;
  params.out_offset = band->stage->out_zero;
  params.ch_mult = band->depth;
  params.stride = make_pair(band->stride_w, 1);
  params.padding = make_pair(0, 0);
  params.dilation = make_pair(1, 1);
  params.activation = activation_of(band->stage);
  return params;
}

int32_t msf_library_buffer_size(const msf_band *band) {
  const shapes at = shapes_of(band);
  if (band->dilation_w != 1) return -1;
  if (band->depth > 0) {
    const dw_conv_params_t params = depthwise_params_of(band);
    return esp_nn_get_depthwise_conv_scratch_size(&at.in, &at.filter, &at.out, &params);
  }
  const conv_params_t params = params_of(band);
  return esp_nn_get_conv_scratch_size(&at.in, &at.filter, &at.out, &params);
}

int msf_library_run(const msf_band *band) {
  const shapes at = shapes_of(band);
  /* it writes to none of the scales, but does not say so */
  const quant_data_t scales = {(int32_t *)band->shifts, (int32_t *)band->multipliers};
  if (band->depth > 0) {
    const dw_conv_params_t params = depthwise_params_of(band);
    esp_nn_set_depthwise_conv_scratch_buf(band->buffer);
    esp_nn_depthwise_conv_s8(&at.in, band->in, &at.filter, band->weights, band->bias, &at.out, band->out, &params,
                             &scales);
  } else {
    const conv_params_t params = params_of(band);
    esp_nn_set_conv_scratch_buf(band->buffer);
    esp_nn_conv_s8(&at.in, band->in, &at.filter, band->weights, band->bias, &at.out, band->out, &params, &scales);
  }
  return 1;
}

#endif
