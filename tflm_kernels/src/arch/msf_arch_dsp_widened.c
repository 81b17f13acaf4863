/*
 * Convolutions of four pixels and two channels at a time, for Arm cores with the DSP extension. The pixels are widened to
 * 16 bits once for all channels: then a word of weights serves four pixels, and eight sums fit the registers.
 */
#include "arch/msf_arch.h"

#ifdef MSF_ARCH_DSP

#include <stddef.h>

#include "arch/msf_arch_dsp.h"

/* What the function below needs to know; it copies it to the stack and reads it by its offsets. */
typedef struct {
  const uint32_t *multipliers;
  const uint8_t *shifts;
  int8_t *out;
  int32_t step; /* bytes from a pixel's outputs to the next one's */
  int32_t half;
  const int32_t *bias;
  const int32_t *x;   /* for every four k: k and k + 2 of each pixel, then k + 1 and k + 3 */
  const int32_t *end; /* of x */
  const int8_t *out_end;
  int32_t last_step; /* bytes from the first pixel's outputs to the last one's */
  int32_t skipped;   /* bytes of the unrolled loop that the first round leaves out */
  int32_t is_positive;
  const int8_t *weights;
} windows;

typedef char check_step[offsetof(windows, step) == 12 ? 1 : -1];
typedef char check_end[offsetof(windows, end) == 28 ? 1 : -1];
typedef char check_positive[offsetof(windows, is_positive) == 44 ? 1 : -1];
typedef char check_size[sizeof(windows) == 52 ? 1 : -1];

/* clang-format off */

/* Two k of two channels (in r0 and r3) and four pixels (at r2). The sums are added to first and second, or to themselves. */
#define PRODUCTS(s0, s1, s2, s3, t0, t1, t2, t3)                \
  "smlad r4, r0, r12, " s0 "\n\t"                               \
  "smlad r8, r3, r12, " t0 "\n\t"                               \
  "smlad r5, r0, lr, " s1 "\n\t"                                \
  "smlad r9, r3, lr, " t1 "\n\t"                                \
  "ldrd r12, lr, [r2], #8\n\t"                                  \
  "smlad r6, r0, r12, " s2 "\n\t"                               \
  "smlad r10, r3, r12, " t2 "\n\t"                              \
  "smlad r7, r0, lr, " s3 "\n\t"                                \
  "smlad r11, r3, lr, " t3 "\n\t"

#define ADD_PRODUCTS PRODUCTS("r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11")

/* Four k: weights of both channels at r1. All instructions have four bytes, FOUR_SIZE together. */
#define FOUR_SIZE 104
#define FOUR(first)                                             \
  "ldrd r0, r3, [r1]\n\t"                                       \
  "ldrd r12, lr, [r2], #8\n\t"                                  \
  "sxtb16 r0, r0\n\t"                                           \
  "sxtb16 r3, r3\n\t"                                           \
  first                                                         \
  "ldrd r0, r3, [r1], #8\n\t"                                   \
  "ldrd r12, lr, [r2], #8\n\t"                                  \
  "sxtb16 r0, r0, ror #8\n\t"                                   \
  "sxtb16 r3, r3, ror #8\n\t"                                   \
  ADD_PRODUCTS

/* A sum becomes an output value: multiplier in r0, twice what to add in r3, shift in r12. The sum's sign is the product's. */
#define POSITIVE(sum, to)                                       \
  "add " to ", " sum ", r3, asr #1\n\t"                         \
  "smmlar " sum ", " sum ", r0, " to "\n\t"                     \
  "asr " sum ", " sum ", r12\n\t"                               \
  "ssat " sum ", #8, " sum "\n\t"
#define ANY(sum, to)                                            \
  "add " to ", " sum ", r3, asr #1\n\t"                         \
  "add " to ", " to ", " sum ", asr #31\n\t"                    \
  "smmlar " sum ", " sum ", r0, " to "\n\t"                     \
  "asr " sum ", " sum ", r12\n\t"                               \
  "ssat " sum ", #8, " sum "\n\t"

#define STORE_BOTH(requantize)                                  \
  "ldrd r2, r3, [sp]\n\t"                                       \
  "ldr r0, [r2], #8\n\t"                                        \
  "ldrh r12, [r3], #2\n\t"                                      \
  "strd r2, r3, [sp]\n\t"                                       \
  "ldr r3, [sp, #16]\n\t"                                       \
  "ldr lr, [sp, #8]\n\t"                                        \
  "lsl r3, r3, r12\n\t"                                         \
  requantize("r4", "r2")                                        \
  "ldr r2, [sp, #12]\n\t"                                       \
  "strb r4, [lr]\n\t"                                           \
  requantize("r5", "r4")                                        \
  "strb r5, [lr, r2]\n\t"                                       \
  requantize("r6", "r4")                                        \
  "ldr r5, [sp, #36]\n\t"                                       \
  "strb r6, [lr, r2, lsl #1]\n\t"                               \
  requantize("r7", "r4")                                        \
  "strb r7, [lr, r5]\n\t"                                       \
  "ldr r0, [sp]\n\t"                                            \
  "ldr r3, [sp, #16]\n\t"                                       \
  "lsr r12, #8\n\t"                                             \
  "ldr r0, [r0, #-4]\n\t"                                       \
  "lsl r3, r3, r12\n\t"                                         \
  requantize("r8", "r4")                                        \
  "strb r8, [lr, #1]!\n\t"                                      \
  requantize("r9", "r4")                                        \
  "strb r9, [lr, r2]\n\t"                                       \
  requantize("r10", "r4")                                       \
  "strb r10, [lr, r2, lsl #1]\n\t"                              \
  requantize("r11", "r4")                                       \
  "strb r11, [lr, r5]\n\t"                                      \
  "ldr r0, [sp, #32]\n\t"                                       \
  "add lr, #1\n\t"                                              \
  "str lr, [sp, #8]\n\t"                                        \
  "cmp lr, r0\n\t"                                              \
  "bne 1b\n\t"                                                  \
  LEAVE

#if MSF_HAS_NEGATIVE_WIDENED
#define CHOOSE_STORE                                            \
  "cmp r5, #0\n\t"                                              \
  "it eq\n\t"                                                   \
  "adreq.w lr, 4f\n\t"
#define STORE_ANY                                               \
  ".p2align 2\n"                                                \
  "4:\n\t" STORE_BOTH(ANY)
#else
#define CHOOSE_STORE
#define STORE_ANY
#endif

/* All pairs of channels: sums of the first one in r4 to r7, of the second one in r8 to r11. */
void msf_dsp_convolve_widened(const windows *w);
FUNCTION("msf_dsp_convolve_widened", /* stack: 96 */
         ENTER
         "mov r1, r6\n\t"
         "adr.w lr, 2f\n\t"
         "add lr, r4\n\t"
         "orr lr, #1\n\t"
         "str lr, [sp, #40]\n\t"
         "adr.w lr, 3f\n\t"
         CHOOSE_STORE
         "orr lr, #1\n\t"
         "str lr, [sp, #44]\n\t"
         "b 1f\n\t"
         ".p2align 2\n"
         "1:\n\t" /* two channels */
         "ldr r0, [sp, #20]\n\t"
         "ldr r2, [sp, #24]\n\t"
         "ldrd r7, r11, [r0], #8\n\t"
         "str r0, [sp, #20]\n\t"
         FOUR(PRODUCTS("r7", "r7", "r7", "r7", "r11", "r11", "r11", "r11"))
         "ldr pc, [sp, #40]\n\t"
         ".p2align 2\n"
         "2:\n\t" FOUR(ADD_PRODUCTS) FOUR(ADD_PRODUCTS) FOUR(ADD_PRODUCTS) FOUR(ADD_PRODUCTS)
         "ldr r0, [sp, #28]\n\t"
         "cmp r2, r0\n\t"
         "bne 2b\n\t"
         "ldr pc, [sp, #44]\n\t"
         ".p2align 2\n"
         "3:\n\t" STORE_BOTH(POSITIVE)
         STORE_ANY);

/* Widens n values, a multiple of 4, of four pixels. Returns the end of what it has written. */
int32_t *msf_dsp_widen(const int8_t *const *x, int32_t n, int32_t *to);
FUNCTION("msf_dsp_widen", /* stack: 36 */
         "push {r4-r11, lr}\n\t"
         "ldm r0, {r0, r3, r12, lr}\n\t"
         "add r1, r0\n"
         "1:\n\t"
         "ldr r4, [r0], #4\n\t"
         "ldr r5, [r3], #4\n\t"
         "ldr r6, [r12], #4\n\t"
         "ldr r7, [lr], #4\n\t"
         "sxtb16 r8, r4\n\t"
         "sxtb16 r9, r5\n\t"
         "sxtb16 r10, r6\n\t"
         "sxtb16 r11, r7\n\t"
         "sxtb16 r4, r4, ror #8\n\t"
         "sxtb16 r5, r5, ror #8\n\t"
         "stm r2!, {r8-r11}\n\t"
         "sxtb16 r6, r6, ror #8\n\t"
         "sxtb16 r7, r7, ror #8\n\t"
         "stm r2!, {r4-r7}\n\t"
         "cmp r0, r1\n\t"
         "bne 1b\n\t"
         "mov r0, r2\n\t"
         "pop {r4-r11, pc}\n");

/* clang-format on */

/* Three pixels are four of which the last two are the same. */
static int32_t *widen_segment(const int8_t *const *x, int32_t pixels, int32_t n, int32_t *to) {
  const int8_t *addresses[MSF_PIXELS] = {x[0], x[1], x[2], x[pixels - 1]};
  return msf_dsp_widen(addresses, n, to);
}

void msf_convolve_widened(const msf_job *job, const int8_t *const *x) {
  const int32_t fours = job->segments * job->length >> 2;
  windows w;
  int32_t *to = job->scratch;
  for (int32_t k = 0; k < job->segments; k++, x += job->across) to = widen_segment(x, job->pixels, job->length, to);
  w.multipliers = job->scales.multipliers;
  w.shifts = job->scales.shifts;
  w.out = job->out;
  w.step = job->channels;
  w.half = job->scales.half;
  w.bias = job->scales.bias;
  w.x = job->scratch;
  w.end = to;
  w.out_end = job->out + (job->channels & ~1);
  w.last_step = (job->pixels - 1) * job->channels;
  w.skipped = (fours == 1 ? 4 : (1 - fours) & 3) * FOUR_SIZE;
  w.is_positive = !MSF_HAS_NEGATIVE_WIDENED || msf_is_positive(&job->scales);
  w.weights = job->weights;
  msf_dsp_convolve_widened(&w);
}

#endif /* MSF_ARCH_DSP */
