/* The inner loops but those of convolutions for Arm cores with Helium. */
#include "arch/msf_arch.h"

#ifdef MSF_ARCH_MVE

#include "arch/msf_arch_mve.h"

typedef char check_summands[offsetof(msf_addition, second) == 16 && offsetof(msf_addition, sign) == 32 ? 1 : -1];
typedef char
    check_sum[offsetof(msf_addition, multiplier) == 36 && offsetof(msf_addition, scales.act_min) == 60 ? 1 : -1];

/* clang-format off */

/*
 * n values, at sp. r4, r5, r6: minus the first zero point, multiplier and shift; r7, r8, r9: the second ones; r10: sign;
 * r11, r12, r0: multiplier, shift and zero point of the outputs. q4, q5: signs of the summands; q6, q7: limits.
 */
#define ADD(ties)                                               \
  "push {r4-r11, lr}\n\t"                                       \
  "vpush {d8-d15}\n\t"                                          \
  "ldrd r4, r5, [r0, #60]\n\t"                                  \
  "vdup.32 q6, r4\n\t"                                          \
  "vdup.32 q7, r5\n\t"                                          \
  "ldr r4, [r0, #12]\n\t"                                       \
  "ldr r5, [r0, #28]\n\t"                                       \
  "vdup.32 q4, r4\n\t"                                          \
  "vdup.32 q5, r5\n\t"                                          \
  "mov r4, #0x100000\n\t" /* 1 << MSF_HEADROOM */               \
  "vdup.32 q3, r4\n\t"                                          \
  "ldm r0, {r4, r5, r6}\n\t"                                    \
  "add r0, #16\n\t"                                             \
  "ldm r0, {r7, r8, r9}\n\t"                                    \
  "ldr r10, [r0, #16]\n\t"                                      \
  "ldrd r11, r12, [r0, #20]\n\t"                                \
  "ldr r0, [r0, #40]\n\t"                                       \
  "ldr lr, [sp, #100]\n\t"                                      \
  "asrs r0, r0, #1\n\t"                                         \
  "lsl r4, #20\n\t"                                             \
  "lsl r7, #20\n\t"                                             \
  "rsbs r4, r4, #0\n\t"                                         \
  "rsbs r7, r7, #0\n\t"                                         \
  "lsrs r5, r5, #1\n\t"                                         \
  "lsr r8, #1\n\t"                                              \
  "lsr r11, #1\n\t"                                             \
  "rsbs r6, r6, #0\n\t"                                         \
  "rsb r9, r9, #0\n\t"                                          \
  "rsb r12, r12, #0\n\t"                                        \
  "dlstp.32 lr, lr\n"                                           \
  "1:\n\t"                                                      \
  "vldrb.s32 q0, [r1], #4\n\t"                                  \
  "vldrb.s32 q1, [r2], #4\n\t"                                  \
  "vmlas.s32 q0, q3, r4\n\t"                                    \
  "vmlas.s32 q1, q3, r7\n\t"                                    \
  "vqrdmulh.s32 q0, q0, r5\n\t"                                 \
  "vqrdmulh.s32 q1, q1, r8\n\t"                                 \
  "vshr.s32 q2, q0, #31\n\t"                                    \
  "vand q2, q2, q4\n\t"                                         \
  "vadd.i32 q0, q0, q2\n\t"                                     \
  "vshr.s32 q2, q1, #31\n\t"                                    \
  "vand q2, q2, q5\n\t"                                         \
  "vadd.i32 q1, q1, q2\n\t"                                     \
  "vrshl.s32 q0, r6\n\t"                                        \
  "vrshl.s32 q1, r9\n\t"                                        \
  "vmla.s32 q0, q1, r10\n\t"                                    \
  "vqrdmulh.s32 q0, q0, r11\n\t"                                \
  ties                                                          \
  "vrshl.s32 q0, r12\n\t"                                       \
  "vadd.i32 q0, q0, r0\n\t"                                     \
  "vmax.s32 q0, q0, q6\n\t"                                     \
  "vmin.s32 q0, q0, q7\n\t"                                     \
  "vstrb.32 q0, [r3], #4\n\t"                                   \
  "letp lr, 1b\n\t"                                             \
  "vpop {d8-d15}\n\t"                                           \
  "pop {r4-r11, pc}\n"

void msf_mve_add(const msf_addition *job, const int8_t *a, const int8_t *b, int8_t *out, int32_t n);
FUNCTION("msf_mve_add", /* stack: 100 */
         ADD(TIES_AWAY));

void msf_mve_add_positive(const msf_addition *job, const int8_t *a, const int8_t *b, int8_t *out, int32_t n);
FUNCTION("msf_mve_add_positive", /* stack: 100 */
         ADD(""));

/* clang-format on */

int32_t msf_dot(int32_t sum, const int8_t *w, const int8_t *x, int32_t n) {
  for (; n > 0; n -= 16, w += 16, x += 16) {
    const mve_pred16_t left = vctp8q((uint32_t)n);
    sum = vmladavaq_p_s8(sum, vldrbq_z_s8(w, left), vldrbq_z_s8(x, left), left);
  }
  return sum;
}

void msf_add_to_sums(int32_t *sums, const int8_t *values, int32_t n) {
  for (; n > 0; n -= 4, sums += 4, values += 4) {
    const mve_pred16_t left = vctp32q((uint32_t)n);
    const int32x4_t sum = vaddq_s32(vldrwq_z_s32(sums, left), vldrbq_z_s32(values, left));
    vstrwq_p_s32(sums, sum, left);
  }
}

void msf_add_values(const msf_addition *job, const int8_t *a, const int8_t *b, int8_t *out, int32_t n) {
  if (msf_is_positive(&job->scales)) {
    msf_mve_add_positive(job, a, b, out, n);
  } else {
    msf_mve_add(job, a, b, out, n);
  }
}

#endif /* MSF_ARCH_MVE */
