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

/* What the functions below need to know; they read it by its offsets. */
typedef struct {
  const uint32_t *multipliers;
  const uint8_t *shifts;
  int8_t *out;
  int32_t zero; /* the output zero point */
  const int32_t *bias;
  const int8_t *const *x;
  int32_t segments;
  int32_t length;
  int32_t pair;      /* bytes that the weights of a pair of channels take */
  const int8_t *end; /* of out */
  const int8_t *weights;
  int32_t act_min, act_max;
  int32_t across; /* bytes from a segment's address to the next one's */
  int32_t pixels;
  int32_t rest;     /* channels that are left over, */
  int32_t channels; /* and all of them */
  int32_t taps;     /* bytes from a pixel's addresses to the next one's, for depthwise convolutions */
} row;

typedef char check_pair[offsetof(row, pair) == 32 ? 1 : -1];
typedef char check_across[offsetof(row, across) == 52 ? 1 : -1];
typedef char check_taps[offsetof(row, taps) == 68 ? 1 : -1];

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
 * All fours of channels. A channel's weights are every second word: q3 and q4 have the places of those of
 * the first and the third channel, less 32; the others are a word further on. The last round of a segment may go too
 * far, which r1 takes back.
 */
void msf_mve_convolve(const row *r);
FUNCTION("msf_mve_convolve", /* stack: 132 */
         "push {r4-r11, lr}\n\t"
         "vpush {d8-d15}\n\t"
         "sub sp, #32\n\t"
         "ldrd r4, r2, [r0, #44]\n\t"
         "vdup.32 q6, r4\n\t"
         "vdup.32 q7, r2\n\t"
         "ldr r4, [r0, #12]\n\t"
         "ldr r3, [r0, #28]\n\t"
         "strd r4, r0, [sp, #20]\n\t" /* zero, row */
         "ldrd r4, r2, [r0, #32]\n\t"
         "ldr r7, [r0, #8]\n\t"
         "strd r4, r2, [sp]\n\t" /* pair, end */
         "ldrd r4, r2, [r0, #52]\n\t"
         "str r4, [sp, #8]\n\t"  /* across */
         "str r2, [sp, #28]\n\t" /* pixels */
         "ldrd r2, r4, [r0, #20]\n\t"
         "strd r2, r4, [sp, #12]\n\t" /* x, segments */
         "add r1, r3, #15\n\t"
         "bic r1, #15\n\t"
         "sub r1, r3, r1\n\t"
         "lsl r1, #1\n\t"
         "mov r4, #0\n\t"
         "vidup.u32 q5, r4, #8\n\t"
         "rsb r6, r1, #0\n\t"
         "sub r6, #32\n\t"
         "vadd.i32 q5, q5, r6\n"
         "0:\n\t" /* a pixel */
         "ldr r6, [r0, #40]\n\t"
         "ldr r5, [r0, #4]\n\t"
         "ldr r9, [r0, #16]\n\t"
         "ldr r11, [r0]\n\t"
         "vadd.i32 q4, q5, r6\n"
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
         "ldrd r0, r6, [sp, #24]\n\t"
         "subs r6, #1\n\t"
         "beq 5f\n\t"
         "ldrd r4, r5, [r0, #60]\n\t"
         "ldr r12, [sp, #12]\n\t"
         "str r6, [sp, #28]\n\t"
         "add r7, r4\n\t"
         "add r2, r5\n\t"
         "add r12, #4\n\t"
         "str r2, [sp, #4]\n\t"
         "str r12, [sp, #12]\n\t"
         "b 0b\n"
         "5:\n\t"
         "add sp, #32\n\t"
         "vpop {d8-d15}\n\t"
         "pop {r4-r11, pc}\n");

/*
 * All channels. Sixteen bytes are four channels of four taps, whose addresses a vector holds;
 * these are multiples of 4. Products of channels 0 and 2 come from the even bytes, of 1 and 3 from the odd ones;
 * q4 and q5 tell them apart. Sums in r4, r6, r8, r10.
 */
void msf_mve_depthwise(const row *r);
FUNCTION("msf_mve_depthwise", /* stack: 124 */
         "push {r4-r11, lr}\n\t"
         "vpush {d8-d15}\n\t"
         "sub sp, #24\n\t"
         "ldrd r2, r3, [r0, #20]\n\t" /* x, segments */
         "ldr r4, [r0, #36]\n\t"
         "ldrd r5, r6, [r0, #44]\n\t"
         "lsl r3, #2\n\t"
         "strd r2, r4, [sp, #4]\n\t"
         "vdup.32 q6, r5\n\t"
         "vdup.32 q7, r6\n\t"
         "mov r2, #1\n\t"
         "vdup.32 q4, r2\n\t"
         "lsl r2, #16\n\t"
         "vdup.32 q5, r2\n\t"
         "ldr r4, [r0, #56]\n\t"
         "ldr r7, [r0, #8]\n\t"
         "ldr r12, [r0, #12]\n\t"
         "strd r0, r4, [sp, #12]\n" /* row, pixels */
         "0:\n\t" /* a pixel */
         "ldr r1, [r0, #40]\n\t"
         "ldr r11, [r0]\n\t"
         "ldr r5, [r0, #4]\n\t"
         "ldr r9, [r0, #16]\n\t"
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
         "ldrd r5, r6, [r0, #64]\n\t"
         "ldrd r8, r10, [sp, #4]\n\t"
         "str r4, [sp, #16]\n\t"
         "add r8, r6\n\t"
         "add r10, r5\n\t"
         "strd r8, r10, [sp, #4]\n\t"
         "b 0b\n"
         "5:\n\t"
         "add sp, #24\n\t"
         "vpop {d8-d15}\n\t"
         "pop {r4-r11, pc}\n");

/* clang-format on */

/* channels: those that whole blocks take. */
static row row_of(const msf_job *job, const int8_t *const *x, int32_t channels) {
  row r;
  r.multipliers = job->scales.multipliers;
  r.shifts = job->scales.shifts;
  r.out = job->out;
  r.zero = job->scales.half >> 1;
  r.bias = job->scales.bias;
  r.x = x;
  r.segments = job->segments;
  r.length = job->length;
  r.pair = 2 * job->segments * job->length;
  r.end = job->out + channels;
  r.weights = job->weights;
  r.act_min = job->scales.act_min;
  r.act_max = job->scales.act_max;
  r.across = 4 * job->across;
  r.pixels = job->pixels;
  r.rest = job->channels - channels;
  r.channels = job->channels;
  r.taps = 4 * job->segments;
  return r;
}

void msf_convolve(const msf_job *job, const int8_t *const *x) {
  const row r = row_of(job, x, job->channels & ~3);
  if (job->channels > 3) msf_mve_convolve(&r);
  if (r.rest > 0) msf_convolve_from(job, x, job->channels - r.rest);
}

void msf_convolve_depthwise(const msf_job *job, const int8_t *const *x) {
  const row r = row_of(job, x, job->channels);
  if (job->channels % 4 == 0) { /* addresses are multiples of 4 */
    msf_mve_depthwise(&r);
  } else {
    msf_convolve_depthwise_from(job, x, 0);
  }
}

static inline int32x4_t summand(const msf_summand *s, int32x4_t value) {
  value = vshlq_n_s32(vsubq_n_s32(value, s->zero), MSF_HEADROOM);
  const int32x4_t high = vqrdmulhq_n_s32(value, (int32_t)(s->multiplier >> 1));
  const int32x4_t away = vandq_s32(vshrq_n_s32(high, 31), vdupq_n_s32(s->sign));
  return vrshlq_n_s32(vaddq_s32(high, away), -s->shift);
}

void msf_add_values(const msf_addition *job, const int8_t *a, const int8_t *b, int8_t *out, int32_t n) {
  const msf_addition j = *job;
  const int32x4_t min = vdupq_n_s32(j.scales.act_min), max = vdupq_n_s32(j.scales.act_max);
  for (; n > 0; n -= 4, a += 4, b += 4, out += 4) {
    const mve_pred16_t left = vctp32q((uint32_t)n);
    const int32x4_t first = summand(&j.first, vldrbq_z_s32(a, left));
    const int32x4_t sum = vmlaq_n_s32(first, summand(&j.second, vldrbq_z_s32(b, left)), j.sign);
    int32x4_t value = vqrdmulhq_n_s32(sum, (int32_t)(j.multiplier >> 1));
    value = vrshlq_n_s32(vaddq_s32(value, vshrq_n_s32(value, 31)), -(int32_t)j.shift);
    value = vminq_s32(vmaxq_s32(vaddq_n_s32(value, j.scales.half >> 1), min), max);
    vstrbq_p_s32(out, value, left);
  }
}

#endif /* MSF_ARCH_MVE */
