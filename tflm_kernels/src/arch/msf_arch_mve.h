/*
 * What the inner loops for Helium share. They are in assembly because compilers do not make such loops, and because the
 * loops take most of the registers.
 */
#ifndef MSF_ARCH_MVE_H_
#define MSF_ARCH_MVE_H_

#include <stddef.h>

#include "arch/msf_arch.h"
#include "arch/msf_assembly.h"

/* The functions read a job by its offsets. */
typedef char check_scales[offsetof(msf_job, scales.half) == 12 && offsetof(msf_job, scales.act_min) == 16 ? 1 : -1];
typedef char check_weights[offsetof(msf_job, weights) == 24 && offsetof(msf_job, pixels) == 32 ? 1 : -1];
typedef char check_across[offsetof(msf_job, length) == 44 && offsetof(msf_job, across) == 48 ? 1 : -1];

/* clang-format off */

/* Rounds ties of negative values in q0 away from zero; q2 is lost. */
#define TIES_AWAY                                               \
  "vshr.s32 q2, q0, #31\n\t"                                    \
  "vadd.i32 q0, q0, q2\n\t"

/*
 * Sums of four channels in r4, r6, r8, r10 become output values at r7: see msf_requantize_short. Multipliers are at r11,
 * shifts at r5, the zero point is in r12, limits are in q6 and q7.
 */
#define REQUANTIZE_AND_STORE                                    \
  "vmov q0[2], q0[0], r4, r8\n\t"                               \
  "vmov q0[3], q0[1], r6, r10\n\t"                              \
  "vldrw.u32 q1, [r11], #16\n\t"                                \
  "vshr.u32 q1, q1, #1\n\t"                                     \
  "vqrdmulh.s32 q0, q0, q1\n\t"                                 \
  "vldrb.u32 q1, [r5], #4\n\t"                                  \
  "vneg.s32 q1, q1\n\t"                                         \
  TIES_AWAY                                                     \
  "vrshl.s32 q0, q0, q1\n\t"                                    \
  "vadd.i32 q0, q0, r12\n\t"                                    \
  "vmax.s32 q0, q0, q6\n\t"                                     \
  "vmin.s32 q0, q0, q7\n\t"                                     \
  "vstrb.32 q0, [r7], #4\n\t"

/* clang-format on */

/* True if no output is below the zero point: then ties of negative values do not matter. */
static inline int msf_is_positive(const msf_scales *scales) { return scales->act_min >= scales->half >> 1; }

#endif /* MSF_ARCH_MVE_H_ */
