/* Classifies a digit from flash and says what it found where the framework's printf goes. Returns 0 if it was right. */
#include <stdio.h>
#include <string.h>

#include "digit.h"
#include "digits_int8.h"

static int largest(const int8_t *values, uint32_t count) {
  uint32_t best = 0;
  for (uint32_t i = 1; i < count; i++) {
    if (values[i] > values[best]) best = i;
  }
  return (int)best;
}

int main(void) {
  msf_status status = digits_int8_init();
  if (status == MSF_OK) {
    memcpy(digits_int8_input(0), kDigit, sizeof(kDigit));
    status = digits_int8_invoke();
  }
  if (status != MSF_OK) {
    printf("%s\n", msf_status_text(status));
    return 1;
  }
  const int digit = largest(digits_int8_output(0), digits_int8_output_size(0));
  printf("digit %d (%s), arena %u bytes\n", digit, digit == DIGIT_LABEL ? "right" : "WRONG",
         (unsigned)DIGITS_INT8_ARENA_SIZE);
  return digit != DIGIT_LABEL;
}
