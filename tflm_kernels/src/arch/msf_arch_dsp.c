/*
 * The inner loops for Arm cores with the DSP extension (Cortex-M4, M7, M33 and others): two products an instruction.
 *
 * SXTB16 widens the bytes 0 and 2 of a word to 16 bits, or 1 and 3 of it; SMLAD adds two products of such halves. These
 * cores load words from any address. In assembly, because the loops take every register there is.
 */
#include "arch/msf_arch.h"

#ifdef MSF_ARCH_DSP

#include <arm_acle.h>
#include <stddef.h>

#include "arch/msf_arch_dsp.h"

/* What the functions below need to know; they copy it to the stack and read it by its offsets. */
typedef struct {
  const uint32_t *multipliers;
  const uint8_t *shifts;
  int8_t *out;
  int32_t step; /* bytes from the first pixel's outputs to the second one's; of one pixel: of a pair's weights */
  int32_t half;
  const int32_t *bias;
  const int8_t *const *x;
  int32_t across; /* bytes from a segment's addresses to the next one's */
  int32_t segments;
  int32_t many;      /* rounds of the unrolled loop, */
  int32_t few;       /* and of the one for what is left */
  const int8_t *end; /* of out */
  const int8_t *weights;
} row;

typedef char check_step[offsetof(row, step) == 12 ? 1 : -1];
typedef char check_across[offsetof(row, across) == 28 ? 1 : -1];
typedef char check_weights[offsetof(row, weights) == 48 ? 1 : -1];
typedef char check_pixels[MSF_PIXELS == 4 ? 1 : -1];

/* clang-format off */

/* A sum, its multiplier, twice what to add, and the shift become an output value in `to`. */
#define REQUANTIZE(sum, multiplier, rounding, shift, to)        \
  "smmlar " sum ", " sum ", " multiplier ", " sum "\n\t"        \
  "add " to ", " sum ", " rounding ", asr #1\n\t"               \
  "add " to ", " to ", " sum ", asr #31\n\t"                    \
  "asr " to ", " to ", " shift "\n\t"                           \
  "ssat " to ", #8, " to "\n\t"

/* Four values (at r2) times four weights of two channels (at r1), added to r4 and r5. */
#define ONE_BY_TWO                                              \
  "ldrd r8, r9, [r1], #8\n\t"                                   \
  "ldr r0, [r2], #4\n\t"                                        \
  "sxtb16 r10, r8\n\t"                                          \
  "sxtb16 r8, r8, ror #8\n\t"                                   \
  "sxtb16 r11, r9\n\t"                                          \
  "sxtb16 r9, r9, ror #8\n\t"                                   \
  "sxtb16 r12, r0\n\t"                                          \
  "sxtb16 r0, r0, ror #8\n\t"                                   \
  "smlad r4, r10, r12, r4\n\t"                                  \
  "smlad r5, r11, r12, r5\n\t"                                  \
  "smlad r4, r8, r0, r4\n\t"                                    \
  "smlad r5, r9, r0, r5\n\t"

/* The same for a second pixel (at r3), added to r6 and r7. */
#define TWO_BY_TWO                                              \
  ONE_BY_TWO                                                    \
  "ldr r12, [r3], #4\n\t"                                       \
  "sxtb16 r0, r12\n\t"                                          \
  "sxtb16 r12, r12, ror #8\n\t"                                 \
  "smlad r6, r10, r0, r6\n\t"                                   \
  "smlad r7, r11, r0, r7\n\t"                                   \
  "smlad r6, r8, r12, r6\n\t"                                   \
  "smlad r7, r9, r12, r7\n\t"

/* The same for weights of two more channels (at r3), added to r6 and r7. */
#define ONE_BY_FOUR                                             \
  ONE_BY_TWO                                                    \
  "ldrd r8, r9, [r3], #8\n\t"                                   \
  "sxtb16 r10, r8\n\t"                                          \
  "sxtb16 r8, r8, ror #8\n\t"                                   \
  "sxtb16 r11, r9\n\t"                                          \
  "sxtb16 r9, r9, ror #8\n\t"                                   \
  "smlad r6, r10, r12, r6\n\t"                                  \
  "smlad r7, r11, r12, r7\n\t"                                  \
  "smlad r6, r8, r0, r6\n\t"                                    \
  "smlad r7, r9, r0, r7\n\t"

/* All pairs of channels of two pixels. The address of an output is one too large by the time the second pixel's is stored. */
#define CONVOLVE_TWO(body, addresses)                           \
  ENTER                                                         \
  "mov r1, r6\n"                                                \
  "1:\n\t" /* two channels: sums of the first one in r4, r6, of the second one in r5, r7 */\
  "ldr r0, [sp, #20]\n\t"                                       \
  "ldr lr, [sp, #32]\n\t"                                       \
  "ldr r2, [sp, #24]\n\t"                                       \
  "ldrd r4, r5, [r0], #8\n\t"                                   \
  "str r0, [sp, #20]\n\t"                                       \
  "mov r6, r4\n\t"                                              \
  "mov r7, r5\n"                                                \
  "2:\n\t" /* a segment */                                      \
  "str lr, [sp, #52]\n\t"                                       \
  addresses                                                     \
  "ldr lr, [sp, #36]\n\t"                                       \
  "str r2, [sp, #56]\n\t"                                       \
  "mov r2, r12\n\t"                                             \
  "cmp lr, #0\n\t"                                              \
  "beq 4f\n"                                                    \
  "3:\n\t" body body                                            \
  "subs lr, #1\n\t"                                             \
  "bne 3b\n"                                                    \
  "4:\n\t"                                                      \
  "ldr lr, [sp, #40]\n\t"                                       \
  "cmp lr, #0\n\t"                                              \
  "beq 6f\n"                                                    \
  "5:\n\t" body                                                 \
  "subs lr, #1\n\t"                                             \
  "bne 5b\n"                                                    \
  "6:\n\t"                                                      \
  "ldr lr, [sp, #52]\n\t"                                       \
  "ldr r2, [sp, #56]\n\t"                                       \
  "subs lr, #1\n\t"                                             \
  "bne 2b\n\t"                                                  \
  "ldm sp, {r0, r2, r3, r8, r9}\n\t"                            \
  "ldrd r10, r11, [r0], #8\n\t"                                 \
  "ldrh r12, [r2], #2\n\t"                                      \
  "strd r0, r2, [sp]\n\t"                                       \
  "uxtb lr, r12\n\t"                                            \
  "lsl r2, r9, lr\n\t"                                          \
  REQUANTIZE("r4", "r10", "r2", "lr", "r0")                     \
  "strb r0, [r3], #1\n\t"                                       \
  REQUANTIZE("r6", "r10", "r2", "lr", "r0")                     \
  "sub r8, #1\n\t"                                              \
  "strb r0, [r3, r8]\n\t"                                       \
  "lsr r12, #8\n\t"                                             \
  "lsl r9, r9, r12\n\t"                                         \
  REQUANTIZE("r5", "r11", "r9", "r12", "r0")                    \
  "strb r0, [r3], #1\n\t"                                       \
  REQUANTIZE("r7", "r11", "r9", "r12", "r0")                    \
  "strb r0, [r3, r8]\n\t"                                       \
  "ldr r0, [sp, #44]\n\t"                                       \
  "str r3, [sp, #8]\n\t"                                        \
  "cmp r3, r0\n\t"                                              \
  "bne 1b\n\t"                                                  \
  LEAVE

void msf_dsp_convolve_two(const row *r);
FUNCTION("msf_dsp_convolve_two", /* stack: 96 */
         CONVOLVE_TWO(TWO_BY_TWO,
                      "ldrd r12, r3, [r2], #16\n\t"));

/* Four values of two widened pixels (at r2) times four weights of two channels, added to r4 to r7. */
#define TWO_WIDENED                                             \
  "ldrd r8, r9, [r1], #8\n\t"                                   \
  "ldrd r12, r3, [r2], #8\n\t"                                  \
  "sxtb16 r10, r8\n\t"                                          \
  "sxtb16 r11, r9\n\t"                                          \
  "smlad r4, r10, r12, r4\n\t"                                  \
  "smlad r5, r11, r12, r5\n\t"                                  \
  "smlad r6, r10, r3, r6\n\t"                                   \
  "smlad r7, r11, r3, r7\n\t"                                   \
  "ldrd r12, r3, [r2], #8\n\t"                                  \
  "sxtb16 r10, r8, ror #8\n\t"                                  \
  "sxtb16 r11, r9, ror #8\n\t"                                  \
  "smlad r4, r10, r12, r4\n\t"                                  \
  "smlad r5, r11, r12, r5\n\t"                                  \
  "smlad r6, r10, r3, r6\n\t"                                   \
  "smlad r7, r11, r3, r7\n\t"

/* The same in one segment, from pixels that are widened. */
void msf_dsp_convolve_two_widened(const row *r);
FUNCTION("msf_dsp_convolve_two_widened", /* stack: 96 */
         CONVOLVE_TWO(TWO_WIDENED,
                      "mov r12, r2\n\t"));

/* The next one of four shifts is the low byte of r10, from where shifts by a register take it. */
#define REQUANTIZE_AND_STORE(sum, multiplier)                   \
  "lsl r2, r9, r10\n\t"                                         \
  REQUANTIZE(sum, multiplier, "r2", "r10", "r2")                \
  "strb r2, [r8], #1\n\t"

/* The sums in r4 to r7 become outputs, whose end is in r8. r0 stays. */
#define STORE_FOUR                                              \
  "ldm sp, {r1, r3, r8}\n\t"                                    \
  "ldr r9, [sp, #16]\n\t"                                       \
  "ldr r10, [r3], #4\n\t"                                       \
  "ldm r1!, {r2, r11, r12, lr}\n\t"                             \
  "strd r1, r3, [sp]\n\t"                                       \
  "mov r1, r2\n\t"                                              \
  REQUANTIZE_AND_STORE("r4", "r1")                              \
  "lsr r10, #8\n\t"                                             \
  REQUANTIZE_AND_STORE("r5", "r11")                             \
  "lsr r10, #8\n\t"                                             \
  REQUANTIZE_AND_STORE("r6", "r12")                             \
  "lsr r10, #8\n\t"                                             \
  REQUANTIZE_AND_STORE("r7", "lr")                              \
  "str r8, [sp, #8]\n\t"

/* All fours of channels of one pixel. */
void msf_dsp_convolve_one(const row *r);
FUNCTION("msf_dsp_convolve_one", /* stack: 96 */
         ENTER
         "mov r1, r6\n"
         "1:\n\t" /* four channels */
         "ldr r0, [sp, #20]\n\t"
         "ldr r3, [sp, #12]\n\t"
         "ldr lr, [sp, #32]\n\t"
         "ldr r2, [sp, #24]\n\t"
         "ldm r0!, {r4-r7}\n\t"
         "add r3, r1\n\t"
         "str r0, [sp, #20]\n"
         "2:\n\t" /* a segment */
         "str lr, [sp, #52]\n\t"
         "ldr r0, [sp, #28]\n\t"
         "ldr r12, [r2]\n\t"
         "add r2, r0\n\t"
         "ldr lr, [sp, #36]\n\t"
         "str r2, [sp, #56]\n\t"
         "mov r2, r12\n\t"
         "cmp lr, #0\n\t"
         "beq 4f\n"
         "3:\n\t" ONE_BY_FOUR ONE_BY_FOUR
         "subs lr, #1\n\t"
         "bne 3b\n"
         "4:\n\t"
         "ldr lr, [sp, #40]\n\t"
         "cmp lr, #0\n\t"
         "beq 5f\n\t"
         ONE_BY_FOUR
         "5:\n\t"
         "ldr lr, [sp, #52]\n\t"
         "ldr r2, [sp, #56]\n\t"
         "subs lr, #1\n\t"
         "bne 2b\n\t"
         "mov r0, r3\n\t"
         STORE_FOUR
         "ldr r2, [sp, #44]\n\t"
         "mov r1, r0\n\t"
         "cmp r8, r2\n\t"
         "bne 1b\n\t"
         LEAVE);

/* A tap of four channels: weights in register w, address of the values without their offset (r2) in x. */
#define TAP(w, x)                                               \
  "ldr " x ", [" x ", r2]\n\t"                                  \
  "sxtb16 r12, " w "\n\t"                                       \
  "sxtb16 " w ", " w ", ror #8\n\t"                             \
  "sxtb16 lr, " x "\n\t"                                        \
  "sxtb16 " x ", " x ", ror #8\n\t"                             \
  "smlabb r4, r12, lr, r4\n\t"                                  \
  "smlatt r6, r12, lr, r6\n\t"                                  \
  "smlabb r5, " w ", " x ", r5\n\t"                             \
  "smlatt r7, " w ", " x ", r7\n\t"

#define TWO_TAPS                                                \
  "ldrd r8, r9, [r0], #8\n\t"                                   \
  "ldrd r10, r11, [r1], #8\n\t"                                 \
  TAP("r8", "r10")                                              \
  TAP("r9", "r11")

/* All fours of channels of one pixel. */
void msf_dsp_depthwise(const row *r);
FUNCTION("msf_dsp_depthwise", /* stack: 96 */
         ENTER
         "mov r0, r6\n\t"
         "mov r2, #0\n"
         "1:\n\t" /* four channels */
         "str r2, [sp, #52]\n\t"
         "ldr r3, [sp, #20]\n\t"
         "ldr r1, [sp, #24]\n\t"
         "ldm r3!, {r4-r7}\n\t"
         "str r3, [sp, #20]\n\t"
         "ldr r3, [sp, #36]\n\t"
         "cmp r3, #0\n\t"
         "beq 3f\n"
         "2:\n\t" TWO_TAPS TWO_TAPS
         "subs r3, #1\n\t"
         "bne 2b\n"
         "3:\n\t"
         "ldr r3, [sp, #40]\n\t"
         "cmp r3, #0\n\t"
         "beq 5f\n"
         "4:\n\t"
         "ldr r8, [r0], #4\n\t"
         "ldr r10, [r1], #4\n\t"
         TAP("r8", "r10")
         "subs r3, #1\n\t"
         "bne 4b\n"
         "5:\n\t"
         STORE_FOUR
         "ldr r2, [sp, #52]\n\t"
         "ldr r1, [sp, #44]\n\t"
         "add r2, #4\n\t"
         "cmp r8, r1\n\t"
         "bne 1b\n\t"
         LEAVE);

/* clang-format on */

/* What rows of a job have in common; channels: those that make whole pairs, or fours. */
static row first_row(const msf_job *job, const int8_t *const *x, int32_t channels, int32_t many, int32_t few) {
  row r;
  r.multipliers = job->scales.multipliers;
  r.shifts = job->scales.shifts;
  r.out = job->out;
  r.step = job->channels;
  r.half = job->scales.half;
  r.bias = job->scales.bias;
  r.x = x;
  r.across = 4 * job->across;
  r.segments = job->segments;
  r.many = many;
  r.few = few;
  r.end = job->out + channels;
  r.weights = job->weights;
  return r;
}

static void move_on(row *r, int32_t addresses, int32_t outputs) {
  r->x += addresses;
  r->out += outputs;
  r->end += outputs;
}

/* All pairs of channels of the last pixel, four channels at a time; the last four may have been made before. */
static MSF_NOINLINE void convolve_fours(const msf_job *job, const int8_t *const *x) {
  const int32_t size = job->segments * job->length, pairs = job->channels & ~1, left = pairs & 3;
  row r = first_row(job, x + job->pixels - 1, pairs - left, job->length >> 3, job->length >> 2 & 1);
  move_on(&r, 0, (job->pixels - 1) * job->channels);
  r.step = 2 * size;
  msf_dsp_convolve_one(&r);
  if (MSF_HAS_SPARE_CHANNELS && left != 0) {
    const int32_t first = pairs - 4;
    r.multipliers += first;
    r.shifts += first;
    r.bias += first;
    r.weights += first * size;
    r.out += first;
    r.end += left;
    msf_dsp_convolve_one(&r);
  }
}

static inline uint32_t rotate(uint32_t word) { return word >> 8 | word << 24; }

static inline uint32_t word_at(const int8_t *x) {
  uint32_t word;
  memcpy(&word, x, 4);
  return word;
}

/* Widens n values of two pixels: of every four the first and third of each, then the others. Returns where it goes on. */
static int32_t *widen_two(const int8_t *a, const int8_t *b, int32_t n, int32_t *to) {
  for (const int8_t *end = a + n; a != end; a += 4, b += 4, to += 4) {
    const uint32_t first = word_at(a), second = word_at(b);
    to[0] = (int32_t)__sxtb16(first);
    to[1] = (int32_t)__sxtb16(second);
    to[2] = (int32_t)__sxtb16(rotate(first));
    to[3] = (int32_t)__sxtb16(rotate(second));
  }
  return to;
}

/* All pairs of channels of two pixels, which are widened if there is room. */
static void convolve_two(const msf_job *job, const int8_t *const *x, const row *pixels) {
  const int32_t size = job->segments * job->length;
  if (MSF_HAS_NARROW_PAIRS && (job->channels < 4 || MSF_PIXELS * size > job->scratch_size)) {
    msf_dsp_convolve_two(pixels);
    return;
  }
  row r = *pixels;
  int32_t *to = job->scratch;
  for (int32_t k = job->segments; k > 0; k--, x += job->across) to = widen_two(x[0], x[1], job->length, to);
  r.x = (const int8_t *const *)(const void *)job->scratch;
  r.segments = 1;
  r.many = size >> 3;
  r.few = size >> 2 & 1;
  msf_dsp_convolve_two_widened(&r);
}

/* All pairs of channels, two pixels at a time. */
static MSF_NOINLINE void convolve_pairs(const msf_job *job, const int8_t *const *x) {
  row r = first_row(job, x, job->channels & ~1, job->length >> 3, job->length >> 2 & 1);
  if (job->channels > 1) {
    for (int32_t left = job->pixels; left >= 2; left -= 2, move_on(&r, 2, 2 * job->channels)) {
      convolve_two(job, r.x, &r);
    }
  }
}

/* All pairs of channels of the last pixel, or with them all channels. */
static void convolve_last(const msf_job *job, const int8_t *const *x) {
  if (job->channels > 3) {
    convolve_fours(job, x);
  } else if (job->channels > 1) {
    msf_convolve_last(job, x);
  }
}

void msf_convolve(const msf_job *job, const int8_t *const *x) {
  if (msf_is_widened(job)) {
    msf_convolve_widened(job, x);
  } else {
    if (job->pixels > 1) convolve_pairs(job, x);
    if (job->pixels % 2 != 0) convolve_last(job, x);
  }
  msf_convolve_from(job, x, job->channels & ~1);
  msf_activate(job);
}

void msf_convolve_depthwise(const msf_job *job, const int8_t *const *x) {
  row r = first_row(job, x, job->channels & ~3, job->segments >> 2, job->segments & 3);
  if (job->channels > 3) {
    for (int32_t left = job->pixels; left > 0; left--, move_on(&r, job->segments, job->channels)) msf_dsp_depthwise(&r);
  }
  msf_convolve_depthwise_from(job, x, job->channels & ~3);
  msf_activate(job);
}

/* Four products. */
static inline int32_t add_word(int32_t sum, const int8_t *w, const int8_t *x) {
  const uint32_t a = word_at(w), b = word_at(x);
  sum = __smlad(__sxtb16(a), __sxtb16(b), sum);
  return __smlad(__sxtb16(rotate(a)), __sxtb16(rotate(b)), sum);
}

int32_t msf_dot(int32_t sum, const int8_t *w, const int8_t *x, int32_t n) {
  for (; n >= 8; n -= 8, w += 8, x += 8) sum = add_word(add_word(sum, w, x), w + 4, x + 4);
  for (; n > 0; n--) sum = msf_mac(sum, *w++, *x++);
  return sum;
}

#endif /* MSF_ARCH_DSP */
