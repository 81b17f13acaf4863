/*
 * A wake word, listened for all the time: microphone, features, one step of the network for every few rows of them.
 *
 * The model is yours. One that looks at a window of features becomes a step model, which takes only what is new:
 *
 *   tflm-msf export my_model.tflite --stateful=3 --format arduino --name wake -o made
 *
 * Copy wake.h and wake.cpp from made/wake beside this sketch. The features are those of TFLM's microfrontend, 40 values for
 * every 10 ms of sound: use whatever your model was trained with.
 */
#include <Arduino.h>
#include <Chirale_TensorFlowLite.h>  // the TFLM library: any will do, put its header here
#include <PDM.h>                     // the microphone of a Nano 33 BLE Sense, say
#include <string.h>

#include <tensorflow/lite/experimental/microfrontend/lib/frontend.h>
#include <tensorflow/lite/experimental/microfrontend/lib/frontend_util.h>
#include <tensorflow/lite/micro/micro_interpreter.h>
#include <tensorflow/lite/schema/schema_generated.h>

#if !__has_include("wake.h")
#error "keyword_streaming: make wake.h with `tflm-msf export`, as the sketch's first lines say."
#endif
#include "wake.h"

static const int kSampleRate = 16000;
static const int kFeatures = 40;   // values of a row
static const int kWakeWord = 0;    // ---- YOUR WORD: its place among the outputs ----
static const int kThreshold = 64;  // of the mean score, int8
static const int kScores = 5;      // that the mean is of: one alone may be an accident

alignas(16) static uint8_t arena[wake::kArenaSize];
static wake::Resolver resolver;
static tflite::MicroInterpreter *interpreter;
static FrontendState frontend;
static const char *problem = nullptr;  // said again and again: the serial monitor may be opened late

// Sound that has come and was not looked at yet. The microphone's interrupt writes, loop() reads.
static const uint32_t kSamples = 4096;
static int16_t samples[kSamples];
static volatile uint32_t written = 0;
static uint32_t taken = 0;

static void listen() {
  int16_t chunk[256];
  const int bytes = PDM.read(chunk, sizeof(chunk));
  for (int i = 0; i < bytes / 2; i++) samples[(written + i) % kSamples] = chunk[i];
  written = written + bytes / 2;
}

// The next row of features as int8; false if there is not enough sound for one.
static bool nextRow(int8_t *row) {
  while (taken != written) {
    size_t used = 0;
    const FrontendOutput output = FrontendProcessSamples(&frontend, &samples[taken % kSamples], 1, &used);
    taken += used;
    if (output.values == nullptr) continue;
    for (size_t i = 0; i < output.size; i++) {
      // What the front end gives lies between 0 and about 670: over the whole of int8.
      const int32_t value = (static_cast<int32_t>(output.values[i]) * 256 + 333) / 666 - 128;
      row[i] = static_cast<int8_t>(value > 127 ? 127 : value);
    }
    return true;
  }
  return false;
}

static void prepareFeatures() {
  FrontendConfig config;
  FrontendFillConfigWithDefaults(&config);
  config.window.size_ms = 30;
  config.window.step_size_ms = 10;
  config.filterbank.num_channels = kFeatures;
  if (!FrontendPopulateState(&config, &frontend, kSampleRate)) problem = "the front end has no room";
}

void setup() {
  Serial.begin(115200);
  if (wake::AddOperators(resolver) != kTfLiteOk) {
    problem = "the resolver has no room for the operators";
    return;
  }
  // TFLM libraries from before 2023 want an error reporter as fifth argument.
  static tflite::MicroInterpreter theInterpreter(tflite::GetModel(wake::kModel), resolver, arena, sizeof(arena));
  interpreter = &theInterpreter;
  if (interpreter->AllocateTensors() != kTfLiteOk) {
    problem = "the model does not start; TFLM said why above";
  } else if (interpreter->input(0)->bytes != static_cast<size_t>(wake::kHop * kFeatures)) {
    problem = "the model takes other features than this sketch makes: change kFeatures";
  }
  prepareFeatures();
  PDM.onReceive(listen);
  if (!PDM.begin(1, kSampleRate)) problem = "there is no microphone";
}

// The mean of the last scores of the wake word.
static int smoothed(int8_t score) {
  static int8_t scores[kScores];
  static int next = 0;
  int sum = 0;
  scores[next] = score;
  next = (next + 1) % kScores;
  for (int i = 0; i < kScores; i++) sum += scores[i];
  return sum / kScores;
}

void loop() {
  static int rows = 0;   // that the next step has so far
  static int steps = 0;  // since the start
  if (problem != nullptr) {
    Serial.println(problem);
    delay(2000);
    return;
  }
  if (written - taken >
      kSamples) {  // too slow: sound was lost, so that what the network remembers is not what was said
    taken = written;
    rows = steps = 0;
    FrontendReset(&frontend);
    msf_reset_state();
  }
  if (!nextRow(reinterpret_cast<int8_t *>(interpreter->input(0)->data.raw) + rows * kFeatures)) return;
  if (++rows < wake::kHop) return;
  rows = 0;
  const unsigned long start = micros();
  if (interpreter->Invoke() != kTfLiteOk) {
    problem = "the inference failed; TFLM said why above";
    return;
  }
  const unsigned long microseconds = micros() - start;
  if (++steps < wake::kWarmUp) return;  // the window is not full: the outputs mean nothing yet
  const int score = smoothed(reinterpret_cast<const int8_t *>(interpreter->output(0)->data.raw)[kWakeWord]);
  if (score < kThreshold) return;
  Serial.print("heard, score ");
  Serial.print(score);
  Serial.print(", a step took ");
  Serial.print(microseconds);
  Serial.println(" us");
}
