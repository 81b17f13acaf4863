/*
 * TABLE_OF_WORDS and ARG_MAX: results of four bytes, each of them a channel, the low one first.
 */
#include "kernel/msf_kernel.h"

enum { WORD = 4 };

static int makes_words(const msf_stage_shape *shape, uint32_t words) {
  return msf_is_pointwise(shape) && shape->out->c == WORD * words;
}

/* weights: 256 words, for inputs -128 to 127. */
static int check_table_of_words(const msf_stage_shape *shape) {
  return makes_words(shape, shape->in[0]->c) && msf_fits(shape->stage->weights, WORD * 256, 1, shape->params_size);
}

static void run_table_of_words(const msf_call *call) {
  const int8_t *table = msf_bytes(call, call->stage->weights) + WORD * 128;
  const int32_t pixels = call->x1 - call->x0, n = pixels * call->in[0].c;
  const int8_t *in = msf_pixels(&call->in[0], call->y, call->x0, pixels);
  int8_t *out = msf_pixels(&call->out, call->y, call->x0, pixels);
  for (int32_t i = 0; i < n; i++) out = msf_copy(out, table + WORD * in[i], WORD);
}

static int check_arg_max(const msf_stage_shape *shape) { return makes_words(shape, 1); }

/* The first of the greatest; of the least, where arg[0] is not 0. */
static int32_t place_of_extreme(const int8_t *in, int32_t n, int32_t flip) {
  int32_t best = 0;
  for (int32_t c = 1; c < n; c++) {
    if ((in[c] ^ flip) > (in[best] ^ flip)) best = c;
  }
  return best;
}

static void run_arg_max(const msf_call *call) {
  const int32_t flip = call->stage->arg[0] != 0 ? -1 : 0;
  for (int32_t x = call->x0; x < call->x1; x++) {
    const uint32_t place = (uint32_t)place_of_extreme(msf_pixel(&call->in[0], call->y, x), call->in[0].c, flip);
    int8_t *out = msf_pixel(&call->out, call->y, x);
    for (int32_t i = 0; i < WORD; i++) out[i] = (int8_t)(uint8_t)(place >> 8 * i);
  }
}

const msf_operator msf_table_of_words = {
    .check = check_table_of_words, .reads = msf_reads_pixel, .run = run_table_of_words, .inputs = 1};
const msf_operator msf_arg_max = {.check = check_arg_max, .reads = msf_reads_pixel, .run = run_arg_max, .inputs = 1};
