#include "cases.h"

#include <string.h>

#include "cases.inc"

#ifndef CASES_AT_MOST
#define CASES_AT_MOST UINT32_MAX /* of each model; simulated cores are slow */
#endif

static uint32_t compare(const int8_t *got, const int8_t *expected, uint32_t size) {
  uint32_t differing = 0;
  for (uint32_t i = 0; i < size; i++) differing += got[i] != expected[i];
  return differing;
}

static uint32_t wanted(const model_cases *model) {
  return model->case_count < CASES_AT_MOST ? model->case_count : CASES_AT_MOST;
}

case_result run_cases(const model_cases *model) {
  case_result result = {model->init(), 0, 0, 0};
  const int8_t *input = model->inputs;
  const int8_t *expected = model->outputs;
  while (result.status == MSF_OK && result.cases < wanted(model)) {
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
  return result->status == MSF_OK && result->cases == wanted(model) && result->compared > 0 && result->differing == 0;
}
