/*
 * ADD and SUB: a pixel from the same pixel of both inputs, brought to a common scale with 20 bits of headroom. A second
 * input may be a single pixel, which then serves every pixel.
 *
 * arg: multiplier and shift of the first input, of the second, and of the result.
 */
#include "arch/msf_arch.h"
#include "kernel/msf_kernel.h"

#define MIN_MULTIPLIER (1 << 30)

static int check(const msf_stage_shape *shape) {
  const int32_t *arg = shape->stage->arg;
  return msf_fits_two(shape) && msf_shift_in_range(arg[1]) && msf_shift_in_range(arg[3]) && msf_shift_in_range(arg[5]);
}

/* Both inputs' scales and the result's are ones for which nothing saturates and shifts go right, as usual. */
static int is_short(const int32_t *arg) {
  for (int i = 0; i < 6; i += 2) {
    if (arg[i] < MIN_MULTIPLIER || arg[i + 1] > 0 || arg[i + 1] < -MSF_MAX_SHORT_SHIFT) return 0;
  }
  return arg[5] < 0;
}

static msf_summand summand_of(int32_t zero, const int32_t *arg) {
  msf_summand summand;
  summand.zero = zero;
  summand.multiplier = 2u * (uint32_t)arg[0];
  summand.shift = -arg[1];
  summand.sign = summand.shift == 0 ? 0 : -1;
  return summand;
}

static void combine_short(const msf_stage *s, const int8_t *a, const int8_t *b, int8_t *out, int32_t n, int32_t sign) {
  msf_addition job;
  job.first = summand_of(s->in_zero[0], s->arg);
  job.second = summand_of(s->in_zero[1], s->arg + 2);
  job.sign = sign;
  job.multiplier = 2u * (uint32_t)s->arg[4];
  job.shift = (uint32_t)-s->arg[5];
  job.scales.half = 2 * s->out_zero + 1;
  job.scales.act_min = s->act_min;
  job.scales.act_max = s->act_max;
  msf_add_values(&job, a, b, out, n);
}

static void combine_any(const msf_stage *s, const int8_t *a, const int8_t *b, int8_t *out, int32_t n, int32_t sign) {
  for (int32_t i = 0; i < n; i++) {
    const int32_t first = msf_rescale((a[i] - s->in_zero[0]) * (1 << MSF_HEADROOM), s->arg[0], s->arg[1]);
    const int32_t second = msf_rescale((b[i] - s->in_zero[1]) * (1 << MSF_HEADROOM), s->arg[2], s->arg[3]);
    const int32_t sum = msf_wrap_add(first, msf_wrap_mul(sign, second));
    out[i] = msf_requantize(sum, s->arg[4], (int8_t)s->arg[5], s);
  }
}

static void combine(const msf_call *call, int32_t sign) {
  const msf_view *second = &call->in[1];
  const int broadcast = second->h == 1 && second->w == 1;
  const int32_t c = call->out.c, pixels = call->x1 - call->x0;
  const int32_t step = broadcast ? c : c * pixels;
  const int8_t *a = msf_pixels(&call->in[0], call->y, call->x0, pixels);
  const int8_t *b = broadcast ? msf_only_pixel(second) : msf_pixels(second, call->y, call->x0, pixels);
  int8_t *out = msf_pixels(&call->out, call->y, call->x0, pixels);
  for (const int8_t *end = out + c * pixels; out != end; a += step, out += step) {
    if (is_short(call->stage->arg)) {
      combine_short(call->stage, a, b, out, step, sign);
    } else {
      combine_any(call->stage, a, b, out, step, sign);
    }
  }
}

static void run_add(const msf_call *call) { combine(call, 1); }
static void run_sub(const msf_call *call) { combine(call, -1); }

const msf_operator msf_add = {.check = check, .reads = msf_reads_pixel, .run = run_add, .inputs = 2};
const msf_operator msf_sub = {.check = check, .reads = msf_reads_pixel, .run = run_sub, .inputs = 2};
