/* Classifies a digit from flash, over and over, and says on the serial port what it found and how long it took. */
#include <Arduino.h>
#include <string.h>

#include "digit.h"
#include "digits_int8.h"

static msf_status status;

void setup() {
  Serial.begin(115200);
  status = digits_int8_init();
}

static int largest(const int8_t *values, uint32_t count) {
  uint32_t best = 0;
  for (uint32_t i = 1; i < count; i++) {
    if (values[i] > values[best]) best = i;
  }
  return static_cast<int>(best);
}

void loop() {
  memcpy(digits_int8_input(0), kDigit, sizeof(kDigit)); /* a camera's picture would go here */
  const unsigned long start = micros();
  if (status == MSF_OK) status = digits_int8_invoke();
  const unsigned long took = micros() - start;
  if (status != MSF_OK) {
    Serial.println(msf_status_text(status));
  } else {
    const int digit = largest(digits_int8_output(0), digits_int8_output_size(0));
    Serial.print("digit ");
    Serial.print(digit);
    Serial.print(digit == DIGIT_LABEL ? " (right), " : " (WRONG), ");
    Serial.print(took);
    Serial.print(" us, arena ");
    Serial.print(static_cast<unsigned long>(DIGITS_INT8_ARENA_SIZE));
    Serial.println(" bytes");
  }
  delay(2000);
}
