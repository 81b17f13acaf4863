/* One test for each model, reported in the format of Unity, which test_custom_runner.py reads. */
#include <stdio.h>

#include "cases.h"

static void report(const model_cases *model, const case_result *result, int passed) {
  printf("%s:%d:%s:%s", __FILE__, __LINE__, model->name, passed ? "PASS\n" : "FAIL: ");
  if (passed) return;
  printf("%lu of %lu cases, %lu of %lu output bytes differ, %s\n", (unsigned long)result->cases,
         (unsigned long)model->case_count, (unsigned long)result->differing, (unsigned long)result->compared,
         msf_status_text(result->status));
}

int main(void) {
  unsigned long failures = 0;
  for (uint32_t i = 0; i < model_count; i++) {
    const case_result result = run_cases(&all_models[i]);
    const int passed = all_right(&all_models[i], &result);
    if (!passed) failures++;
    report(&all_models[i], &result, passed);
  }
  printf("\n-----------------------\n%lu Tests %lu Failures 0 Ignored\n%s\n", (unsigned long)model_count, failures,
         failures ? "FAIL" : "OK");
  return failures != 0;
}
