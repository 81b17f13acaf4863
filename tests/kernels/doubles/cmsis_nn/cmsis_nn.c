#include <stdlib.h>

#include "arm_nnfunctions.h"
#include "convolve.h"

/* What both kinds have in common; their parameters are different types with the same fields. */
#define FILL(made, params)                       \
  do {                                           \
    (made).stride_h = (params)->stride.h;        \
    (made).stride_w = (params)->stride.w;        \
    (made).pad_h = (params)->padding.h;          \
    (made).pad_w = (params)->padding.w;          \
    (made).dilation_h = (params)->dilation.h;    \
    (made).dilation_w = (params)->dilation.w;    \
    (made).in_offset = (params)->input_offset;   \
    (made).out_offset = (params)->output_offset; \
    (made).act_min = (params)->activation.min;   \
    (made).act_max = (params)->activation.max;   \
  } while (0)

static convolution shape(const cmsis_nn_per_channel_quant_params *scales, const cmsis_nn_dims *in,
                         const cmsis_nn_dims *filter, const cmsis_nn_dims *bias, const int32_t *bias_data,
                         const cmsis_nn_dims *out) {
  convolution made = {0};
  if (in->n != 1 || out->n != 1 || bias->c != out->c || bias_data == 0) abort();
  made.in_h = in->h;
  made.in_w = in->w;
  made.in_c = in->c;
  made.out_h = out->h;
  made.out_w = out->w;
  made.out_c = out->c;
  made.kernel_h = filter->h;
  made.kernel_w = filter->w;
  made.bias = bias_data;
  made.multipliers = scales->multiplier;
  made.shifts = scales->shift;
  return made;
}

int32_t arm_convolve_wrapper_s8_get_buffer_size(const cmsis_nn_conv_params *params, const cmsis_nn_dims *in,
                                                const cmsis_nn_dims *filter, const cmsis_nn_dims *out) {
  (void)params;
  (void)out;
  return wanted_buffer(filter->h, filter->w, in->c);
}

arm_cmsis_nn_status arm_convolve_wrapper_s8(const cmsis_nn_context *context, const cmsis_nn_conv_params *params,
                                            const cmsis_nn_per_channel_quant_params *scales, const cmsis_nn_dims *in,
                                            const int8_t *in_data, const cmsis_nn_dims *filter,
                                            const int8_t *filter_data, const cmsis_nn_dims *bias,
                                            const int32_t *bias_data, const cmsis_nn_dims *out, int8_t *out_data) {
  convolution made = shape(scales, in, filter, bias, bias_data, out);
  FILL(made, params);
  if (filter->n != out->c || filter->c != in->c) abort();
  if (context->size < wanted_buffer(filter->h, filter->w, in->c)) return ARM_CMSIS_NN_ARG_ERROR;
  use_buffer(context->buf, context->size);
  if (out->c == 7) return ARM_CMSIS_NN_NO_IMPL_ERROR;
  convolve(&made, in_data, filter_data, out_data);
  return ARM_CMSIS_NN_SUCCESS;
}

int32_t arm_depthwise_conv_wrapper_s8_get_buffer_size(const cmsis_nn_dw_conv_params *params, const cmsis_nn_dims *in,
                                                      const cmsis_nn_dims *filter, const cmsis_nn_dims *out) {
  (void)params;
  (void)out;
  return wanted_buffer(filter->h, filter->w, in->c);
}

arm_cmsis_nn_status arm_depthwise_conv_wrapper_s8(const cmsis_nn_context *context,
                                                  const cmsis_nn_dw_conv_params *params,
                                                  const cmsis_nn_per_channel_quant_params *scales,
                                                  const cmsis_nn_dims *in, const int8_t *in_data,
                                                  const cmsis_nn_dims *filter, const int8_t *filter_data,
                                                  const cmsis_nn_dims *bias, const int32_t *bias_data,
                                                  const cmsis_nn_dims *out, int8_t *out_data) {
  convolution made = shape(scales, in, filter, bias, bias_data, out);
  FILL(made, params);
  made.depth = params->ch_mult;
  if (filter->n != 1 || filter->c != out->c || params->ch_mult * in->c != out->c) abort();
  if (context->size < wanted_buffer(filter->h, filter->w, in->c)) return ARM_CMSIS_NN_ARG_ERROR;
  use_buffer(context->buf, context->size);
  convolve(&made, in_data, filter_data, out_data);
  return ARM_CMSIS_NN_SUCCESS;
}
