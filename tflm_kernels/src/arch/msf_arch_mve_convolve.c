/*
 * Convolutions for Arm cores with Helium (Cortex-M52, M55, M85): sixteen products an instruction. Weights are loaded once
 * for four pixels, or for two; a pixel that is left over has a loop of its own, in which LETP lets only those bytes take
 * part that are left.
 */
#include "arch/msf_arch.h"

#ifdef MSF_ARCH_MVE

#include "arch/msf_arch_mve.h"

/* clang-format off */

/*
 * All fours of channels of one pixel. A channel's weights are every second word: q3 and q4 have the places of those of
 * the first and the third channel, less 32; the others are a word further on. The last round of a segment may go too
 * far, which r1 takes back.
 */
void msf_mve_convolve(const msf_job *job, const int8_t *const *x, int8_t *out);
FUNCTION("msf_mve_convolve", /* stack: 124 */
         "push {r4-r11, lr}\n\t"
         "vpush {d8-d15}\n\t"
         "sub sp, #24\n\t"
         "mov r7, r2\n\t"
         "ldrd r4, r2, [r0, #12]\n\t"
         "ldr r3, [r0, #20]\n\t"
         "asrs r4, r4, #1\n\t"
         "vdup.32 q6, r2\n\t"
         "vdup.32 q7, r3\n\t"
         "str r4, [sp, #20]\n\t" /* zero */
         "ldrd r6, r5, [r0, #36]\n\t"
         "ldrd r3, r2, [r0, #44]\n\t"
         "strd r1, r5, [sp, #12]\n\t" /* x, segments */
         "lsls r2, r2, #2\n\t"
         "str r2, [sp, #8]\n\t" /* bytes from a segment's address to the next one's */
         "mul r5, r5, r3\n\t"
         "lsls r5, r5, #1\n\t"
         "bic r6, #3\n\t"
         "add r6, r7\n\t"
         "strd r5, r6, [sp]\n\t" /* bytes of a pair of channels, end of the outputs */
         "add r1, r3, #15\n\t"
         "bic r1, #15\n\t"
         "sub r1, r3, r1\n\t"
         "lsl r1, #1\n\t"
         "mov r4, #0\n\t"
         "vidup.u32 q5, r4, #8\n\t"
         "rsb r6, r1, #0\n\t"
         "sub r6, #32\n\t"
         "vadd.i32 q4, q5, r6\n\t"
         "ldr r6, [r0, #24]\n\t"
         "ldrd r9, r11, [r0]\n\t"
         "ldr r5, [r0, #8]\n\t"
         "vadd.i32 q4, q4, r6\n"
         "1:\n\t" /* four channels */
         "ldrd r2, r0, [sp, #12]\n\t"
         "ldr r12, [sp]\n\t"
         "ldrd r4, r6, [r9], #8\n\t"
         "ldrd r8, r10, [r9], #8\n\t"
         "vadd.i32 q3, q4, r1\n\t"
         "vadd.i32 q4, q3, r12\n"
         "2:\n\t" /* a segment */
         "ldr r12, [r2]\n\t"
         "dlstp.8 lr, r3\n"
         "3:\n\t"
         "vldrb.u8 q1, [r12], #16\n\t"
         "vldrw.u32 q0, [q3, #32]!\n\t"
         "vmladava.s8 r4, q0, q1\n\t"
         "vldrw.u32 q0, [q3, #4]\n\t"
         "vmladava.s8 r6, q0, q1\n\t"
         "vldrw.u32 q0, [q4, #32]!\n\t"
         "vmladava.s8 r8, q0, q1\n\t"
         "vldrw.u32 q0, [q4, #4]\n\t"
         "vmladava.s8 r10, q0, q1\n\t"
         "letp lr, 3b\n\t"
         "subs r0, #1\n\t"
         "beq 4f\n\t"
         "ldr r12, [sp, #8]\n\t"
         "vadd.i32 q3, q3, r1\n\t"
         "vadd.i32 q4, q4, r1\n\t"
         "add r2, r12\n\t"
         "b 2b\n"
         "4:\n\t"
         "ldr r12, [sp, #20]\n\t"
         REQUANTIZE_AND_STORE
         "ldr r2, [sp, #4]\n\t"
         "cmp r7, r2\n\t"
         "bne 1b\n\t"
         "add sp, #24\n\t"
         "vpop {d8-d15}\n\t"
         "pop {r4-r11, pc}\n");

/* Sixteen values of four pixels times those weights of two channels; mac: VMLADAV begins sums, VMLADAVA adds to them. */
#define FOUR_BY_TWO(mac)                                        \
  "vld20.32 {q0, q1}, [r11]\n\t"                                \
  "vld21.32 {q0, q1}, [r11]!\n\t"                               \
  "vldrb.u8 q4, [r1], #16\n\t"                                  \
  mac " r0, q0, q4\n\t"                                         \
  mac " r8, q1, q4\n\t"                                         \
  "vldrb.u8 q4, [r3], #16\n\t"                                  \
  mac " r2, q0, q4\n\t"                                         \
  mac " r10, q1, q4\n\t"                                        \
  "vldrb.u8 q4, [r5], #16\n\t"                                  \
  mac " r4, q0, q4\n\t"                                         \
  mac " r12, q1, q4\n\t"                                        \
  "vldrb.u8 q4, [r7], #16\n\t"                                  \
  mac " r6, q0, q4\n\t"                                         \
  mac " lr, q1, q4\n\t"

/* The same for the last r9 words of a segment, 1 to 3: nothing is read beyond them. */
#define REST_BY_TWO(mac)                                        \
  "vctp.32 r9\n\t"                                              \
  "vpsttt\n\t"                                                  \
  "vldrwt.u32 q0, [r11, q2]\n\t"                                \
  "vldrwt.u32 q1, [r11, q3]\n\t"                                \
  "vldrbt.u8 q4, [r1]\n\t"                                      \
  mac " r0, q0, q4\n\t"                                         \
  mac " r8, q1, q4\n\t"                                         \
  "vpst\n\t"                                                    \
  "vldrbt.u8 q4, [r3]\n\t"                                      \
  mac " r2, q0, q4\n\t"                                         \
  mac " r10, q1, q4\n\t"                                        \
  "vpst\n\t"                                                    \
  "vldrbt.u8 q4, [r5]\n\t"                                      \
  mac " r4, q0, q4\n\t"                                         \
  mac " r12, q1, q4\n\t"                                        \
  "vpst\n\t"                                                    \
  "vldrbt.u8 q4, [r7]\n\t"                                      \
  mac " r6, q0, q4\n\t"                                         \
  mac " lr, q1, q4\n\t"                                         \
  "add r11, r11, r9, lsl #3\n\t"

/* Rounds ties of negative values in q0 and q1 away from zero. */
#define BOTH_TIES_AWAY                                          \
  "vshr.s32 q4, q0, #31\n\t"                                    \
  "vadd.i32 q0, q0, q4\n\t"                                     \
  "vshr.s32 q4, q1, #31\n\t"                                    \
  "vadd.i32 q1, q1, q4\n\t"

/*
 * Sums over all segments, with r9 vectors behind the first one of each; r9 is 0 afterwards. For what is at sp, see
 * CONVOLVE_FOUR. values and rest are the products of whole vectors and of what is left.
 */
#define SUM_SEGMENTS(values)                                    \
  "cmp r9, #0\n\t"                                              \
  "blt 5f\n\t"                                                  \
  values("vmladav.s8")                                          \
  "beq 3f\n"                                                    \
  "2:\n\t"                                                      \
  values("vmladava.s8")                                         \
  "subs r9, #1\n\t"                                             \
  "bne 2b\n"                                                    \
  "3:\n\t"                                                      \
  "ldr r9, [sp, #40]\n\t"                                       \
  "cmp r9, #0\n\t"                                              \
  "bne 6f\n"                                                    \
  "4:\n\t"

/* What SUM_SEGMENTS jumps to, at a function's end. addresses loads those of a segment, which are at r9. */
#define MORE_SEGMENTS(addresses, values, rest)                  \
  "5:\n\t" /* less than a vector */                             \
  "ldr r9, [sp, #32]\n\t"                                       \
  rest("vmladav.s8")                                            \
  "b 7f\n"                                                      \
  "6:\n\t"                                                      \
  "ldr r9, [sp, #32]\n\t"                                       \
  "cmp r9, #0\n\t"                                              \
  "beq 7f\n\t"                                                  \
  rest("vmladava.s8")                                           \
  "7:\n\t" /* more segments */                                  \
  "ldr r9, [sp, #24]\n\t"                                       \
  "ldr r1, [sp, #36]\n\t"                                       \
  "adds r9, #16\n\t"                                            \
  "cmp r1, #0\n\t"                                              \
  "beq 12f\n"                                                   \
  "8:\n\t"                                                      \
  "strd r1, r9, [sp, #44]\n\t"                                  \
  addresses "\n\t"                                              \
  "ldr r9, [sp, #28]\n\t"                                       \
  "adds r9, #1\n\t"                                             \
  "beq 10f\n"                                                   \
  "9:\n\t"                                                      \
  values("vmladava.s8")                                         \
  "subs r9, #1\n\t"                                             \
  "bne 9b\n"                                                    \
  "10:\n\t"                                                     \
  "ldr r9, [sp, #32]\n\t"                                       \
  "cmp r9, #0\n\t"                                              \
  "beq 11f\n\t"                                                 \
  rest("vmladava.s8")                                           \
  "11:\n\t"                                                     \
  "ldrd r1, r9, [sp, #44]\n\t"                                  \
  "adds r9, #16\n\t"                                            \
  "subs r1, #1\n\t"                                             \
  "bne 8b\n"                                                    \
  "12:\n\t"                                                     \
  "mov r9, #0\n\t"                                              \
  "b 4b\n"

/*
 * All pairs of channels of four pixels. Sums of the first channel are in r0, r2, r4, r6, of the second one in r8, r10, r12,
 * lr; pixels at r1, r3, r5, r7, weights at r11. Weights come in words of either channel, which VLD2 tells apart; q2 and
 * q3 do where there is no whole vector. q5: places of outputs; q6, q7: their limits. At sp lie
 *   where the bias, multipliers, shifts and outputs go on; the zero point; the end of the outputs; the addresses,
 *   #28 whole vectors of a segment behind its first one (-1 if there is not even one), #32 words that are left,
 *   #36 segments behind the first one, #40 words or segments (0 if there are none of either),
 *   #44 how many segments are left and where the addresses of the next one are.
 */
#define CONVOLVE_FOUR(ties)                                     \
  "push {r4-r11, lr}\n\t"                                       \
  "vpush {d8-d15}\n\t"                                          \
  "sub sp, #52\n\t"                                             \
  "ldm r0!, {r2-r7}\n\t"                                        \
  "vdup.32 q6, r6\n\t"                                          \
  "vdup.32 q7, r7\n\t"                                          \
  "asrs r7, r5, #1\n\t"                                         \
  "ldm r0, {r5, r6, r8-r10, r12}\n\t"                           \
  "mov r11, r5\n\t"                                             \
  "stm sp, {r2-r4, r6, r7}\n\t"                                 \
  "bic r5, r9, #1\n\t"                                          \
  "add r5, r6\n\t"                                              \
  "strd r5, r1, [sp, #20]\n\t"                                  \
  "subs r6, r10, #1\n\t"                                        \
  "ubfx r5, r12, #2, #2\n\t"                                    \
  "asrs r4, r12, #4\n\t"                                        \
  "subs r4, #1\n\t"                                             \
  "orr r7, r5, r6\n\t"                                          \
  "add r8, sp, #28\n\t"                                         \
  "stm r8, {r4-r7}\n\t"                                         \
  "mov r4, #0\n\t"                                              \
  "vidup.u32 q5, r4, #1\n\t"                                    \
  "vmul.i32 q5, q5, r9\n\t"                                     \
  "mov r4, #0\n\t"                                              \
  "vidup.u32 q2, r4, #8\n\t"                                    \
  "mov r4, #4\n\t"                                              \
  "vidup.u32 q3, r4, #8\n"                                      \
  "1:\n\t" /* two channels */                                   \
  "ldrd r7, r9, [sp, #24]\n\t"                                  \
  "ldm r7, {r1, r3, r5, r7}\n\t"                                \
  SUM_SEGMENTS(FOUR_BY_TWO)                                     \
  "vmov q0[2], q0[0], r0, r4\n\t"                               \
  "vmov q0[3], q0[1], r2, r6\n\t"                               \
  "vmov q1[2], q1[0], r8, r12\n\t"                              \
  "vmov q1[3], q1[1], r10, lr\n\t"                              \
  "ldm sp, {r0-r3, r10, r12}\n\t"                               \
  "ldrd r4, r5, [r0], #8\n\t"                                   \
  "ldrd r6, r7, [r1], #8\n\t"                                   \
  "ldrh r8, [r2], #2\n\t"                                       \
  "lsrs r6, #1\n\t"                                             \
  "lsrs r7, #1\n\t"                                             \
  "ssub8 r8, r9, r8\n\t" /* both shifts go right */             \
  "vadd.i32 q0, q0, r4\n\t"                                     \
  "vadd.i32 q1, q1, r5\n\t"                                     \
  "vqrdmulh.s32 q0, q0, r6\n\t"                                 \
  "vqrdmulh.s32 q1, q1, r7\n\t"                                 \
  ties                                                          \
  "vrshl.s32 q0, r8\n\t"                                        \
  "lsrs r8, r8, #8\n\t"                                         \
  "vrshl.s32 q1, r8\n\t"                                        \
  "vadd.i32 q0, q0, r10\n\t"                                    \
  "vadd.i32 q1, q1, r10\n\t"                                    \
  "vmax.s32 q0, q0, q6\n\t"                                     \
  "vmax.s32 q1, q1, q6\n\t"                                     \
  "vmin.s32 q0, q0, q7\n\t"                                     \
  "vmin.s32 q1, q1, q7\n\t"                                     \
  "vstrb.32 q0, [r3, q5]\n\t"                                   \
  "adds r3, #1\n\t"                                             \
  "vstrb.32 q1, [r3, q5]\n\t"                                   \
  "adds r3, #1\n\t"                                             \
  "stm sp, {r0-r3}\n\t"                                         \
  "cmp r3, r12\n\t"                                             \
  "bne 1b\n\t"                                                  \
  "add sp, #52\n\t"                                             \
  "vpop {d8-d15}\n\t"                                           \
  "pop {r4-r11, pc}\n"                                          \
  MORE_SEGMENTS("ldm r9, {r1, r3, r5, r7}", FOUR_BY_TWO, REST_BY_TWO)

void msf_mve_convolve_four(const msf_job *job, const int8_t *const *x);
FUNCTION("msf_mve_convolve_four", /* stack: 152 */
         CONVOLVE_FOUR(BOTH_TIES_AWAY));

/* For outputs that are never below the zero point: ties of negative values do not matter. */
void msf_mve_convolve_four_positive(const msf_job *job, const int8_t *const *x);
FUNCTION("msf_mve_convolve_four_positive", /* stack: 152 */
         CONVOLVE_FOUR(""));

/* Sixteen values of two pixels times those weights of four channels. */
#define TWO_BY_FOUR(mac)                                        \
  "vld20.32 {q0, q1}, [r5]\n\t"                                 \
  "vld21.32 {q0, q1}, [r5]!\n\t"                                \
  "vld20.32 {q2, q3}, [r7]\n\t"                                 \
  "vld21.32 {q2, q3}, [r7]!\n\t"                                \
  "vldrb.u8 q4, [r1], #16\n\t"                                  \
  mac " r0, q0, q4\n\t"                                         \
  mac " r2, q1, q4\n\t"                                         \
  mac " r4, q2, q4\n\t"                                         \
  mac " r6, q3, q4\n\t"                                         \
  "vldrb.u8 q4, [r3], #16\n\t"                                  \
  mac " r8, q0, q4\n\t"                                         \
  mac " r10, q1, q4\n\t"                                        \
  mac " r12, q2, q4\n\t"                                        \
  mac " lr, q3, q4\n\t"

#define REST_BY_FOUR(mac)                                       \
  "vctp.32 r9\n\t"                                              \
  "vpstttt\n\t"                                                 \
  "vldrwt.u32 q0, [r5, q5]\n\t"                                 \
  "vldrwt.u32 q1, [r5, q6]\n\t"                                 \
  "vldrwt.u32 q2, [r7, q5]\n\t"                                 \
  "vldrwt.u32 q3, [r7, q6]\n\t"                                 \
  "vpst\n\t"                                                    \
  "vldrbt.u8 q4, [r1]\n\t"                                      \
  mac " r0, q0, q4\n\t"                                         \
  mac " r2, q1, q4\n\t"                                         \
  mac " r4, q2, q4\n\t"                                         \
  mac " r6, q3, q4\n\t"                                         \
  "vpst\n\t"                                                    \
  "vldrbt.u8 q4, [r3]\n\t"                                      \
  mac " r8, q0, q4\n\t"                                         \
  mac " r10, q1, q4\n\t"                                        \
  mac " r12, q2, q4\n\t"                                        \
  mac " lr, q3, q4\n\t"                                         \
  "add r5, r5, r9, lsl #3\n\t"                                  \
  "add r7, r7, r9, lsl #3\n\t"

/*
 * All fours of channels of two pixels, likewise: those of the first pixel in r0, r2, r4, r6, of the second one in r8, r10,
 * r12, lr; pixels at r1, r3; weights of the first two channels at r5, of the others at r7. q5, q6: places of words. At sp lie
 * the same things, and behind them, at #52, bytes to the second pixel's outputs, bytes of the weights of two channels,
 * and the limits.
 */
#define CONVOLVE_TWO(ties)                                      \
  "push {r4-r11, lr}\n\t"                                       \
  "vpush {d8-d15}\n\t"                                          \
  "sub sp, #92\n\t"                                             \
  "ldm r0!, {r2-r7}\n\t"                                        \
  "vdup.32 q6, r6\n\t"                                          \
  "vdup.32 q7, r7\n\t"                                          \
  "asrs r7, r5, #1\n\t"                                         \
  "ldm r0, {r5, r6, r8-r10, r12}\n\t"                           \
  "stm sp, {r2-r4, r6, r7}\n\t"                                 \
  "bic r4, r9, #3\n\t"                                          \
  "add r4, r6\n\t"                                              \
  "strd r4, r1, [sp, #20]\n\t"                                  \
  "mul r11, r10, r12\n\t"                                       \
  "lsl r11, #1\n\t"                                             \
  "add r7, r5, r11\n\t"                                         \
  "subs r6, r10, #1\n\t"                                        \
  "ubfx r4, r12, #2, #2\n\t"                                    \
  "asrs r3, r12, #4\n\t"                                        \
  "subs r3, #1\n\t"                                             \
  "orr r8, r4, r6\n\t"                                          \
  "add r2, sp, #28\n\t"                                         \
  "stm r2, {r3, r4, r6, r8}\n\t"                                \
  "vstrw.32 q6, [r2, #32]\n\t"                                  \
  "vstrw.32 q7, [r2, #48]\n\t"                                  \
  "strd r9, r11, [sp, #52]\n\t"                                 \
  "mov r4, #0\n\t"                                              \
  "vidup.u32 q5, r4, #8\n\t"                                    \
  "mov r4, #4\n\t"                                              \
  "vidup.u32 q6, r4, #8\n"                                      \
  "1:\n\t" /* four channels */                                  \
  "ldrd r3, r9, [sp, #24]\n\t"                                  \
  "ldrd r1, r3, [r3]\n\t"                                       \
  SUM_SEGMENTS(TWO_BY_FOUR)                                     \
  "vmov q0[2], q0[0], r0, r4\n\t"                               \
  "vmov q0[3], q0[1], r2, r6\n\t"                               \
  "vmov q1[2], q1[0], r8, r12\n\t"                              \
  "vmov q1[3], q1[1], r10, lr\n\t"                              \
  "ldm sp, {r0-r3, r10}\n\t"                                    \
  "vldrw.u32 q2, [r0], #16\n\t"                                 \
  "vldrw.u32 q3, [r1], #16\n\t"                                 \
  "vadd.i32 q0, q0, q2\n\t"                                     \
  "vadd.i32 q1, q1, q2\n\t"                                     \
  "vshr.u32 q3, q3, #1\n\t"                                     \
  "vldrb.u32 q2, [r2], #4\n\t"                                  \
  "vqrdmulh.s32 q0, q0, q3\n\t"                                 \
  "vqrdmulh.s32 q1, q1, q3\n\t"                                 \
  "vneg.s32 q2, q2\n\t"                                         \
  ties                                                          \
  "vrshl.s32 q0, q0, q2\n\t"                                    \
  "vrshl.s32 q1, q1, q2\n\t"                                    \
  "vldrw.u32 q2, [sp, #60]\n\t"                                 \
  "vadd.i32 q0, q0, r10\n\t"                                    \
  "vadd.i32 q1, q1, r10\n\t"                                    \
  "vldrw.u32 q3, [sp, #76]\n\t"                                 \
  "vmax.s32 q0, q0, q2\n\t"                                     \
  "vmax.s32 q1, q1, q2\n\t"                                     \
  "ldrd r4, r11, [sp, #52]\n\t"                                 \
  "vmin.s32 q0, q0, q3\n\t"                                     \
  "vmin.s32 q1, q1, q3\n\t"                                     \
  "add r4, r3\n\t"                                              \
  "vstrb.32 q0, [r3], #4\n\t"                                   \
  "vstrb.32 q1, [r4]\n\t"                                       \
  "ldr r12, [sp, #20]\n\t"                                      \
  "stm sp, {r0-r3}\n\t"                                         \
  "mov r5, r7\n\t"                                              \
  "add r7, r11\n\t"                                             \
  "cmp r3, r12\n\t"                                             \
  "bne 1b\n\t"                                                  \
  "add sp, #92\n\t"                                             \
  "vpop {d8-d15}\n\t"                                           \
  "pop {r4-r11, pc}\n"                                          \
  MORE_SEGMENTS("ldrd r1, r3, [r9]", TWO_BY_FOUR, REST_BY_FOUR)

void msf_mve_convolve_two(const msf_job *job, const int8_t *const *x);
FUNCTION("msf_mve_convolve_two", /* stack: 192 */
         CONVOLVE_TWO(BOTH_TIES_AWAY));

void msf_mve_convolve_two_positive(const msf_job *job, const int8_t *const *x);
FUNCTION("msf_mve_convolve_two_positive", /* stack: 192 */
         CONVOLVE_TWO(""));

/* clang-format on */

static void convolve_four(const msf_job *job, const int8_t *const *x) {
  if (job->channels % 2 != 0) msf_convolve_from(job, x, job->channels - 1);
  if (msf_is_positive(&job->scales)) {
    msf_mve_convolve_four_positive(job, x);
  } else {
    msf_mve_convolve_four(job, x);
  }
}

/* One to three pixels. */
static void convolve_few(const msf_job *job, const int8_t *const *x) {
  const int32_t pair = job->pixels & 2;
  if (job->channels % 4 != 0) msf_convolve_from(job, x, job->channels & ~3);
  if (job->channels < 4) return;
  if (pair != 0) {
    if (msf_is_positive(&job->scales)) {
      msf_mve_convolve_two_positive(job, x);
    } else {
      msf_mve_convolve_two(job, x);
    }
  }
  if (job->pixels > pair) msf_mve_convolve(job, x + pair, job->out + pair * job->channels);
}

void msf_convolve(const msf_job *job, const int8_t *const *x) {
  if (job->pixels == MSF_PIXELS && job->channels > 1) {
    convolve_four(job, x);
  } else {
    convolve_few(job, x);
  }
}

#endif /* MSF_ARCH_MVE */
