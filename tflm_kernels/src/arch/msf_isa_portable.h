/* Any core with a multiplier: see msf_isa.h. */
#ifndef MSF_ISA_PORTABLE_H_
#define MSF_ISA_PORTABLE_H_

#define MSF_ROOM 1

#define MSF_HAS_COLUMNS 1

#include <stdint.h>

#if defined(__ARM_FEATURE_UNALIGNED) || defined(__x86_64__)
#define MSF_COPIES_WORDS 1
#endif

#include "arch/msf_plain_memory.h"
#include "arch/msf_plain_taps.h"

#ifdef __cplusplus
extern "C" {
#endif

/* sum * multiplier / 2^32 to nearest, ties upwards. */
static inline int32_t msf_high(int32_t sum, uint32_t multiplier) {
  const int64_t product = (int64_t)sum * (int64_t)(uint64_t)multiplier;
  return (int32_t)(product >> 32) + (int32_t)((uint32_t)product >> 31);
}

#ifdef __cplusplus
}
#endif

#endif /* MSF_ISA_PORTABLE_H_ */
