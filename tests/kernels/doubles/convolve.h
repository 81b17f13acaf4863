/* Convolution of NHWC int8 maps by definition, for the doubles of libraries: as slow and as plain as can be. */
#ifndef CONVOLVE_H_
#define CONVOLVE_H_

#include <stdint.h>

typedef struct {
  int32_t in_h, in_w, in_c, out_h, out_w, out_c, kernel_h, kernel_w;
  int32_t stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
  int32_t depth; /* multiplier of a depthwise convolution, or 0 */
  int32_t in_offset, out_offset, act_min, act_max;
  const int32_t *bias, *multipliers, *shifts;
} convolution;

void convolve(const convolution *c, const int8_t *in, const int8_t *weights, int8_t *out);

/* A library's own memory: aborts unless it is there, aligned; then overwrites all of it. */
void use_buffer(void *buffer, int32_t size);

/* What a double asks for: something that is no round number. */
int32_t wanted_buffer(int32_t kernel_h, int32_t kernel_w, int32_t channels);

/* Convolutions so far. */
unsigned long convolved(void);

#endif /* CONVOLVE_H_ */
