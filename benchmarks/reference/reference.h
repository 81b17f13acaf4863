/*
 * Layers as plain loops, one whole feature map after another: the yardstick that fused kernels are measured against.
 * Written from the definition of each operator, the way reference kernels are: every tap is checked for padding,
 * every index is computed from scratch, the input's zero point is subtracted in the inner loop.
 */
#ifndef REFERENCE_H_
#define REFERENCE_H_

#include <stdint.h>

typedef struct {
  int32_t h, w, c;
} reference_map;

typedef struct {
  int8_t *data;
  reference_map map;
  int32_t zero;
} reference_tensor;

/* Only those fields are set that an operator uses. */
typedef struct reference_layer {
  void (*run)(const struct reference_layer *layer);
  reference_tensor in[2];
  reference_tensor out;
  const int8_t *weights;
  const int32_t *bias, *multipliers;
  const int8_t *shifts; /* powers of two, positive to the left */
  int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
  int32_t act_min, act_max;
  int32_t arg[6];
} reference_layer;

void reference_conv_2d(const reference_layer *layer);           /* weights [out][row][column][in] */
void reference_depthwise_conv_2d(const reference_layer *layer); /* weights [row][column][out], arg[0]: multiplier */
void reference_fully_connected(const reference_layer *layer);   /* weights [out][depth] */
void reference_add(const reference_layer *layer);               /* arg: multiplier, shift of each input and the sum */
void reference_average_pool(const reference_layer *layer);      /* over the whole map */

#endif /* REFERENCE_H_ */
