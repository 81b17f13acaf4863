/*
 * Inner loops that are wrong now and then, each behind the linker's --wrap: whoever calls one gets it from here. What is
 * compared with them in place has to differ, on every core.
 */
#include "arch/msf_arch.h"

#define WRONG(name) __wrap_##name
#define RIGHT(name) __real_##name

void RIGHT(msf_convolve)(const msf_job *job, const int8_t *const *x);
void WRONG(msf_convolve)(const msf_job *job, const int8_t *const *x);
void RIGHT(msf_convolve_depthwise)(const msf_job *job, const int8_t *const *x);
void WRONG(msf_convolve_depthwise)(const msf_job *job, const int8_t *const *x);
#if defined(MSF_HAS_COLUMNS)
void RIGHT(msf_convolve_columns)(const msf_job *job, const int8_t *const *x, int32_t stride);
void WRONG(msf_convolve_columns)(const msf_job *job, const int8_t *const *x, int32_t stride);
#endif
void RIGHT(msf_add_values)(const msf_addition *job, const int8_t *a, const int8_t *b, int8_t *out, int32_t n);
void WRONG(msf_add_values)(const msf_addition *job, const int8_t *a, const int8_t *b, int8_t *out, int32_t n);
int32_t RIGHT(msf_dot)(int32_t sum, const int8_t *w, const int8_t *x, int32_t n);
int32_t WRONG(msf_dot)(int32_t sum, const int8_t *w, const int8_t *x, int32_t n);
void RIGHT(msf_add_to_sums)(int32_t *sums, const int8_t *values, int32_t n);
void WRONG(msf_add_to_sums)(int32_t *sums, const int8_t *values, int32_t n);

/* The last channel of the last pixel, where channels make no whole pair. */
void WRONG(msf_convolve)(const msf_job *job, const int8_t *const *x) {
  RIGHT(msf_convolve)(job, x);
  if (job->channels % 2 != 0) job->out[job->pixels * job->channels - 1] ^= 1;
}

/* The first channel, where channels make whole fours. */
void WRONG(msf_convolve_depthwise)(const msf_job *job, const int8_t *const *x) {
  RIGHT(msf_convolve_depthwise)(job, x);
  if (job->channels % 4 == 0) job->out[0] ^= 1;
}

#if defined(MSF_HAS_COLUMNS)
/* The first channel, where there are four pixels. */
void WRONG(msf_convolve_columns)(const msf_job *job, const int8_t *const *x, int32_t stride) {
  RIGHT(msf_convolve_columns)(job, x, stride);
  if (job->pixels == MSF_PIXELS) job->out[0] ^= 1;
}
#endif

/* Sums that leave their range go round instead of staying at its end. */
void WRONG(msf_add_values)(const msf_addition *job, const int8_t *a, const int8_t *b, int8_t *out, int32_t n) {
  RIGHT(msf_add_values)(job, a, b, out, n);
  for (int32_t i = 0; i < n; i++) {
    if (out[i] == job->scales.act_max) out[i] = (int8_t)job->scales.act_min;
  }
}

/* The last of an odd number of products is forgotten. */
int32_t WRONG(msf_dot)(int32_t sum, const int8_t *w, const int8_t *x, int32_t n) {
  return RIGHT(msf_dot)(sum, w, x, n - (n & 1));
}

/* The last of a number of values that make no whole fours is forgotten. */
void WRONG(msf_add_to_sums)(int32_t *sums, const int8_t *values, int32_t n) {
  RIGHT(msf_add_to_sums)(sums, values, n - (n % 4 != 0));
}
