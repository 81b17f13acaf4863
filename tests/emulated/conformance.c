/*
 * Runs all pairs of an image (tests/emulated/conformance.py says how it is laid out) and compares every output byte and
 * what lies before and behind the arena. The last line says how many pairs differ; the exit status is 0 if none does.
 */
#include <stdio.h>
#include <string.h>

#include "image.h"
#include "msf.h"

#define GUARD_BYTES 32u
#define PAINT 0x5A

enum { MOST_OPERANDS = 64 };

typedef struct {
  uint32_t offset, size;
} span;

typedef struct {
  uint32_t is_constant; /* in the image, not in the arena */
  span at;
} place;

typedef struct {
  span program;
  uint32_t operand_count, operands;
} block;

typedef struct {
  char name[40];
  uint32_t arena_size;
  uint32_t block_count, blocks;
  uint32_t input_count, inputs;
  uint32_t output_count, outputs;
  uint32_t state_count, states;
  uint32_t case_count, case_size, cases;
  uint32_t input_bytes;
} pair;

static int8_t memory[GUARD_BYTES + ARENA_SIZE + GUARD_BYTES] __attribute__((aligned(16)));
static int8_t *const arena = memory + GUARD_BYTES;
static const int8_t *rows;

static const void *in_image(uint32_t offset) { return image + offset; }

static int next_row(void *context, uint32_t y, void *row, uint32_t size) {
  (void)context;
  memcpy(row, rows + y * size, size);
  return 0;
}

static msf_status call_blocks(const pair *p, int prepare) {
  const block *b = in_image(p->blocks);
  msf_status status = MSF_OK;
  for (uint32_t i = 0; status == MSF_OK && i < p->block_count; i++, b++) {
    msf_operand operands[MOST_OPERANDS];
    const place *places = in_image(b->operands);
    if (b->operand_count > MOST_OPERANDS) return MSF_BAD_OPERAND;
    for (uint32_t k = 0; k < b->operand_count; k++) {
      operands[k].data = places[k].is_constant ? (void *)(image + places[k].at.offset) : arena + places[k].at.offset;
      operands[k].size = places[k].at.size;
    }
    status = prepare ? msf_prepare(in_image(b->program.offset), b->program.size, operands, b->operand_count)
                     : msf_invoke(in_image(b->program.offset), operands, b->operand_count);
  }
  return status;
}

static int is_painted(const int8_t *from) {
  for (uint32_t i = 0; i < GUARD_BYTES; i++) {
    if (from[i] != PAINT) return 0;
  }
  return 1;
}

static int outputs_differ(const pair *p, uint32_t number, const int8_t *want) {
  const span *outputs = in_image(p->outputs);
  for (uint32_t k = 0; k < p->output_count; want += outputs[k++].size) {
    const int8_t *got = arena + outputs[k].offset;
    for (uint32_t i = 0; i < outputs[k].size; i++) {
      if (got[i] == want[i]) continue;
      printf("%s, case %u, output %u, byte %u: %d, not %d\n", p->name, (unsigned)number, (unsigned)k, (unsigned)i,
             got[i], want[i]);
      return 1;
    }
  }
  return 0;
}

static int case_differs(const pair *p, uint32_t number) {
  const int8_t *values = (const int8_t *)in_image(p->cases) + number * p->case_size;
  const span *inputs = in_image(p->inputs);
  msf_status status;
  rows = values;
  msf_set_row_source(p->input_count == 0 ? next_row : 0, 0);
  for (uint32_t k = 0; k < p->input_count; k++) {
    memcpy(arena + inputs[k].offset, values, inputs[k].size);
    values += inputs[k].size;
  }
  status = call_blocks(p, 0);
  if (status != MSF_OK) {
    printf("%s, case %u: status %d\n", p->name, (unsigned)number, (int)status);
    return 1;
  }
  if (!is_painted(memory) || !is_painted(arena + p->arena_size)) {
    printf("%s, case %u: wrote beside its arena\n", p->name, (unsigned)number);
    return 1;
  }
  return outputs_differ(p, number, (const int8_t *)in_image(p->cases) + number * p->case_size + p->input_bytes);
}

static int differs(const pair *p) {
  const uint32_t *states = in_image(p->states);
  msf_status status;
  memset(memory, PAINT, sizeof memory);
  for (uint32_t i = 0; i < p->state_count; i++) memset(arena + states[i], 0, 4);
  status = call_blocks(p, 1);
  if (status != MSF_OK) printf("%s: refused with status %d\n", p->name, (int)status);
  for (uint32_t i = 0; status == MSF_OK && i < p->case_count; i++) {
    if (case_differs(p, i)) return 1;
  }
  return status != MSF_OK;
}

int main(void) {
  const pair *pairs = (const pair *)image;
  unsigned differing = 0;
  for (uint32_t i = 0; i < PAIR_COUNT; i++) differing += (unsigned)differs(pairs + i);
  printf("%u of %u pairs differ\n", differing, (unsigned)PAIR_COUNT);
  return differing != 0;
}
