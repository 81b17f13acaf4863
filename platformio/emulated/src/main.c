/* Runs every model and says what it found: `pio run -e m4 -t upload`. */
#include <stdio.h>

#include "cases.h"

#ifndef PIO_UNIT_TESTING
int main(void) {
  int failed = model_count == 0;
  for (uint32_t i = 0; i < model_count; i++) {
    const model_cases *model = &all_models[i];
    const case_result result = run_cases(model);
    printf("%s: arena %lu bytes, %lu of %lu cases, %lu output bytes compared, %lu differ: %s\n", model->name,
           (unsigned long)model->arena_size, (unsigned long)result.cases, (unsigned long)model->case_count,
           (unsigned long)result.compared, (unsigned long)result.differing, msf_status_text(result.status));
    if (!all_right(model, &result)) failed = 1;
  }
  return failed;
}
#endif
