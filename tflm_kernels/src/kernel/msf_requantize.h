/* From accumulators to output values, with any scale. Rounds as the reference does. */
#ifndef MSF_REQUANTIZE_H_
#define MSF_REQUANTIZE_H_

#include "arch/msf_base.h"
#include "kernel/msf_operator.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * x * multiplier * 2^(shift - 31), rounded twice as gemmlowp does: to nearest in the doubling high multiplication
 * (ties away from zero for x < 0 truncated as there), then to nearest, ties away from zero, in the right shift.
 * shift: -31 to 30.
 */
static inline int32_t msf_rescale(int32_t x, int32_t multiplier, int32_t shift) {
  const int32_t left = shift > 0 ? shift : 0;
  const int32_t right = shift > 0 ? 0 : -shift;
  const int32_t shifted = (int32_t)((uint32_t)x << left);
  const int64_t product = (int64_t)shifted * multiplier;
  const int64_t nudge = product >= 0 ? 1 << 30 : 1 - (1 << 30);
  const int32_t high =
      shifted == INT32_MIN && multiplier == INT32_MIN ? INT32_MAX : (int32_t)((product + nudge) / (1ll << 31));
  const int32_t mask = (int32_t)((1ull << right) - 1);
  const int32_t remainder = high & mask;
  const int32_t threshold = (mask >> 1) + (high < 0 ? 1 : 0);
  return (int32_t)((int64_t)high >> right) + (remainder > threshold ? 1 : 0);
}

static inline int8_t msf_clamp(int32_t value, const msf_stage *s) {
  return (int8_t)msf_min(msf_max(value, s->act_min), s->act_max);
}

/* An accumulator as an output value. shift: see msf_rescale. */
static inline int8_t msf_requantize(int32_t acc, int32_t multiplier, int8_t shift, const msf_stage *s) {
  return msf_clamp(msf_wrap_add(msf_rescale(acc, multiplier, shift), s->out_zero), s);
}

/* Bias and scale of every output channel of a weighted stage. */
typedef struct {
  const msf_stage *stage;
  const int32_t *bias;
  const int32_t *multipliers;
  const int8_t *shifts;
  int32_t scale_mask; /* 0 if all channels share one scale, else -1 */
} msf_outputs;

/* The accumulator of output channel o, its bias included, as an output value. */
static inline int8_t msf_output(const msf_outputs *outputs, int32_t o, int32_t acc) {
  const int32_t scale = o & outputs->scale_mask;
  return msf_requantize(acc, outputs->multipliers[scale], outputs->shifts[scale], outputs->stage);
}

static inline msf_outputs msf_outputs_of(const msf_call *call) {
  msf_outputs outputs;
  outputs.stage = call->stage;
  outputs.bias = msf_words(call, call->stage->bias);
  outputs.multipliers = msf_words(call, call->stage->multipliers);
  outputs.shifts = msf_bytes(call, call->stage->shifts);
  outputs.scale_mask = call->stage->flags & MSF_UNIFORM ? 0 : -1;
  return outputs;
}

#ifdef __cplusplus
}
#endif

#endif /* MSF_REQUANTIZE_H_ */
