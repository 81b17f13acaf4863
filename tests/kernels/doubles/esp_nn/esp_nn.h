/* A stand-in for ESP-NN: of its interface, what the kernels use. Takes aligned addresses only, and no dilation. */
#ifndef DOUBLE_ESP_NN_H_
#define DOUBLE_ESP_NN_H_

#include <stdint.h>

typedef struct {
  int32_t width, height, channels, extra;
} data_dims_t;

typedef struct {
  int32_t width, height;
} data_2d_t;

typedef struct {
  int32_t min, max;
} act_params_t;

typedef struct {
  int32_t *shift, *mult;
} quant_data_t;

typedef struct {
  int32_t in_offset, out_offset;
  data_2d_t stride, padding, dilation;
  act_params_t activation;
} conv_params_t;

typedef struct {
  int32_t in_offset, out_offset, ch_mult;
  data_2d_t stride, padding, dilation;
  act_params_t activation;
} dw_conv_params_t;

int esp_nn_get_conv_scratch_size(const data_dims_t *in, const data_dims_t *filter, const data_dims_t *out,
                                 const conv_params_t *params);
void esp_nn_set_conv_scratch_buf(const void *buffer);
void esp_nn_conv_s8(const data_dims_t *in, const int8_t *in_data, const data_dims_t *filter, const int8_t *filter_data,
                    const int32_t *bias, const data_dims_t *out, int8_t *out_data, const conv_params_t *params,
                    const quant_data_t *scales);

int esp_nn_get_depthwise_conv_scratch_size(const data_dims_t *in, const data_dims_t *filter, const data_dims_t *out,
                                           const dw_conv_params_t *params);
void esp_nn_set_depthwise_conv_scratch_buf(const void *buffer);
void esp_nn_depthwise_conv_s8(const data_dims_t *in, const int8_t *in_data, const data_dims_t *filter,
                              const int8_t *filter_data, const int32_t *bias, const data_dims_t *out, int8_t *out_data,
                              const dw_conv_params_t *params, const quant_data_t *scales);

#endif /* DOUBLE_ESP_NN_H_ */
