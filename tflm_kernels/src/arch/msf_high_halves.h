/* The upper half of a product from products of 16 bits, for cores without an instruction for it. */
#ifndef MSF_HIGH_HALVES_H_
#define MSF_HIGH_HALVES_H_

#include "arch/msf_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* sum * multiplier / 2^32 to nearest, ties upwards. */
static inline int32_t msf_high(int32_t sum, uint32_t multiplier) {
  const uint32_t low = (uint32_t)sum & 0xFFFFu, factor_low = multiplier & 0xFFFFu, factor = multiplier >> 16;
  const int32_t upper = sum >> 16;
  const uint32_t carry = low * factor_low >> 16;
  const uint32_t inner = low * factor + carry; /* at most 0xFFFE0001 + 0xFFFE */
  const int32_t cross = msf_wrap_add(upper * (int32_t)factor_low, (int32_t)(inner & 0xFFFFu));
  const int32_t whole = msf_wrap_add(upper * (int32_t)factor, (int32_t)(inner >> 16));
  return msf_wrap_add(whole, msf_wrap_add(cross >> 16, cross >> 15 & 1));
}

#ifdef __cplusplus
}
#endif

#endif /* MSF_HIGH_HALVES_H_ */
