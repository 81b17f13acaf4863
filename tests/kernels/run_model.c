/*
 * Runs an exported model on what stdin holds: all inputs of each inference, one behind the other. Writes all outputs of
 * each, then how many convolutions a library computed, as a decimal number on stderr.
 */
#include <stdio.h>

#include "convolve.h"
#include "model.h"

static int read_inputs(void) {
  for (uint32_t i = 0; i < MODEL_INPUT_COUNT; i++) {
    if (fread(model_input(i), 1, model_input_size(i), stdin) != model_input_size(i)) return 0;
  }
  return 1;
}

int main(void) {
  if (model_init() != MSF_OK) return 1;
  while (read_inputs()) {
    if (model_invoke() != MSF_OK) return 1;
    for (uint32_t i = 0; i < MODEL_OUTPUT_COUNT; i++) fwrite(model_output(i), 1, model_output_size(i), stdout);
  }
  fprintf(stderr, "%lu\n", convolved());
  return 0;
}
