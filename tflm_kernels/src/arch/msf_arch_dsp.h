/* What the inner loops for Arm cores with the DSP extension share. */
#ifndef MSF_ARCH_DSP_H_
#define MSF_ARCH_DSP_H_

#include "arch/msf_arch.h"
#include "arch/msf_assembly.h"

/* clang-format off */

/* Pushes the registers and 13 words at r0, with room for two words above them. The last one is in r6. */
#define ENTER                                                   \
  "push {r4-r11, lr}\n\t"                                       \
  "sub sp, #60\n\t"                                             \
  "ldm r0!, {r1-r8}\n\t"                                        \
  "stm sp, {r1-r8}\n\t"                                         \
  "add r12, sp, #32\n\t"                                        \
  "ldm r0, {r2-r6}\n\t"                                         \
  "stm r12, {r2-r6}\n\t"

#define LEAVE                                                   \
  "add sp, #60\n\t"                                             \
  "pop {r4-r11, pc}\n"

/* clang-format on */

/* True if no output is below the zero point: then ties of negative values do not matter. */
static inline int msf_is_positive(const msf_scales *scales) { return scales->act_min >= scales->half >> 1; }

/* Brings output values into the range of the activation, where that is less than all of int8. */
static inline void msf_activate(const msf_job *job) {
  const int32_t min = job->scales.act_min, max = job->scales.act_max;
  if (!MSF_HAS_CLAMPS || (min == INT8_MIN && max == INT8_MAX)) return;
  int8_t *out = job->out;
  for (const int8_t *end = out + job->pixels * job->channels; out != end; out++) {
    *out = (int8_t)msf_min(msf_max(*out, min), max);
  }
}

/* Whether a job's pixels are worth widening, and there is room for it. */
static inline int msf_is_widened(const msf_job *job) {
  const int32_t needed = 2 * MSF_PIXELS * job->segments * job->length;
  if (!MSF_HAS_WIDENED) return 0;
  if (!MSF_HAS_NEGATIVE_WIDENED && !msf_is_positive(&job->scales)) return 0;
  return job->pixels >= 3 && job->channels >= 4 && needed <= job->scratch_size;
}

/* All pairs of channels of three or four pixels, with the pixels widened to 16 bits first. */
void msf_convolve_widened(const msf_job *job, const int8_t *const *x);

#endif /* MSF_ARCH_DSP_H_ */
