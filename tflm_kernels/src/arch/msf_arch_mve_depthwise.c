/* Depthwise convolutions for Arm cores with Helium: sixteen bytes are four channels of four taps. */
#include "arch/msf_arch.h"

#ifdef MSF_ARCH_MVE

#include "arch/msf_arch_mve.h"

/* clang-format off */

/*
 * All channels. Sixteen bytes are four channels of four taps, whose addresses a vector holds;
 * these are multiples of 4. Products of channels 0 and 2 come from the even bytes, of 1 and 3 from the odd ones;
 * q4 and q5 tell them apart. Sums in r4, r6, r8, r10.
 */
void msf_mve_depthwise(const msf_job *job, const int8_t *const *x);
FUNCTION("msf_mve_depthwise", /* stack: 124 */
         "push {r4-r11, lr}\n\t"
         "vpush {d8-d15}\n\t"
         "sub sp, #24\n\t"
         "ldrd r12, r5, [r0, #12]\n\t"
         "ldr r6, [r0, #20]\n\t"
         "asr r12, #1\n\t"
         "vdup.32 q6, r5\n\t"
         "vdup.32 q7, r6\n\t"
         "mov r2, #1\n\t"
         "vdup.32 q4, r2\n\t"
         "lsl r2, #16\n\t"
         "vdup.32 q5, r2\n\t"
         "ldrd r7, r4, [r0, #28]\n\t"
         "ldrd r2, r3, [r0, #36]\n\t"
         "lsls r3, r3, #2\n\t"
         "add r2, r7\n\t"
         "strd r1, r2, [sp, #4]\n\t" /* x, end of the outputs */
         "strd r0, r4, [sp, #12]\n" /* job, pixels */
         "0:\n\t" /* a pixel */
         "ldr r1, [r0, #24]\n\t"
         "ldrd r9, r11, [r0]\n\t"
         "ldr r5, [r0, #8]\n\t"
         "str r1, [sp]\n\t"
         "mov r2, #0\n"
         "1:\n\t" /* four channels */
         "ldrd r1, r0, [sp]\n\t"
         "ldrd r4, r6, [r9], #8\n\t"
         "ldrd r8, r10, [r9], #8\n\t"
         "dlstp.8 lr, r3\n"
         "2:\n\t"
         "vldrw.u32 q0, [r0], #16\n\t"
         "vldrb.u8 q1, [r1], #16\n\t"
         "vadd.i32 q0, q0, r2\n\t"
         "vldrw.u32 q2, [q0]\n\t"
         "vmullb.s8 q3, q1, q2\n\t"
         "vmullt.s8 q0, q1, q2\n\t"
         "vmladava.s16 r4, q3, q4\n\t"
         "vmladava.s16 r8, q3, q5\n\t"
         "vmladava.s16 r6, q0, q4\n\t"
         "vmladava.s16 r10, q0, q5\n\t"
         "letp lr, 2b\n\t"
         "ldr r1, [sp]\n\t"
         REQUANTIZE_AND_STORE
         "add r1, r3\n\t"
         "ldr r0, [sp, #8]\n\t"
         "str r1, [sp]\n\t"
         "add r2, #4\n\t"
         "cmp r7, r0\n\t"
         "bne 1b\n\t"
         "ldrd r0, r4, [sp, #12]\n\t"
         "subs r4, #1\n\t"
         "beq 5f\n\t"
         "ldr r5, [r0, #36]\n\t"
         "ldrd r8, r10, [sp, #4]\n\t"
         "str r4, [sp, #16]\n\t"
         "add r8, r3\n\t"
         "add r10, r5\n\t"
         "strd r8, r10, [sp, #4]\n\t"
         "b 0b\n"
         "5:\n\t"
         "add sp, #24\n\t"
         "vpop {d8-d15}\n\t"
         "pop {r4-r11, pc}\n");

/*
 * All fours of channels of windows with nine taps, each with its weights for all pixels. Products of two taps fit in 16
 * bits; those of even channels, and of odd ones, come as pairs, of which VMLADAV with q4 adds up the first ones and
 * VMLADAVX the second ones. The ninth tap is added to the bias. q5, q6, q7: weights; r2: the channel. At sp lie the bias,
 * multipliers, shifts and limits of four channels, then where the next bias and multipliers are, and the pixels.
 */
#define DEPTHWISE_NINE(ties)                                    \
  "push {r4-r11, lr}\n\t"                                       \
  "vpush {d8-d15}\n\t"                                          \
  "sub sp, #92\n\t"                                             \
  "ldm r0!, {r4-r9}\n\t"                                        \
  "strd r4, r5, [sp, #80]\n\t" /* bias, multipliers */          \
  "vdup.32 q0, r8\n\t"                                          \
  "vdup.32 q1, r9\n\t"                                          \
  "vstrw.32 q0, [sp, #48]\n\t"                                  \
  "vstrw.32 q1, [sp, #64]\n\t"                                  \
  "asrs r11, r7, #1\n\t"                                        \
  "mov r5, r6\n\t"                                              \
  "mov lr, r1\n\t"                                              \
  "ldm r0, {r1, r7, r10, r12}\n\t"                              \
  "mov r9, r12\n\t"                                             \
  "str r10, [sp, #88]\n\t"                                      \
  "mov r4, #1\n\t"                                              \
  "vdup.32 q4, r4\n\t"                                          \
  "mov r2, #0\n"                                                \
  "1:\n\t" /* four channels */                                  \
  "ldrd r0, r3, [sp, #80]\n\t"                                  \
  "vldrw.u32 q0, [r0], #16\n\t"                                 \
  "vldrw.u32 q1, [r3], #16\n\t"                                 \
  "strd r0, r3, [sp, #80]\n\t"                                  \
  "vldrb.u32 q2, [r5], #4\n\t"                                  \
  "vshr.u32 q1, q1, #1\n\t"                                     \
  "vneg.s32 q2, q2\n\t"                                         \
  "vstrw.32 q0, [sp]\n\t"                                       \
  "vstrw.32 q1, [sp, #16]\n\t"                                  \
  "vstrw.32 q2, [sp, #32]\n\t"                                  \
  "vldrb.u8 q5, [r1], #16\n\t"                                  \
  "vldrb.u8 q6, [r1], #16\n\t"                                  \
  "vldrb.s32 q7, [r1], #4\n\t"                                  \
  "mov r0, lr\n\t"                                              \
  "ldr r3, [sp, #88]\n"                                         \
  "2:\n\t" /* a pixel */                                        \
  "vldrw.u32 q0, [r0], #16\n\t"                                 \
  "vldrw.u32 q3, [r0], #16\n\t"                                 \
  "vldrw.u32 q1, [r2, q0]\n\t"                                  \
  "vldrw.u32 q2, [r2, q3]\n\t"                                  \
  "vmullb.s8 q0, q1, q5\n\t"                                    \
  "vmullb.s8 q3, q2, q6\n\t"                                    \
  "vadd.i16 q0, q0, q3\n\t"                                     \
  "vmullt.s8 q1, q1, q5\n\t"                                    \
  "vmladav.s16 r4, q0, q4\n\t"                                  \
  "vmullt.s8 q2, q2, q6\n\t"                                    \
  "vmladavx.s16 r8, q0, q4\n\t"                                 \
  "vadd.i16 q1, q1, q2\n\t"                                     \
  "vmladav.s16 r6, q1, q4\n\t"                                  \
  "vmladavx.s16 r10, q1, q4\n\t"                                \
  "vldrw.u32 q2, [sp]\n\t"                                      \
  "vmov q0[2], q0[0], r4, r8\n\t"                               \
  "ldr r4, [r0], #4\n\t"                                        \
  "add r4, r2\n\t"                                              \
  "vldrb.s32 q1, [r4]\n\t"                                      \
  "vmov q0[3], q0[1], r6, r10\n\t"                              \
  "vmul.i32 q1, q1, q7\n\t"                                     \
  "vadd.i32 q0, q0, q2\n\t"                                     \
  "vldrw.u32 q2, [sp, #16]\n\t"                                 \
  "vadd.i32 q0, q0, q1\n\t"                                     \
  "vqrdmulh.s32 q0, q0, q2\n\t"                                 \
  ties                                                          \
  "vldrw.u32 q2, [sp, #32]\n\t"                                 \
  "vrshl.s32 q0, q0, q2\n\t"                                    \
  "vldrw.u32 q1, [sp, #48]\n\t"                                 \
  "vadd.i32 q0, q0, r11\n\t"                                    \
  "vldrw.u32 q2, [sp, #64]\n\t"                                 \
  "vmax.s32 q0, q0, q1\n\t"                                     \
  "vmin.s32 q0, q0, q2\n\t"                                     \
  "vstrb.32 q0, [r7]\n\t"                                       \
  "add r7, r9\n\t"                                              \
  "subs r3, #1\n\t"                                             \
  "bne 2b\n\t"                                                  \
  "ldr r3, [sp, #88]\n\t"                                       \
  "adds r2, #4\n\t"                                             \
  "mls r7, r3, r9, r7\n\t"                                      \
  "adds r7, #4\n\t"                                             \
  "cmp r2, r9\n\t"                                              \
  "bne 1b\n\t"                                                  \
  "add sp, #92\n\t"                                             \
  "vpop {d8-d15}\n\t"                                           \
  "pop {r4-r11, pc}\n"

void msf_mve_depthwise_nine(const msf_job *job, const int8_t *const *x);
FUNCTION("msf_mve_depthwise_nine", /* stack: 192 */
         DEPTHWISE_NINE(TIES_AWAY));

void msf_mve_depthwise_nine_positive(const msf_job *job, const int8_t *const *x);
FUNCTION("msf_mve_depthwise_nine_positive", /* stack: 192 */
         DEPTHWISE_NINE(""));

/* clang-format on */

void msf_convolve_depthwise(const msf_job *job, const int8_t *const *x) {
  if (job->channels % 4 != 0) { /* addresses need not be multiples of 4 */
    msf_convolve_depthwise_from(job, x, 0);
  } else if (job->segments != 9) {
    msf_mve_depthwise(job, x);
  } else if (msf_is_positive(&job->scales)) {
    msf_mve_depthwise_nine_positive(job, x);
  } else {
    msf_mve_depthwise_nine(job, x);
  }
}

#endif /* MSF_ARCH_MVE */
