/*
 * Depthwise convolutions of 3x3, four pixels of a row at a time, for Arm cores with the DSP extension.
 *
 * Two rows of a column are a pair that one instruction multiplies with two weights, for every pixel that sees the column;
 * the third row makes pairs of neighbouring columns: five instructions for nine products. Pairs of four channels are
 * made together, from words, and lie on the stack, channel by channel.
 */
#include "arch/msf_arch.h"

#ifdef MSF_ARCH_DSP

#include "arch/msf_arch_dsp.h"

/*
 * What the functions below take. There are so many that all but the first four lie on the stack, in order; the functions
 * put those four before them and read all from there.
 *
 * x is [column][row]; last_step: bytes from the first pixel's outputs to the last one's.
 */
typedef void convolve_fours(const int8_t *const *x, int8_t *out, int32_t step, int32_t last_step, int32_t half,
                            const uint32_t *multipliers, const uint8_t *shifts, const int32_t *bias,
                            const int8_t *weights, int32_t channels, int32_t is_positive);

/* clang-format off */

/*
 * The frame, from sp on: PAIRS bytes with pairs of pixels for each of four channels; 20 bytes with pairs of weights for
 * each; where outputs are made, and how many channels are done; nine registers; and the argument. PAIRS for strides of 1
 * and 2:
 */
#define PAIRS_1 "36"
#define PAIRS_2 "56"
#define OUTPUTS(pairs) "[sp, #(4 * " pairs " + 80)]"
#define DONE(pairs) "[sp, #(4 * " pairs " + 84)]"
#define OWN(pairs, offset) "[sp, #(4 * " pairs " + 124 + " offset ")]"

/* Two words of four channels become pairs, of which each channel's goes to `at`, `apart` bytes from the next one's. */
#define STORE_PAIRS(low, high, at, apart)                       \
  "sxtb16 r9, " low "\n\t"                                      \
  "sxtb16 r10, " low ", ror #8\n\t"                             \
  "sxtb16 r11, " high "\n\t"                                    \
  "sxtb16 r12, " high ", ror #8\n\t"                            \
  "str r9, [sp, #(" at ")]\n\t"                                 \
  "str r10, [sp, #(" at " + " apart ")]\n\t"                    \
  "str r11, [sp, #(" at " + 2 * " apart ")]\n\t"                \
  "str r12, [sp, #(" at " + 3 * " apart ")]\n\t"
#define PAIR(first, second, at, apart)                          \
  "pkhbt r7, " first ", " second ", lsl #16\n\t"                \
  "pkhtb r8, " second ", " first ", asr #16\n\t"                \
  STORE_PAIRS("r7", "r8", at, apart)

/* Rows 0 and 1 of the next column (addresses at r2, without r0); row 2 is left in `third`. */
#define COLUMN(j, third, pairs)                                 \
  "ldm r2!, {r3, r4, r5}\n\t"                                   \
  "ldr r3, [r3, r0]\n\t"                                        \
  "ldr r4, [r4, r0]\n\t"                                        \
  "ldr " third ", [r5, r0]\n\t"                                 \
  PAIR("r3", "r4", "4 * " #j, pairs)
#define TWO_COLUMNS(j, k, to, pairs)                            \
  COLUMN(j, "lr", pairs)                                        \
  COLUMN(k, "r6", pairs)                                        \
  PAIR("lr", "r6", "4 * " #to, pairs)

#define COLUMNS_1                                               \
  TWO_COLUMNS(0, 1, 6, PAIRS_1)                                 \
  TWO_COLUMNS(2, 3, 7, PAIRS_1)                                 \
  TWO_COLUMNS(4, 5, 8, PAIRS_1)
#define COLUMNS_2                                               \
  TWO_COLUMNS(0, 1, 9, PAIRS_2)                                 \
  TWO_COLUMNS(2, 3, 10, PAIRS_2)                                \
  TWO_COLUMNS(4, 5, 11, PAIRS_2)                                \
  TWO_COLUMNS(6, 7, 12, PAIRS_2)                                \
  COLUMN(8, "lr", PAIRS_2)                                      \
  "uxth r7, lr\n\t"                                             \
  "lsr r8, lr, #16\n\t"                                         \
  STORE_PAIRS("r7", "r8", "4 * 13", PAIRS_2)

/* Weights of rows 0 and 1 by column, then columns 0 and 1, and 1 and 2, of row 2. */
#define WEIGHTS(pairs)                                          \
  "ldr r1, " OWN(pairs, "32") "\n\t"                            \
  "ldm r1!, {r2-r6, lr}\n\t"                                    \
  PAIR("r2", "r5", "4 * " pairs, "20")                          \
  PAIR("r3", "r6", "4 * " pairs " + 4", "20")                   \
  PAIR("r4", "lr", "4 * " pairs " + 8", "20")                   \
  "ldm r1!, {r2-r4}\n\t"                                        \
  PAIR("r2", "r3", "4 * " pairs " + 12", "20")                  \
  PAIR("r3", "r4", "4 * " pairs " + 16", "20")                  \
  "str r1, " OWN(pairs, "32") "\n\t"

/* The sums of one channel: of four pixels in r4 to r7, which start from the bias in r7. Weights in r8 to r12. */
#define NEXT_TWO "ldrd r3, lr, [r2], #8\n\t"
#define NEXT "ldr r3, [r2], #4\n\t"
#define MAC(op, sum, x, w, to) op " " sum ", " x ", " w ", " to "\n\t"
#define BOTH(sum, x, w) MAC("smlad", sum, x, w, sum)
#define BEGIN(sum, x) MAC("smlad", sum, x, "r8", "r7")
#define FIRST_OF_THREE(sum, x) MAC("smlatb", sum, x, "r11", sum)
#define LAST_OF_THREE(sum, x) MAC("smlabt", sum, x, "r12", sum)

#define SUMS_1                                                  \
  NEXT_TWO                                                      \
  BEGIN("r4", "r3")                                             \
  BOTH("r4", "lr", "r9")                                        \
  BEGIN("r5", "lr")                                             \
  NEXT_TWO                                                      \
  BOTH("r4", "r3", "r10")                                       \
  BOTH("r5", "r3", "r9")                                        \
  BEGIN("r6", "r3")                                             \
  BOTH("r5", "lr", "r10")                                       \
  BOTH("r6", "lr", "r9")                                        \
  BEGIN("r7", "lr")                                             \
  NEXT_TWO                                                      \
  BOTH("r6", "r3", "r10")                                       \
  BOTH("r7", "r3", "r9")                                        \
  BOTH("r7", "lr", "r10")                                       \
  NEXT_TWO                                                      \
  BOTH("r4", "r3", "r11")                                       \
  FIRST_OF_THREE("r5", "r3")                                    \
  LAST_OF_THREE("r4", "lr")                                     \
  BOTH("r5", "lr", "r12")                                       \
  BOTH("r6", "lr", "r11")                                       \
  FIRST_OF_THREE("r7", "lr")                                    \
  NEXT                                                          \
  LAST_OF_THREE("r6", "r3")                                     \
  BOTH("r7", "r3", "r12")

#define SUMS_2                                                  \
  NEXT_TWO                                                      \
  BEGIN("r4", "r3")                                             \
  BOTH("r4", "lr", "r9")                                        \
  NEXT_TWO                                                      \
  BOTH("r4", "r3", "r10")                                       \
  BEGIN("r5", "r3")                                             \
  BOTH("r5", "lr", "r9")                                        \
  NEXT_TWO                                                      \
  BOTH("r5", "r3", "r10")                                       \
  BEGIN("r6", "r3")                                             \
  BOTH("r6", "lr", "r9")                                        \
  NEXT_TWO                                                      \
  BOTH("r6", "r3", "r10")                                       \
  BEGIN("r7", "r3")                                             \
  BOTH("r7", "lr", "r9")                                        \
  NEXT_TWO                                                      \
  BOTH("r7", "r3", "r10")                                       \
  BOTH("r4", "lr", "r11")                                       \
  NEXT_TWO                                                      \
  LAST_OF_THREE("r4", "r3")                                     \
  BOTH("r5", "r3", "r11")                                       \
  LAST_OF_THREE("r5", "lr")                                     \
  BOTH("r6", "lr", "r11")                                       \
  NEXT_TWO                                                      \
  LAST_OF_THREE("r6", "r3")                                     \
  BOTH("r7", "r3", "r11")                                       \
  LAST_OF_THREE("r7", "lr")

/* A sum becomes an output value: multiplier in r10, twice what to add in r12, shift in r11. The sum's sign is the product's. */
#define POSITIVE(sum)                                           \
  "add r8, " sum ", r12, asr #1\n\t"                            \
  "smmlar " sum ", " sum ", r10, r8\n\t"                        \
  "asr " sum ", " sum ", r11\n\t"                               \
  "ssat " sum ", #8, " sum "\n\t"
#define ANY(sum)                                                \
  "add r8, " sum ", r12, asr #1\n\t"                            \
  "add r8, r8, " sum ", asr #31\n\t"                            \
  "smmlar " sum ", " sum ", r10, r8\n\t"                        \
  "asr " sum ", " sum ", r11\n\t"                               \
  "ssat " sum ", #8, " sum "\n\t"

/* The last pixel's value first: where there are only three, the third one's takes its place. */
#define STORE(requantize, pairs)                                \
  "ldrd r8, r9, " OWN(pairs, "20") "\n\t"                       \
  "ldr r12, " OWN(pairs, "16") "\n\t"                           \
  "ldr r10, [r8], #4\n\t"                                       \
  "ldrb r11, [r9], #1\n\t"                                      \
  "strd r8, r9, " OWN(pairs, "20") "\n\t"                       \
  "lsl r12, r12, r11\n\t"                                       \
  "ldrd r3, r9, " OWN(pairs, "4") "\n\t"                        \
  "ldr lr, " OWN(pairs, "12") "\n\t"                            \
  requantize("r7")                                              \
  "strb r7, [r3, lr]\n\t"                                       \
  requantize("r6")                                              \
  "strb r6, [r3, r9, lsl #1]\n\t"                               \
  requantize("r5")                                              \
  "strb r5, [r3, r9]\n\t"                                       \
  requantize("r4")                                              \
  "strb r4, [r3], #1\n\t"                                       \
  "str r3, " OWN(pairs, "4") "\n\t"                             \
  "add lr, sp, #(4 * " pairs ")\n\t"                            \
  "cmp r2, lr\n\t"                                              \
  "bne 2b\n\t"                                                  \
  "ldr r0, " DONE(pairs) "\n\t"                            \
  "ldr r3, " OWN(pairs, "36") "\n\t"                            \
  "str r1, " OWN(pairs, "28") "\n\t"                            \
  "cmp r0, r3\n\t"                                              \
  "bne 1b\n\t"                                                  \
  "add sp, #(4 * " pairs " + 88)\n\t"                           \
  "pop {r4-r11, lr}\n\t"                                        \
  "add sp, #16\n\t"                                             \
  "bx lr\n"

#if MSF_HAS_NEGATIVE_COLUMNS
#define CHOOSE_STORE(pairs)                                     \
  "ldr r5, " OWN(pairs, "40") "\n\t"                            \
  "cmp r5, #0\n\t"                                              \
  "it eq\n\t"                                                   \
  "adreq.w lr, 4f\n\t"
#define STORE_ANY(pairs)                                        \
  ".p2align 2\n"                                                \
  "4:\n\t" STORE(ANY, pairs)
#else
#define CHOOSE_STORE(pairs)
#define STORE_ANY(pairs)
#endif

/* All fours of channels of four pixels. */
#define CONVOLVE(columns, sums, pairs)                          \
  "push {r0-r3}\n\t"                                            \
  "push {r4-r11, lr}\n\t"                                       \
  "sub sp, #(4 * " pairs " + 88)\n\t"                           \
  "adr.w lr, 3f\n\t"                                            \
  CHOOSE_STORE(pairs)                                           \
  "orr lr, #1\n\t"                                              \
  "str lr, " OUTPUTS(pairs) "\n\t"                            \
  "mov r0, #0\n"                                                \
  "1:\n\t" /* four channels */                                  \
  "ldr r2, " OWN(pairs, "0") "\n\t"                             \
  columns                                                       \
  "add r0, #4\n\t"                                              \
  "str r0, " DONE(pairs) "\n\t"                            \
  WEIGHTS(pairs)                                                \
  "mov r2, sp\n\t"                                              \
  "add r0, sp, #(4 * " pairs ")\n\t"                            \
  "ldr r1, " OWN(pairs, "28") "\n"                              \
  "2:\n\t" /* a channel */                                      \
  "ldm r0!, {r8-r12}\n\t"                                       \
  "ldr r7, [r1], #4\n\t"                                        \
  sums                                                          \
  "ldr pc, " OUTPUTS(pairs) "\n\t"                            \
  ".p2align 2\n"                                                \
  "3:\n\t" STORE(POSITIVE, pairs)                               \
  STORE_ANY(pairs)

convolve_fours msf_dsp_columns;
FUNCTION("msf_dsp_columns", /* stack: 284 */
         CONVOLVE(COLUMNS_1, SUMS_1, PAIRS_1));

convolve_fours msf_dsp_columns_of_two;
FUNCTION("msf_dsp_columns_of_two", /* stack: 364 */
         CONVOLVE(COLUMNS_2, SUMS_2, PAIRS_2));

/* clang-format on */

void msf_convolve_columns(const msf_job *job, const int8_t *const *x, int32_t stride) {
  const msf_scales *s = &job->scales;
  const int32_t c = job->channels, last = (job->pixels - 1) * c,
                is_positive = !MSF_HAS_NEGATIVE_COLUMNS || msf_is_positive(s);
  if (MSF_HAS_COLUMNS_OF_ONE && (!MSF_HAS_COLUMNS_OF_TWO || stride == 1)) {
    msf_dsp_columns(x, job->out, c, last, s->half, s->multipliers, s->shifts, s->bias, job->weights, c, is_positive);
  } else {
    msf_dsp_columns_of_two(x, job->out, c, last, s->half, s->multipliers, s->shifts, s->bias, job->weights, c,
                           is_positive);
  }
  msf_activate(job);
}

#endif /* MSF_ARCH_DSP */
