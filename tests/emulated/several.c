/*
 * Runs several models on the cases that were compiled in. "models.h" includes them and says COMPARE_ALL, a COMPARE for
 * each. The last line says how many output bytes differ; the exit status is 0 only if none does.
 */
#include <stdio.h>
#include <string.h>

#include "models.h"

static unsigned long compared, differing;

static void compare(const char *name, int number, int output, const int8_t *got, const int8_t *want, uint32_t n) {
  for (uint32_t i = 0; i < n; i++, compared++) {
    if (got[i] == want[i]) continue;
    if (differing++ < 20)
      printf("%s, case %d, output %d, byte %u: %d, not %d\n", name, number, output, (unsigned)i, got[i], want[i]);
  }
}

#define COMPARE(name, NAME)                                                       \
  for (int i = 0; i < (int)(sizeof name##_cases / sizeof *name##_cases); i++) {   \
    const int8_t *values = name##_cases[i];                                       \
    int status = (int)name##_init();                                              \
    for (uint32_t k = 0; k < NAME##_INPUT_COUNT; k++) {                           \
      memcpy(name##_input(k), values, name##_input_size(k));                      \
      values += name##_input_size(k);                                             \
    }                                                                             \
    if (status == 0) status = (int)name##_invoke();                               \
    if (status != 0) printf("%s failed with status %d\n", #name, status);         \
    for (uint32_t k = 0; status == 0 && k < NAME##_OUTPUT_COUNT; k++) {           \
      compare(#name, i, (int)k, name##_output(k), values, name##_output_size(k)); \
      values += name##_output_size(k);                                            \
    }                                                                             \
  }

int main(void) {
  COMPARE_ALL
  printf("%lu of %lu bytes differ\n", differing, compared);
  return differing != 0;
}
