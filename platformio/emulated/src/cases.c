#include "cases.h"

#include <string.h>

#include "cases.inc"

static uint32_t compare(const int8_t *got, const int8_t *expected, uint32_t size) {
  uint32_t differing = 0;
  for (uint32_t i = 0; i < size; i++) differing += got[i] != expected[i];
  return differing;
}

case_result run_cases(const model_cases *model) {
  case_result result = {model->init(), 0, 0, 0};
  const int8_t *input = model->inputs;
  const int8_t *expected = model->outputs;
  while (result.status == MSF_OK && result.cases < model->case_count) {
    for (uint32_t i = 0; model->input(i) != 0; i++) {
      memcpy(model->input(i), input, model->input_size(i));
      input += model->input_size(i);
    }
    result.status = model->invoke();
    if (result.status != MSF_OK) break;
    for (uint32_t i = 0; model->output(i) != 0; i++) {
      const uint32_t size = model->output_size(i);
      result.differing += compare(model->output(i), expected, size);
      result.compared += size;
      expected += size;
    }
    result.cases++;
  }
  return result;
}

int all_right(const model_cases *model, const case_result *result) {
  return result->status == MSF_OK && result->cases == model->case_count && result->compared > 0 &&
         result->differing == 0;
}
