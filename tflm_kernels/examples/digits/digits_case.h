/* One inference with a known result, made by tflm-msf with TFLM on a computer. For self-checks: not needed otherwise. */
#ifndef DIGITS_CASE_H_
#define DIGITS_CASE_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  const void *data; /* 16-byte aligned */
  uint32_t size;    /* bytes */
} digits_case_tensor;

#define DIGITS_CASE_INPUT_COUNT 1u
#define DIGITS_CASE_OUTPUT_COUNT 1u

extern const digits_case_tensor digits_case_inputs[DIGITS_CASE_INPUT_COUNT];
extern const digits_case_tensor digits_case_outputs[DIGITS_CASE_OUTPUT_COUNT];

#ifdef __cplusplus
}
#endif

#endif /* DIGITS_CASE_H_ */
