/*
 * Runs the network digits and says on the serial port (115200 baud) how long that took, how much arena it used,
 * what came out, and whether that is what TFLM gave on a computer (see digits_case.h).
 */
#include <Arduino.h>
#include <Chirale_TensorFlowLite.h>  // the TFLM library: any will do, put its header here
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <new>
#include <type_traits>

#include <tensorflow/lite/micro/micro_interpreter.h>
#include <tensorflow/lite/schema/schema_generated.h>
#if __has_include(<tensorflow/lite/micro/micro_error_reporter.h>)  // TFLM libraries from before 2023
#include <tensorflow/lite/micro/micro_error_reporter.h>
#endif

#include "digits.h"
#include "digits_case.h"

static void say(const char *line) { Serial.println(line); }
static unsigned long nowInMicroseconds() { return micros(); }

static const char *problem = nullptr;  // said again and again: the serial monitor may be opened late

alignas(16) static uint8_t arena[digits::kArenaSize];
static digits::Resolver resolver;
static tflite::MicroInterpreter *interpreter;

#if __has_include(<tensorflow/lite/micro/micro_error_reporter.h>)
using Reporter = tflite::MicroErrorReporter;
#else
struct Reporter {};
#endif
static Reporter reporter;

// Old TFLM libraries hand an interpreter something to report errors to, new ones do not.
template <typename Interpreter, typename Reporter,
          bool kReports = std::is_constructible<Interpreter, const tflite::Model *, const tflite::MicroOpResolver &,
                                                uint8_t *, size_t, Reporter *>::value>
struct Maker {
  static Interpreter *make(void *place, Reporter *reporter) {
    return new (place) Interpreter(tflite::GetModel(digits::kModel), resolver, arena, sizeof(arena), reporter);
  }
};
template <typename Interpreter, typename Reporter>
struct Maker<Interpreter, Reporter, false> {
  static Interpreter *make(void *place, Reporter *) {
    return new (place) Interpreter(tflite::GetModel(digits::kModel), resolver, arena, sizeof(arena));
  }
};

// ---- YOUR INPUT: fill the network's inputs here. An inference overwrites them. ----
static void fillInputs() {
  for (uint32_t i = 0; i < 1; i++) {
    memcpy(interpreter->input(i)->data.raw, digits_case_inputs[i].data, digits_case_inputs[i].size);
  }
}

static const void *output(uint32_t index) { return interpreter->output(index)->data.raw; }

static bool isAsExpected() {
  for (uint32_t i = 0; i < DIGITS_CASE_OUTPUT_COUNT; i++) {
    if (memcmp(output(i), digits_case_outputs[i].data, digits_case_outputs[i].size) != 0) return false;
  }
  return true;
}

static int largest() {
  const int8_t *values = static_cast<const int8_t *>(output(0));
  int best = 0;
  for (int i = 1; i < 10; i++) {
    if (values[i] > values[best]) best = i;
  }
  return best;
}

void setup() {
  Serial.begin(115200);
  if (digits::AddOperators(resolver) != kTfLiteOk) {
    problem = "the resolver has no room for the operators";
    return;
  }
  alignas(tflite::MicroInterpreter) static uint8_t place[sizeof(tflite::MicroInterpreter)];
  interpreter = Maker<tflite::MicroInterpreter, Reporter>::make(place, &reporter);
  if (interpreter->AllocateTensors() != kTfLiteOk) problem = "the model does not start; TFLM said why above";
}

void loop() {
  if (problem != nullptr) {
    say(problem);
  } else {
    fillInputs();
    const unsigned long start = nowInMicroseconds();
    const bool done = interpreter->Invoke() == kTfLiteOk;
    const unsigned long microseconds = nowInMicroseconds() - start;
    const unsigned long used = static_cast<unsigned long>(interpreter->arena_used_bytes());
    const unsigned long size = digits::kArenaSize;
    char line[160];
    snprintf(line, sizeof(line), "latency: %lu us, arena: %lu of %lu bytes, largest output: number %d, self-check: %s",
             microseconds, used, size, done ? largest() : -1, done && isAsExpected() ? "PASS" : "FAIL");
    say(line);
  }
  delay(2000);
}
