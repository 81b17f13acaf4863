/*
 * Keyword spotting from features in flash: which word is it, how long did that take, how much arena did it need?
 *
 * The model is yours. Make its sources, with the features of one second of sound (the network's raw input values):
 *
 *   tflm-msf export my_model.tflite --format arduino --name kws --input features.bin -o made
 *
 * and copy kws.h, kws.cpp, kws_case.h and kws_case.c from made/kws beside this sketch.
 */
#include <Arduino.h>
#include <Chirale_TensorFlowLite.h>  // the TFLM library: any will do, put its header here
#include <string.h>

#include <tensorflow/lite/micro/micro_interpreter.h>
#include <tensorflow/lite/schema/schema_generated.h>

#if !__has_include("kws.h")
#error "keyword_spotting: make kws.h with `tflm-msf export`, as the sketch's first lines say."
#endif
#include "kws.h"
#include "kws_case.h"

// The words of your model, in the order of its outputs. These are MLPerf Tiny's.
static const char *const kWords[] = {"down", "go",  "left", "no",  "off",     "on",
                                     "right", "stop", "up",   "yes", "silence", "unknown"};
static const int kWordCount = sizeof(kWords) / sizeof(kWords[0]);

alignas(16) static uint8_t arena[kws::kArenaSize];
static kws::Resolver resolver;
static tflite::MicroInterpreter *interpreter;
static const char *problem = nullptr;  // said again and again: the serial monitor may be opened late

// ---- YOUR FEATURES: compute them from the microphone here, `size` bytes as the model takes them. ----
static void fillFeatures(void *features, uint32_t size) { memcpy(features, kws_case_inputs[0].data, size); }

static int bestWord(const int8_t *scores, int count) {
  int best = 0;
  for (int i = 1; i < count; i++) {
    if (scores[i] > scores[best]) best = i;
  }
  return best;
}

void setup() {
  Serial.begin(115200);
  if (kws::AddOperators(resolver) != kTfLiteOk) {
    problem = "the resolver has no room for the operators";
    return;
  }
  // TFLM libraries from before 2023 want an error reporter as fifth argument.
  static tflite::MicroInterpreter theInterpreter(tflite::GetModel(kws::kModel), resolver, arena, sizeof(arena));
  interpreter = &theInterpreter;
  if (interpreter->AllocateTensors() != kTfLiteOk) {
    problem = "the model does not start; TFLM said why above";
  } else if (interpreter->output(0)->bytes != static_cast<size_t>(kWordCount)) {
    problem = "the model has not as many outputs as there are words: change kWords";
  }
}

void loop() {
  if (problem != nullptr) {
    Serial.println(problem);
    delay(2000);
    return;
  }
  fillFeatures(interpreter->input(0)->data.raw, static_cast<uint32_t>(interpreter->input(0)->bytes));
  const unsigned long start = micros();
  if (interpreter->Invoke() != kTfLiteOk) {
    problem = "the inference failed; TFLM said why above";
    return;
  }
  const unsigned long microseconds = micros() - start;
  const char *scores = interpreter->output(0)->data.raw;

  Serial.print("latency: ");
  Serial.print(microseconds);
  Serial.print(" us, arena: ");
  Serial.print(static_cast<unsigned long>(interpreter->arena_used_bytes()));
  Serial.print(" bytes, word: ");
  Serial.print(kWords[bestWord(reinterpret_cast<const int8_t *>(scores), kWordCount)]);
  // True for the features in flash only. Remove it with them.
  const bool same = memcmp(scores, kws_case_outputs[0].data, kws_case_outputs[0].size) == 0;
  Serial.println(same ? ", self-check: PASS" : ", self-check: FAIL");
  delay(2000);
}
