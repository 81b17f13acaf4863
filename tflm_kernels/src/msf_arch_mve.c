/*
 * The inner loops for Arm cores with Helium (Cortex-M52, M55, M85): sixteen products an instruction.
 *
 * The loops are tail-predicated: in the last round LETP lets only those bytes take part that are left. In assembly,
 * because compilers do not make such loops, and because the loops take most of the registers.
 */
#include "msf_arch.h"

#ifdef MSF_ARCH_MVE

#include <arm_mve.h>
#include <stddef.h>

/* The functions below read a job by its offsets. */
typedef char check_scales[offsetof(msf_job, scales.half) == 12 && offsetof(msf_job, scales.act_min) == 16 ? 1 : -1];
typedef char check_weights[offsetof(msf_job, weights) == 24 && offsetof(msf_job, pixels) == 32 ? 1 : -1];
typedef char check_across[offsetof(msf_job, length) == 44 && offsetof(msf_job, across) == 48 ? 1 : -1];
typedef char check_summands[offsetof(msf_addition, second) == 16 && offsetof(msf_addition, sign) == 32 ? 1 : -1];
typedef char
    check_sum[offsetof(msf_addition, multiplier) == 36 && offsetof(msf_addition, scales.act_min) == 60 ? 1 : -1];

/* Assembly is one instruction a line. */
/* clang-format off */

/* A function that the linker may leave out like any other. */
#define FUNCTION(name, body)                                    \
  __asm__(".section .text." name ",\"ax\",%progbits\n\t"        \
          ".syntax unified\n\t"                                 \
          ".thumb\n\t"                                          \
          ".p2align 2\n\t"                                      \
          ".hidden " name "\n\t"                                \
          ".global " name "\n\t"                                \
          ".type " name ", %function\n\t"                       \
          ".thumb_func\n"                                       \
          name ":\n\t" body                                     \
          ".size " name ", .-" name "\n\t"                      \
          ".text\n")

/*
 * Sums of four channels in r4, r6, r8, r10 become output values at r7: see msf_shorten. Multipliers are at r11, shifts
 * at r5, the zero point is in r12, limits are in q6 and q7.
 */
#define SHORTEN_AND_STORE                                       \
  "vmov q0[2], q0[0], r4, r8\n\t"                               \
  "vmov q0[3], q0[1], r6, r10\n\t"                              \
  "vldrw.u32 q1, [r11], #16\n\t"                                \
  "vshr.u32 q1, q1, #1\n\t"                                     \
  "vqrdmulh.s32 q0, q0, q1\n\t"                                 \
  "vldrb.u32 q1, [r5], #4\n\t"                                  \
  "vneg.s32 q1, q1\n\t"                                         \
  "vshr.s32 q2, q0, #31\n\t"                                    \
  "vadd.i32 q0, q0, q2\n\t"                                     \
  "vrshl.s32 q0, q0, q1\n\t"                                    \
  "vadd.i32 q0, q0, r12\n\t"                                    \
  "vmax.s32 q0, q0, q6\n\t"                                     \
  "vmin.s32 q0, q0, q7\n\t"                                     \
  "vstrb.32 q0, [r7], #4\n\t"

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
         SHORTEN_AND_STORE
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
  "vldrb.u8 q4, [r1], #16\n\t"                                 \
  mac " r0, q0, q4\n\t"                                        \
  mac " r8, q1, q4\n\t"                                        \
  "vldrb.u8 q4, [r3], #16\n\t"                                 \
  mac " r2, q0, q4\n\t"                                        \
  mac " r10, q1, q4\n\t"                                       \
  "vldrb.u8 q4, [r5], #16\n\t"                                 \
  mac " r4, q0, q4\n\t"                                        \
  mac " r12, q1, q4\n\t"                                       \
  "vldrb.u8 q4, [r7], #16\n\t"                                 \
  mac " r6, q0, q4\n\t"                                        \
  mac " lr, q1, q4\n\t"

/* The same for the last r9 words of a segment, 1 to 3: nothing is read beyond them. */
#define REST_BY_TWO(mac)                                        \
  "vctp.32 r9\n\t"                                             \
  "vpsttt\n\t"                                                 \
  "vldrwt.u32 q0, [r11, q2]\n\t"                               \
  "vldrwt.u32 q1, [r11, q3]\n\t"                               \
  "vldrbt.u8 q4, [r1]\n\t"                                     \
  mac " r0, q0, q4\n\t"                                        \
  mac " r8, q1, q4\n\t"                                        \
  "vpst\n\t"                                                   \
  "vldrbt.u8 q4, [r3]\n\t"                                     \
  mac " r2, q0, q4\n\t"                                        \
  mac " r10, q1, q4\n\t"                                       \
  "vpst\n\t"                                                   \
  "vldrbt.u8 q4, [r5]\n\t"                                     \
  mac " r4, q0, q4\n\t"                                        \
  mac " r12, q1, q4\n\t"                                       \
  "vpst\n\t"                                                   \
  "vldrbt.u8 q4, [r7]\n\t"                                     \
  mac " r6, q0, q4\n\t"                                        \
  mac " lr, q1, q4\n\t"                                        \
  "add r11, r11, r9, lsl #3\n\t"

/* Rounds ties of negative values in q0 and q1 away from zero. */
#define TIES_AWAY                                               \
  "vshr.s32 q4, q0, #31\n\t"                                   \
  "vadd.i32 q0, q0, q4\n\t"                                    \
  "vshr.s32 q4, q1, #31\n\t"                                   \
  "vadd.i32 q1, q1, q4\n\t"

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
  "push {r4-r11, lr}\n\t"                                      \
  "vpush {d8-d15}\n\t"                                         \
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
  "1:\n\t" /* two channels */                                  \
  "ldrd r7, r9, [sp, #24]\n\t"                                 \
  "ldm r7, {r1, r3, r5, r7}\n\t"                               \
  "cmp r9, #0\n\t"                                             \
  "blt 5f\n\t"                                                 \
  FOUR_BY_TWO("vmladav.s8")                                     \
  "beq 3f\n"                                                   \
  "2:\n\t"                                                     \
  FOUR_BY_TWO("vmladava.s8")                                    \
  "subs r9, #1\n\t"                                            \
  "bne 2b\n"                                                   \
  "3:\n\t"                                                     \
  "ldr r9, [sp, #40]\n\t"                                      \
  "cmp r9, #0\n\t"                                             \
  "bne 6f\n"                                                   \
  "4:\n\t" /* r9 is 0 */                                       \
  "vmov q0[2], q0[0], r0, r4\n\t"                              \
  "vmov q0[3], q0[1], r2, r6\n\t"                              \
  "vmov q1[2], q1[0], r8, r12\n\t"                             \
  "vmov q1[3], q1[1], r10, lr\n\t"                             \
  "ldm sp, {r0-r3, r10, r12}\n\t"                              \
  "ldrd r4, r5, [r0], #8\n\t"                                  \
  "ldrd r6, r7, [r1], #8\n\t"                                  \
  "ldrh r8, [r2], #2\n\t"                                      \
  "lsrs r6, #1\n\t"                                            \
  "lsrs r7, #1\n\t"                                            \
  "ssub8 r8, r9, r8\n\t" /* both shifts go right */            \
  "vadd.i32 q0, q0, r4\n\t"                                    \
  "vadd.i32 q1, q1, r5\n\t"                                    \
  "vqrdmulh.s32 q0, q0, r6\n\t"                                \
  "vqrdmulh.s32 q1, q1, r7\n\t"                                \
  ties                                                          \
  "vrshl.s32 q0, r8\n\t"                                       \
  "lsrs r8, r8, #8\n\t"                                        \
  "vrshl.s32 q1, r8\n\t"                                       \
  "vadd.i32 q0, q0, r10\n\t"                                   \
  "vadd.i32 q1, q1, r10\n\t"                                   \
  "vmax.s32 q0, q0, q6\n\t"                                    \
  "vmax.s32 q1, q1, q6\n\t"                                    \
  "vmin.s32 q0, q0, q7\n\t"                                    \
  "vmin.s32 q1, q1, q7\n\t"                                    \
  "vstrb.32 q0, [r3, q5]\n\t"                                  \
  "adds r3, #1\n\t"                                            \
  "vstrb.32 q1, [r3, q5]\n\t"                                  \
  "adds r3, #1\n\t"                                            \
  "stm sp, {r0-r3}\n\t"                                        \
  "cmp r3, r12\n\t"                                            \
  "bne 1b\n\t"                                                 \
  "add sp, #52\n\t"                                            \
  "vpop {d8-d15}\n\t"                                          \
  "pop {r4-r11, pc}\n"                                         \
  "5:\n\t" /* less than a vector */                            \
  "ldr r9, [sp, #32]\n\t"                                      \
  REST_BY_TWO("vmladav.s8")                                     \
  "b 7f\n"                                                     \
  "6:\n\t"                                                     \
  "ldr r9, [sp, #32]\n\t"                                      \
  "cmp r9, #0\n\t"                                             \
  "beq 7f\n\t"                                                 \
  REST_BY_TWO("vmladava.s8")                                    \
  "7:\n\t" /* more segments */                                 \
  "ldr r9, [sp, #24]\n\t"                                      \
  "ldr r1, [sp, #36]\n\t"                                      \
  "adds r9, #16\n\t"                                           \
  "cmp r1, #0\n\t"                                             \
  "beq 11f\n"                                                  \
  "8:\n\t"                                                     \
  "strd r1, r9, [sp, #44]\n\t"                                 \
  "ldm r9, {r1, r3, r5, r7}\n\t"                               \
  "ldr r9, [sp, #28]\n\t"                                      \
  "adds r9, #1\n\t"                                            \
  "beq 10f\n"                                                  \
  "9:\n\t"                                                     \
  FOUR_BY_TWO("vmladava.s8")                                    \
  "subs r9, #1\n\t"                                            \
  "bne 9b\n"                                                   \
  "10:\n\t"                                                    \
  "ldr r9, [sp, #32]\n\t"                                      \
  "cmp r9, #0\n\t"                                             \
  "beq 12f\n\t"                                                \
  REST_BY_TWO("vmladava.s8")                                    \
  "12:\n\t"                                                    \
  "ldrd r1, r9, [sp, #44]\n\t"                                 \
  "adds r9, #16\n\t"                                           \
  "subs r1, #1\n\t"                                            \
  "bne 8b\n"                                                   \
  "11:\n\t"                                                    \
  "mov r9, #0\n\t"                                             \
  "b 4b\n"

void msf_mve_convolve_four(const msf_job *job, const int8_t *const *x);
FUNCTION("msf_mve_convolve_four", /* stack: 152 */
         CONVOLVE_FOUR(TIES_AWAY));

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
  "cmp r9, #0\n\t"                                              \
  "blt 5f\n\t"                                                  \
  TWO_BY_FOUR("vmladav.s8")                                     \
  "beq 3f\n"                                                    \
  "2:\n\t"                                                      \
  TWO_BY_FOUR("vmladava.s8")                                    \
  "subs r9, #1\n\t"                                             \
  "bne 2b\n"                                                    \
  "3:\n\t"                                                      \
  "ldr r9, [sp, #40]\n\t"                                       \
  "cmp r9, #0\n\t"                                              \
  "bne 6f\n"                                                    \
  "4:\n\t"                                                      \
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
  "5:\n\t" /* less than a vector */                             \
  "ldr r9, [sp, #32]\n\t"                                       \
  REST_BY_FOUR("vmladav.s8")                                    \
  "b 7f\n"                                                      \
  "6:\n\t"                                                      \
  "ldr r9, [sp, #32]\n\t"                                       \
  "cmp r9, #0\n\t"                                              \
  "beq 7f\n\t"                                                  \
  REST_BY_FOUR("vmladava.s8")                                   \
  "7:\n\t" /* more segments */                                  \
  "ldr r9, [sp, #24]\n\t"                                       \
  "ldr r1, [sp, #36]\n\t"                                       \
  "adds r9, #16\n\t"                                            \
  "cmp r1, #0\n\t"                                              \
  "beq 4b\n"                                                    \
  "8:\n\t"                                                      \
  "strd r1, r9, [sp, #44]\n\t"                                  \
  "ldrd r1, r3, [r9]\n\t"                                       \
  "ldr r9, [sp, #28]\n\t"                                       \
  "adds r9, #1\n\t"                                             \
  "beq 10f\n"                                                   \
  "9:\n\t"                                                      \
  TWO_BY_FOUR("vmladava.s8")                                    \
  "subs r9, #1\n\t"                                             \
  "bne 9b\n"                                                    \
  "10:\n\t"                                                     \
  "ldr r9, [sp, #32]\n\t"                                       \
  "cmp r9, #0\n\t"                                              \
  "beq 11f\n\t"                                                 \
  REST_BY_FOUR("vmladava.s8")                                   \
  "11:\n\t"                                                     \
  "ldrd r1, r9, [sp, #44]\n\t"                                  \
  "adds r9, #16\n\t"                                            \
  "subs r1, #1\n\t"                                             \
  "bne 8b\n\t"                                                  \
  "b 4b\n"

void msf_mve_convolve_two(const msf_job *job, const int8_t *const *x);
FUNCTION("msf_mve_convolve_two", /* stack: 192 */
         CONVOLVE_TWO(TIES_AWAY));

void msf_mve_convolve_two_positive(const msf_job *job, const int8_t *const *x);
FUNCTION("msf_mve_convolve_two_positive", /* stack: 192 */
         CONVOLVE_TWO(""));

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
         SHORTEN_AND_STORE
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

#define TIES_AWAY_OF_FOUR                                       \
  "vshr.s32 q2, q0, #31\n\t"                                   \
  "vadd.i32 q0, q0, q2\n\t"

void msf_mve_depthwise_nine(const msf_job *job, const int8_t *const *x);
FUNCTION("msf_mve_depthwise_nine", /* stack: 192 */
         DEPTHWISE_NINE(TIES_AWAY_OF_FOUR));

void msf_mve_depthwise_nine_positive(const msf_job *job, const int8_t *const *x);
FUNCTION("msf_mve_depthwise_nine_positive", /* stack: 192 */
         DEPTHWISE_NINE(""));

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
         ADD(TIES_AWAY_OF_FOUR));

void msf_mve_add_positive(const msf_addition *job, const int8_t *a, const int8_t *b, int8_t *out, int32_t n);
FUNCTION("msf_mve_add_positive", /* stack: 100 */
         ADD(""));

/* clang-format on */

/* True if no output is below the zero point. */
static inline int is_positive(const msf_scales *scales) { return scales->act_min >= scales->half >> 1; }

static void convolve_four(const msf_job *job, const int8_t *const *x) {
  if (job->channels % 2 != 0) msf_convolve_from(job, x, job->channels - 1);
  if (is_positive(&job->scales)) {
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
    if (is_positive(&job->scales)) {
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

void msf_convolve_depthwise(const msf_job *job, const int8_t *const *x) {
  if (job->channels % 4 != 0) { /* addresses need not be multiples of 4 */
    msf_convolve_depthwise_from(job, x, 0);
  } else if (job->segments != 9) {
    msf_mve_depthwise(job, x);
  } else if (is_positive(&job->scales)) {
    msf_mve_depthwise_nine_positive(job, x);
  } else {
    msf_mve_depthwise_nine(job, x);
  }
}

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
  if (is_positive(&job->scales)) {
    msf_mve_add_positive(job, a, b, out, n);
  } else {
    msf_mve_add(job, a, b, out, n);
  }
}

#endif /* MSF_ARCH_MVE */
