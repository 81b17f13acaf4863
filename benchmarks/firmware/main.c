/*
 * Runs a model on the cases that were compiled in and compares every output byte. The last line is JSON; the exit
 * status is 0 only if every byte of every case is right.
 */
#include <stdio.h>
#include <string.h>

#include "cases.h"
#include "model.h"
#include "probe.h"

static int invoke(void) { return (int)model_invoke(); }

static void fill_inputs(const int8_t *values) {
  for (uint32_t i = 0; i < MODEL_INPUT_COUNT; i++) {
    memcpy(model_input(i), values, model_input_size(i));
    values += model_input_size(i);
  }
}

/* Number of output bytes that differ; the first is reported. */
static unsigned long count_differing(const int8_t *expected, int number) {
  unsigned long differing = 0;
  for (uint32_t i = 0; i < MODEL_OUTPUT_COUNT; i++) {
    const int8_t *got = model_output(i);
    for (uint32_t k = 0; k < model_output_size(i); k++) {
      if (got[k] == expected[k]) continue;
      if (differing++ == 0)
        printf("case %d, output %d, byte %d: %d, not %d\n", number, (int)i, (int)k, got[k], expected[k]);
    }
    expected += model_output_size(i);
  }
  return differing;
}

int main(void) {
  unsigned long differing = 0;
  uint32_t stack = 0;
  int status = (int)model_init();
  for (int i = 0; status == 0 && i < CASE_COUNT; i++) {
    uint32_t stack_now;
    fill_inputs(case_inputs[i]);
    status = probe_call(invoke, &stack_now);
    if (stack_now > stack) stack = stack_now;
    if (status == 0) differing += count_differing(case_outputs[i], i);
  }
  if (status != 0) printf("the model failed with status %d\n", status);
  printf("{\"cases\": %d, \"compared\": %lu, \"differing\": %lu, \"status\": %d, \"stack\": %lu}\n", CASE_COUNT,
         (unsigned long)CASE_COUNT * CASE_OUTPUT_SIZE, differing, status, (unsigned long)stack);
  return status != 0 || differing != 0;
}
