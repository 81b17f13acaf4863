/*
 * SOFTMAX over the channels of each pixel, to scale 1/256 and zero point -128.
 *
 * weights: 256 int32, e^(scale * -255) to e^0 with 31 fraction bits, zero where the reference leaves a value out. The
 * reciprocal of their sum is found as the reference finds it: three steps of Newton and Raphson on raw fixed-point
 * values with two integer bits (a raw value stands for raw * 2^-29).
 */
#include "kernel/msf_kernel.h"

#define SUM_INTEGER_BITS 12
#define SUM_ROUNDING (1u << (SUM_INTEGER_BITS - 1))
#define MAX_CHANNELS 4095 /* keeps the sum below 2^31 */
#define RAW_48_OVER_17 1515870810
#define RAW_32_OVER_17 1010580540
#define RAW_ONE (1 << 29)

static MSF_COLD int check(const msf_stage_shape *shape) {
  return msf_is_pointwise(shape) && shape->in[0]->c == shape->out->c && shape->out->c <= MAX_CHANNELS &&
         msf_fits(shape->stage->weights, 256, 4, shape->params_size);
}

static MSF_NOINLINE int32_t rescale(int32_t x, int32_t multiplier, int32_t shift) {
  return msf_rescale(x, multiplier, shift);
}

/* The rounded product of two raw values; the integer bits add up. */
static int32_t product(int32_t a, int32_t b) { return rescale(a, b, 0); }

static int32_t four_times(int32_t x) {
  if (x > INT32_MAX / 4) return INT32_MAX;
  return x < -(INT32_MAX / 4) ? INT32_MIN : x * 4;
}

/* 1 / (1 + x) with no integer bits, for x from 0 to 1 with none. */
static int32_t one_over_one_plus(int32_t x) {
  const int32_t half = (int32_t)(((int64_t)x + INT32_MAX + 1) / 2);
  int32_t y = RAW_48_OVER_17 + product(half, -RAW_32_OVER_17);
  for (int i = 0; i < 3; i++) y = msf_wrap_add(y, four_times(product(y, RAW_ONE - product(half, y))));
  return y > INT32_MAX / 2 ? INT32_MAX : y * 2;
}

static MSF_NOINLINE void run_pixel(const int32_t *exps, const int8_t *in, int8_t *out, int32_t channels) {
  int32_t max = INT8_MIN;
  uint32_t sum = 0;
  for (int32_t c = 0; c < channels; c++) max = msf_max(max, in[c]);
  const int32_t zero = 255 - max;
  for (int32_t c = 0; c < channels; c++) sum += ((uint32_t)exps[zero + in[c]] + SUM_ROUNDING) >> SUM_INTEGER_BITS;
  uint32_t mantissa = sum;
  int32_t exponent = SUM_INTEGER_BITS + 31 - 8;
  while (mantissa != 0 && mantissa >> 31 == 0) {
    mantissa <<= 1;
    exponent--;
  }
  const int32_t scale = one_over_one_plus((int32_t)(mantissa & INT32_MAX));
  exponent = msf_min(exponent, 31); /* the reference gives up on larger ones */
  for (int32_t c = 0; c < channels; c++) {
    const int32_t at =
        msf_min(zero + in[c], 255); /* greater if the output overwrites the input: no table goes that far */
    const int32_t value = rescale(scale, exps[at], -exponent);
    out[c] = (int8_t)msf_min(value + INT8_MIN, INT8_MAX);
  }
}

static void run(const msf_call *call) {
  const int32_t *exps = msf_words(call, call->stage->weights);
  const int32_t c = call->out.c, n = call->x1 - call->x0;
  const int8_t *in = msf_pixels(&call->in[0], call->y, call->x0, n);
  int8_t *out = msf_pixels(&call->out, call->y, call->x0, n);
  for (const int8_t *end = in + n * c; in != end; in += c, out += c) run_pixel(exps, in, out, c);
}

const msf_operator msf_softmax = {.check = check, .reads = msf_reads_pixel, .run = run, .inputs = 1};
