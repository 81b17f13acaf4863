/* Classifies a digit from flash in TensorFlow Lite Micro, over and over, and prints what it found. */
#include <stdio.h>
#include <string.h>

#ifdef ARDUINO
#include <Arduino.h>
#else
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
static unsigned long micros() { return static_cast<unsigned long>(esp_timer_get_time()); }
static void delay(unsigned long milliseconds) { vTaskDelay(pdMS_TO_TICKS(milliseconds)); }
#endif

#include <tensorflow/lite/micro/micro_interpreter.h>
#include <tensorflow/lite/schema/schema_generated.h>
#if __has_include(<tensorflow/lite/micro/micro_error_reporter.h>)
#include <tensorflow/lite/micro/micro_error_reporter.h>
#define REPORTER , &reporter /* TFLM from before 2023 */
static tflite::MicroErrorReporter reporter;
#else
#define REPORTER
#endif

#include "digit.h"
#include "digits_int8.h"

alignas(16) static uint8_t arena[digits_int8::kArenaSize];

static int largest(const int8_t *values, int count) {
  int best = 0;
  for (int i = 1; i < count; i++) {
    if (values[i] > values[best]) best = i;
  }
  return best;
}

static void run() {
  static digits_int8::Resolver resolver;
  if (digits_int8::AddOperators(resolver) != kTfLiteOk) return;
  static tflite::MicroInterpreter interpreter(tflite::GetModel(digits_int8::kModel), resolver, arena,
                                              sizeof(arena) REPORTER);
  if (interpreter.AllocateTensors() != kTfLiteOk) {
    printf("the model does not start; TFLM said why above\n");
    return;
  }
  for (;;) {
    memcpy(interpreter.input(0)->data.int8, kDigit, sizeof(kDigit)); /* a camera's picture would go here */
    const unsigned long start = micros();
    const TfLiteStatus status = interpreter.Invoke();
    const unsigned long took = micros() - start;
    const int digit = status == kTfLiteOk ? largest(interpreter.output(0)->data.int8, 10) : -1;
    printf("digit %d (%s), %lu us, arena %u of %u bytes\n", digit, digit == DIGIT_LABEL ? "right" : "WRONG", took,
           static_cast<unsigned>(interpreter.arena_used_bytes()), static_cast<unsigned>(sizeof(arena)));
    delay(2000);
  }
}

#ifdef ARDUINO
void setup() {
  Serial.begin(115200); /* where printf goes as well */
  run();
}
void loop() {}
#else
extern "C" void app_main() { run(); }
#endif
