#include "esp_nn.h"

#include <stdlib.h>

#include "convolve.h"

static void *conv_buffer, *depthwise_buffer;

/* What both kinds have in common; their parameters are different types with the same fields. */
#define FILL(made, params)                                                        \
  do {                                                                            \
    if ((params)->dilation.width != 1 || (params)->dilation.height != 1) abort(); \
    (made).stride_h = (params)->stride.height;                                    \
    (made).stride_w = (params)->stride.width;                                     \
    (made).pad_h = (params)->padding.height;                                      \
    (made).pad_w = (params)->padding.width;                                       \
    (made).dilation_h = (made).dilation_w = 1;                                    \
    (made).in_offset = (params)->in_offset;                                       \
    (made).out_offset = (params)->out_offset;                                     \
    (made).act_min = (params)->activation.min;                                    \
    (made).act_max = (params)->activation.max;                                    \
  } while (0)

static void need_aligned(const void *at) {
  if (at == 0 || (uintptr_t)at % 16 != 0) abort();
}

static convolution shape(const data_dims_t *in, const data_dims_t *filter, const int32_t *bias, const data_dims_t *out,
                         const quant_data_t *scales) {
  convolution made = {0};
  made.in_h = in->height;
  made.in_w = in->width;
  made.in_c = in->channels;
  made.out_h = out->height;
  made.out_w = out->width;
  made.out_c = out->channels;
  made.kernel_h = filter->height;
  made.kernel_w = filter->width;
  made.bias = bias;
  made.multipliers = scales->mult;
  made.shifts = scales->shift;
  return made;
}

int esp_nn_get_conv_scratch_size(const data_dims_t *in, const data_dims_t *filter, const data_dims_t *out,
                                 const conv_params_t *params) {
  (void)out;
  (void)params;
  return wanted_buffer(filter->height, filter->width, in->channels);
}

/* The real one takes the address of a buffer that it will write to as const, too. */
void esp_nn_set_conv_scratch_buf(const void *buffer) { conv_buffer = (void *)(uintptr_t)buffer; }

void esp_nn_conv_s8(const data_dims_t *in, const int8_t *in_data, const data_dims_t *filter, const int8_t *filter_data,
                    const int32_t *bias, const data_dims_t *out, int8_t *out_data, const conv_params_t *params,
                    const quant_data_t *scales) {
  convolution made = shape(in, filter, bias, out, scales);
  FILL(made, params);
  if (filter->channels != in->channels) abort();
  need_aligned(in_data);
  need_aligned(filter_data);
  need_aligned(bias);
  need_aligned(out_data);
  use_buffer(conv_buffer, wanted_buffer(filter->height, filter->width, in->channels));
  convolve(&made, in_data, filter_data, out_data);
}

int esp_nn_get_depthwise_conv_scratch_size(const data_dims_t *in, const data_dims_t *filter, const data_dims_t *out,
                                           const dw_conv_params_t *params) {
  (void)out;
  (void)params;
  return wanted_buffer(filter->height, filter->width, in->channels);
}

void esp_nn_set_depthwise_conv_scratch_buf(const void *buffer) { depthwise_buffer = (void *)(uintptr_t)buffer; }

void esp_nn_depthwise_conv_s8(const data_dims_t *in, const int8_t *in_data, const data_dims_t *filter,
                              const int8_t *filter_data, const int32_t *bias, const data_dims_t *out, int8_t *out_data,
                              const dw_conv_params_t *params, const quant_data_t *scales) {
  convolution made = shape(in, filter, bias, out, scales);
  FILL(made, params);
  made.depth = params->ch_mult;
  if (params->ch_mult * in->channels != out->channels) abort();
  need_aligned(in_data);
  need_aligned(filter_data);
  need_aligned(bias);
  need_aligned(out_data);
  use_buffer(depthwise_buffer, wanted_buffer(filter->height, filter->width, in->channels));
  convolve(&made, in_data, filter_data, out_data);
}
