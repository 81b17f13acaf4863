/*
 * MUL, MAXIMUM, MINIMUM, PRELU, SQUARED_DIFFERENCE and TABLE: operators that make a pixel from the same pixel of their inputs.
 * A second input may be a single pixel (usually a constant in params), which then serves every pixel.
 */
#include "kernel/msf_kernel.h"

int msf_fits_two(const msf_stage_shape *shape) {
  const msf_tensor *a = shape->in[0], *b = shape->in[1], *out = shape->out;
  const int broadcast = msf_is_one_pixel(b);
  return msf_reads_one_pixel(shape->stage) && msf_same_grid(a, out) && (broadcast || msf_same_grid(b, out)) &&
         a->c == out->c && b->c == out->c;
}

/* arg: multiplier and shift of the product. */
static int check_mul(const msf_stage_shape *shape) {
  return msf_fits_two(shape) && msf_shift_in_range(shape->stage->arg[1]);
}

/* arg: multiplier and shift of the values from 0 on, then of the product with the slope. */
static int check_prelu(const msf_stage_shape *shape) {
  return msf_fits_two(shape) && msf_shift_in_range(shape->stage->arg[1]) && msf_shift_in_range(shape->stage->arg[3]);
}

/* arg: multiplier and shift of the first input, of the second, and of the square. */
static int check_squared_difference(const msf_stage_shape *shape) {
  return check_prelu(shape) && msf_shift_in_range(shape->stage->arg[5]);
}

static int8_t mul(const msf_stage *s, int8_t a, int8_t b) {
  const int32_t product = (a - s->in_zero[0]) * (b - s->in_zero[1]);
  return msf_requantize(product, s->arg[0], (int8_t)s->arg[1], s);
}

static int8_t maximum(const msf_stage *s, int8_t a, int8_t b) {
  (void)s;
  return a > b ? a : b;
}

static int8_t minimum(const msf_stage *s, int8_t a, int8_t b) {
  (void)s;
  return a < b ? a : b;
}

static int8_t prelu(const msf_stage *s, int8_t x, int8_t slope) {
  const int32_t value = x - s->in_zero[0];
  if (value >= 0) return msf_requantize(value, s->arg[0], (int8_t)s->arg[1], s);
  return msf_requantize(value * (slope - s->in_zero[1]), s->arg[2], (int8_t)s->arg[3], s);
}

static int8_t squared_difference(const msf_stage *s, int8_t a, int8_t b) {
  const int32_t first = msf_rescale((a - s->in_zero[0]) * 128, s->arg[0], s->arg[1]);
  const int32_t second = msf_rescale((b - s->in_zero[1]) * 128, s->arg[2], s->arg[3]);
  const int32_t difference = msf_wrap_add(first, msf_wrap_mul(second, -1));
  return msf_requantize(msf_wrap_mul(difference, difference), s->arg[4], (int8_t)s->arg[5], s);
}

static inline void run_two(const msf_call *call, int8_t (*combine)(const msf_stage *, int8_t, int8_t)) {
  const msf_view *second = &call->in[1];
  const int broadcast = second->h == 1 && second->w == 1;
  for (int32_t x = call->x0; x < call->x1; x++) {
    const int8_t *a = msf_pixel(&call->in[0], call->y, x);
    const int8_t *b = broadcast ? msf_only_pixel(second) : msf_pixel(second, call->y, x);
    int8_t *out = msf_pixel(&call->out, call->y, x);
    for (int32_t c = 0; c < call->out.c; c++) out[c] = combine(call->stage, a[c], b[c]);
  }
}

static void run_mul(const msf_call *call) { run_two(call, mul); }
static void run_maximum(const msf_call *call) { run_two(call, maximum); }
static void run_minimum(const msf_call *call) { run_two(call, minimum); }
static void run_prelu(const msf_call *call) { run_two(call, prelu); }
static void run_squared_difference(const msf_call *call) { run_two(call, squared_difference); }

/* weights: 256 output values, for inputs -128 to 127. */
static int check_table(const msf_stage_shape *shape) {
  return msf_is_pointwise(shape) && shape->in[0]->c == shape->out->c &&
         msf_fits(shape->stage->weights, 256, 1, shape->params_size);
}

static void run_table(const msf_call *call) {
  const int8_t *table = msf_bytes(call, call->stage->weights) + 128;
  const int32_t pixels = call->x1 - call->x0, n = pixels * call->out.c;
  const int8_t *in = msf_pixels(&call->in[0], call->y, call->x0, pixels);
  int8_t *out = msf_pixels(&call->out, call->y, call->x0, pixels);
  for (int32_t i = 0; i < n; i++) out[i] = table[in[i]];
}

const msf_operator msf_mul = {.check = check_mul, .reads = msf_reads_pixel, .run = run_mul, .inputs = 2};
const msf_operator msf_maximum = {.check = msf_fits_two, .reads = msf_reads_pixel, .run = run_maximum, .inputs = 2};
const msf_operator msf_minimum = {.check = msf_fits_two, .reads = msf_reads_pixel, .run = run_minimum, .inputs = 2};
const msf_operator msf_prelu = {.check = check_prelu, .reads = msf_reads_pixel, .run = run_prelu, .inputs = 2};
const msf_operator msf_squared_difference = {
    .check = check_squared_difference, .reads = msf_reads_pixel, .run = run_squared_difference, .inputs = 2};
const msf_operator msf_table = {.check = check_table, .reads = msf_reads_pixel, .run = run_table, .inputs = 1};
