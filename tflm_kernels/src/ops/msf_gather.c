/*
 * GATHER: channels of the same pixel, in any order. weights: u16 for each output channel, which input channel it is.
 */
#include "kernel/msf_kernel.h"

static const uint16_t *table_of(const uint8_t *params, const msf_stage *s) {
  return (const uint16_t *)(const void *)(params + s->weights);
}

static int check(const msf_stage_shape *shape) {
  const msf_stage *s = shape->stage;
  if (!msf_reads_one_pixel(s) || !msf_same_grid(shape->in[0], shape->out) ||
      !msf_fits(s->weights, shape->out->c, 2, shape->params_size)) {
    return 0;
  }
  for (uint32_t c = 0; c < shape->out->c; c++) {
    if (table_of(shape->params, s)[c] >= shape->in[0]->c) return 0;
  }
  return 1;
}

static void run(const msf_call *call) {
  const uint16_t *table = table_of((const uint8_t *)call->params, call->stage);
  for (int32_t x = call->x0; x < call->x1; x++) {
    const int8_t *in = msf_pixel(&call->in[0], call->y, x);
    int8_t *out = msf_pixel(&call->out, call->y, x);
    for (int32_t c = 0; c < call->out.c; c++) out[c] = in[table[c]];
  }
}

const msf_operator msf_gather = {.check = check, .reads = msf_reads_pixel, .run = run, .inputs = 1};
