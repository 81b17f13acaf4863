/* Bands by CMSIS-NN, through the functions that choose among its kernels for a core. */
#include "library/msf_library.h"

#if defined(MSF_CMSIS_NN)

#include <arm_nnfunctions.h>

#if defined(CMSIS_NN_USE_SINGLE_ROUNDING)
#error "CMSIS_NN_USE_SINGLE_ROUNDING gives other bits than TFLM's reference: build CMSIS-NN and this without it"
#endif

typedef struct {
  cmsis_nn_dims in, filter, bias, out;
} shapes;

static cmsis_nn_dims make_dims(int32_t n, int32_t h, int32_t w, int32_t c) {
  const cmsis_nn_dims dims = {n, h, w, c};
  return dims;
}

static shapes shapes_of(const msf_band *band) {
  const int32_t h = band->stage->kernel_h, w = band->stage->kernel_w;
  shapes made;
  made.in = make_dims(1, h, band->in_w, band->in_c);
  made.filter = band->depth > 0 ? make_dims(1, h, w, band->out_c) : make_dims(band->out_c, h, w, band->in_c);
  made.bias = make_dims(1, 1, 1, band->out_c);
  made.out = make_dims(1, 1, band->out_w, band->out_c);
  return made;
}

static cmsis_nn_tile make_tile(int32_t w, int32_t h) {
  const cmsis_nn_tile tile = {w, h};
  return tile;
}

static cmsis_nn_activation activation_of(const msf_stage *s) {
  const cmsis_nn_activation range = {s->act_min, s->act_max};
  return range;
}

static cmsis_nn_conv_params params_of(const msf_band *band) {
  cmsis_nn_conv_params params;
  params.input_offset = 0;
  params.output_offset = band->stage->out_zero;
  params.stride = make_tile(band->stride_w, 1);
  params.padding = make_tile(0, 0);
  params.dilation = make_tile(band->dilation_w, 1);
  params.activation = activation_of(band->stage);
  return params;
}

static cmsis_nn_dw_conv_params depthwise_params_of(const msf_band *band) {
  cmsis_nn_dw_conv_params params;
  params.input_offset = 0;
  params.output_offset = band->stage->out_zero;
  params.ch_mult = band->depth;
  params.stride = make_tile(band->stride_w, 1);
  params.padding = make_tile(0, 0);
  params.dilation = make_tile(band->dilation_w, 1);
  params.activation = activation_of(band->stage);
  return params;
}

int32_t msf_library_buffer_size(const msf_band *band) {
  const shapes at = shapes_of(band);
  if (band->depth > 0) {
    const cmsis_nn_dw_conv_params params = depthwise_params_of(band);
    return arm_depthwise_conv_wrapper_s8_get_buffer_size(&params, &at.in, &at.filter, &at.out);
  }
  const cmsis_nn_conv_params params = params_of(band);
  return arm_convolve_wrapper_s8_get_buffer_size(&params, &at.in, &at.filter, &at.out);
}

int msf_library_run(const msf_band *band) {
  const shapes at = shapes_of(band);
  const cmsis_nn_context context = {band->buffer, band->buffer_size};
  /* it writes to none of the scales, but does not say so */
  const cmsis_nn_per_channel_quant_params scales = {(int32_t *)band->multipliers, (int32_t *)band->shifts};
  if (band->depth > 0) {
    const cmsis_nn_dw_conv_params params = depthwise_params_of(band);
    return arm_depthwise_conv_wrapper_s8(&context, &params, &scales, &at.in, band->in, &at.filter, band->weights,
                                         &at.bias, band->bias, &at.out, band->out) == ARM_CMSIS_NN_SUCCESS;
  }
  const cmsis_nn_conv_params params = params_of(band);
  return arm_convolve_wrapper_s8(&context, &params, &scales, &at.in, band->in, &at.filter, band->weights, &at.bias,
                                 band->bias, &at.out, band->out) == ARM_CMSIS_NN_SUCCESS;
}

#endif
