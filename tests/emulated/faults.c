/*
 * Puts faults to the kernels as a device may have them. Prints what came of each, one per line; test_faults.py knows
 * what has to.
 */
#include <stdio.h>
#include <string.h>

#include "block.h" /* the block, changed programs, and what it computes: made by the test */
#include "msf.h"
#include "one.h"
#include "two.h"

static uint8_t memory[BLOCK_MEMORY + 16] __attribute__((aligned(16)));
static uint8_t program[BLOCK_PROGRAM_SIZE + 4] __attribute__((aligned(16)));
static uint8_t params[BLOCK_PARAMS_SIZE + 4] __attribute__((aligned(16)));
static msf_operand operands[BLOCK_OPERANDS];

static void tell(const char *what, msf_status status) {
  printf("%s=%d %s\n", what, (int)status, msf_status_text(status));
}

/* Everything as it should be. */
static void reset(void) {
  uint32_t at = 0;
  memcpy(program, block_program, BLOCK_PROGRAM_SIZE);
  memcpy(params, block_params, BLOCK_PARAMS_SIZE);
  for (uint32_t i = 0; i < BLOCK_OPERANDS; i++) {
    operands[i].data = i == BLOCK_PARAMS ? params : memory + at;
    operands[i].size = block_sizes[i];
    if (i != BLOCK_PARAMS) at += (block_sizes[i] + 15u) / 16u * 16u;
  }
  memcpy(operands[0].data, block_input, block_sizes[0]);
}

static msf_status prepare(void) { return msf_prepare(program, BLOCK_PROGRAM_SIZE, operands, BLOCK_OPERANDS); }

static msf_status invoke(void) { return msf_invoke(program, operands, BLOCK_OPERANDS); }

/* Still the right output, whatever was tried before? */
static void tell_output(const char *what) {
  reset();
  msf_status status = prepare();
  if (status == MSF_OK) status = invoke();
  const int same = memcmp(operands[BLOCK_OUTPUT].data, block_output, sizeof(block_output)) == 0;
  printf("%s=%d %s\n", what, (int)status, same ? "same output" : "another output");
}

static const struct {
  const char *what;
  uint32_t operand;
} parts[] = {{"input", 0}, {"params", BLOCK_PARAMS}, {"output", BLOCK_OUTPUT}, {"workspace", BLOCK_OPERANDS - 1}};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

static void try_sizes(void) {
  for (uint32_t i = 0; i < PARTS; i++) {
    char what[40];
    reset();
    operands[parts[i].operand].size--;
    snprintf(what, sizeof(what), "%s one byte small", parts[i].what);
    tell(what, prepare());
  }
  reset();
  tell("operand missing", msf_prepare(program, BLOCK_PROGRAM_SIZE, operands, BLOCK_OPERANDS - 1));
}

static void try_alignments(void) {
  reset();
  for (uint32_t shift = 1; shift < 4; shift++) {
    memmove(program + shift, block_program, BLOCK_PROGRAM_SIZE);
    tell("program misaligned", msf_prepare(program + shift, BLOCK_PROGRAM_SIZE, operands, BLOCK_OPERANDS));
  }
  reset();
  memmove(params + 1, block_params, BLOCK_PARAMS_SIZE);
  operands[BLOCK_PARAMS].data = params + 1;
  tell("params misaligned when prepared", prepare());
  for (uint32_t i = 0; i < PARTS; i++) {
    for (uint32_t shift = 1; shift < 4; shift++) {
      char what[40];
      reset();
      operands[parts[i].operand].data = (uint8_t *)operands[parts[i].operand].data + shift;
      snprintf(what, sizeof(what), "%s misaligned", parts[i].what);
      tell(what, invoke());
    }
  }
  reset();
  operands[BLOCK_OUTPUT].data = 0;
  tell("output absent", invoke());
  reset();
  operands[BLOCK_OUTPUT].data = operands[0].data;
  tell("output over input", invoke());
}

static void try_flips(void) {
  unsigned long refused = 0;
  reset();
  for (uint32_t bit = 0; bit < 8 * BLOCK_PROGRAM_SIZE; bit++) {
    program[bit / 8] ^= (uint8_t)(1u << bit % 8);
    refused += prepare() != MSF_OK;
    program[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  printf("bit flips refused=%lu of %lu\n", refused, 8ul * BLOCK_PROGRAM_SIZE);
}

static void try_programs(void) {
  for (uint32_t i = 0; i < CHANGED_COUNT; i++) {
    reset();
    memcpy(program, changed_programs[i].bytes, BLOCK_PROGRAM_SIZE);
    tell(changed_programs[i].what, prepare());
  }
  reset();
  for (uint32_t size = 0; size < BLOCK_PROGRAM_SIZE; size++) {
    if (msf_prepare(program, size, operands, BLOCK_OPERANDS) != MSF_BAD_PROGRAM)
      printf("cut at %lu\n", (unsigned long)size);
  }
  tell("program cut short", msf_prepare(program, BLOCK_PROGRAM_SIZE - 1, operands, BLOCK_OPERANDS));
  tell("no program", msf_prepare(0, BLOCK_PROGRAM_SIZE, operands, BLOCK_OPERANDS));
}

static int no_row(void *context, uint32_t y, void *row, uint32_t size) {
  (void)context;
  (void)y;
  (void)row;
  (void)size;
  return 1;
}

static int row_of_ones(void *context, uint32_t y, void *row, uint32_t size) {
  *(uint32_t *)context += y;
  memset(row, 1, size);
  return 0;
}

/* Model one takes its input from a tensor, model two from rows. */
static void try_two_models(void) {
  uint32_t rows = 0;
  unsigned long wrong = 0;
  tell("one prepared", one_init());
  tell("two without a source", two_init());
  two_set_row_source(row_of_ones, &rows);
  tell("two prepared", two_init());
  for (int turn = 0; turn < 4; turn++) {
    memcpy(one_input(0), one_case_input, sizeof(one_case_input));
    if (one_invoke() != MSF_OK || memcmp(one_output(0), one_case_output, sizeof(one_case_output)) != 0) wrong++;
    if (two_invoke() != MSF_OK || memcmp(two_output(0), two_case_output, sizeof(two_case_output)) != 0) wrong++;
  }
  printf("turns wrong=%lu of 8\n", wrong);
  msf_set_row_source(no_row, 0);
  tell("source for others", two_invoke());
  tell("source for a model without", one_invoke());
  two_set_row_source(0, 0);
  tell("source that fails", two_invoke());
  msf_set_row_source(0, 0);
  tell("source missing", two_invoke());
  tell("one after all", one_invoke());
}

int main(void) {
  tell_output("before");
  try_sizes();
  try_alignments();
  try_flips();
  try_programs();
  tell_output("between");
  try_two_models();
  tell_output("after");
  printf("end=0\n");
  return 0;
}
