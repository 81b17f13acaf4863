#include "arch/msf_arch.h"

#if MSF_HAS_CONVOLVE_FROM

/* Where channel o's weights begin; and how far apart fours of them are, by way of `step`. */
static const int8_t *weights_of(const msf_job *job, int32_t o, int32_t *step) {
  const int is_single = o == job->channels - 1 && o % 2 == 0;
  const int8_t *pair = job->weights + (o & ~1) * job->segments * job->length;
  *step = is_single ? 4 : 8;
  return pair + 4 * (o & 1);
}

void msf_convolve_from(const msf_job *job, const int8_t *const *x, int32_t first) {
  for (int32_t o = first; o < job->channels; o++) {
    for (int32_t p = 0; p < job->pixels; p++) {
      const int8_t *const *at = x + p;
      int32_t step, sum = job->scales.bias[o];
      const int8_t *w = weights_of(job, o, &step);
      for (int32_t k = 0; k < job->segments; k++, at += job->across) {
        const int8_t *value = *at;
        for (const int8_t *end = value + job->length; value != end; value += 4, w += step) {
          for (int i = 0; i < 4; i++) sum = msf_mac(sum, w[i], value[i]);
        }
      }
      job->out[p * job->channels + o] =
          msf_requantize_short(&job->scales, sum, job->scales.multipliers[o], job->scales.shifts[o]);
    }
  }
}

void msf_convolve_last(const msf_job *job, const int8_t *const *x) {
  msf_job last = *job;
  last.out += (job->pixels - 1) * job->channels;
  last.pixels = 1;
  msf_convolve_from(&last, x + job->pixels - 1, 0);
}

#endif

#if MSF_HAS_SPARE_DEPTHWISE

void msf_convolve_depthwise_from(const msf_job *job, const int8_t *const *x, int32_t first) {
  for (int32_t o = first; o < job->channels; o++) {
    const int32_t four = o & ~3;
    const int32_t width = msf_min(job->channels - four, 4);
    const int8_t *const *tap = x;
    for (int32_t p = 0; p < job->pixels; p++) {
      const int8_t *w = job->weights + four * job->segments + (o - four);
      int32_t sum = job->scales.bias[o];
      for (int32_t k = 0; k < job->segments; k++, w += width) sum = msf_mac(sum, *w, (*tap++)[o]);
      job->out[p * job->channels + o] =
          msf_requantize_short(&job->scales, sum, job->scales.multipliers[o], job->scales.shifts[o]);
    }
  }
}

#endif

#ifndef MSF_HAS_DOT

int32_t msf_dot(int32_t sum, const int8_t *w, const int8_t *x, int32_t n) {
  for (int32_t i = 0; i < n; i++) sum = msf_mac(sum, w[i], x[i]);
  return sum;
}

#endif

#ifndef MSF_HAS_ADDITIONS

void msf_add_to_sums(int32_t *sums, const int8_t *values, int32_t n) {
  for (int32_t i = 0; i < n; i++) sums[i] = msf_wrap_add(sums[i], values[i]);
}

/* At most 2^28, as the value without its zero point is less than 2^8. */
static inline int32_t summand(const msf_summand *s, int8_t value) {
  const int32_t high = msf_high((value - s->zero) * (1 << MSF_HEADROOM), s->multiplier);
  return (high + (high < 0 ? s->sign : 0) + (1 << s->shift >> 1)) >> s->shift;
}

void msf_add_values(const msf_addition *job, const int8_t *a, const int8_t *b, int8_t *out, int32_t n) {
  const msf_addition j = *job; /* so that it need not be read again after every byte that is stored */
  for (const int8_t *end = out + n; out != end; out++) {
    const int32_t sum = summand(&j.first, *a++) + j.sign * summand(&j.second, *b++);
    *out = msf_requantize_short(&j.scales, sum, j.multiplier, j.shift);
  }
}

#endif
