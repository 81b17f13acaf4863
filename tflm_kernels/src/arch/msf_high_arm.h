/* The upper half of a product on Arm cores that have an instruction for it. */
#ifndef MSF_HIGH_ARM_H_
#define MSF_HIGH_ARM_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* sum * multiplier / 2^32 to nearest, ties upwards. */
static inline int32_t msf_high(int32_t sum, uint32_t multiplier) {
  int32_t high; /* the multiplier counts as multiplier - 2^32 */
  __asm__("smmlar %0, %1, %2, %1" : "=r"(high) : "r"(sum), "r"(multiplier));
  return high;
}

#ifdef __cplusplus
}
#endif

#endif /* MSF_HIGH_ARM_H_ */
