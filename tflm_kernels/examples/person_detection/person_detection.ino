/*
 * Person detection with a camera that delivers rows: the image is never held, so that it takes no RAM at all.
 *
 * The model is yours, or TFLM's person_detect. Make its sources with streamed input:
 *
 *   tflm-msf export person_detect.tflite --format arduino --stream-input --name person --input image.bin -o made
 *
 * (image.bin: raw input values; without --input it is made up) and copy person.h, person.cpp, person_case.h and
 * person_case.c from made/person beside this sketch. It runs with the image in flash until you put your camera in.
 * --pixel-format uint8 makes a row grey levels 0 to 255, --pixel-format rgb565 what most camera modules send, for a
 * model that takes colours.
 */
#include <Arduino.h>
#include <Chirale_TensorFlowLite.h>  // the TFLM library: any will do, put its header here
#include <string.h>

#include <tensorflow/lite/micro/micro_interpreter.h>
#include <tensorflow/lite/schema/schema_generated.h>

#if !__has_include("person.h")
#error "person_detection: make person.h with `tflm-msf export`, as the sketch's first lines say."
#endif
#include "person.h"
#include "person_case.h"

static const int kPerson = 1;  // which output says "person", and which "nobody"; these are TFLM's
static const int kNobody = 0;

alignas(16) static uint8_t arena[person::kArenaSize];
static person::Resolver resolver;
static tflite::MicroInterpreter *interpreter;
static const char *problem = nullptr;  // said again and again: the serial monitor may be opened late

// ================================================ YOUR CAMERA =======================================================
// Called during Invoke, once for each row, from the top. Fill `row` with `size` bytes: the row's pixels from left to
// right, channels innermost, as person.h says (int8 without --pixel-format: a grey level 0..255 less 128). Wait here
// until the camera has the row, crop and scale it as need be. Return 0, or anything else to give the inference up.
static int nextRow(void *camera, uint32_t y, void *row, uint32_t size) {
  (void)camera;
  const uint8_t *image = static_cast<const uint8_t *>(person_case_inputs[0].data);  // the stub: an image in flash
  memcpy(row, image + y * size, size);
  return 0;
}
// ====================================================================================================================

void setup() {
  Serial.begin(115200);
  person::SetRowSource(nextRow, nullptr);
  if (person::AddOperators(resolver) != kTfLiteOk) {
    problem = "the resolver has no room for the operators";
    return;
  }
  // TFLM libraries from before 2023 want an error reporter as fifth argument.
  static tflite::MicroInterpreter theInterpreter(tflite::GetModel(person::kModel), resolver, arena, sizeof(arena));
  interpreter = &theInterpreter;
  if (interpreter->AllocateTensors() != kTfLiteOk) problem = "the model does not start; TFLM said why above";
}

void loop() {
  if (problem != nullptr) {
    Serial.println(problem);
    delay(2000);
    return;
  }
  const unsigned long start = micros();
  if (interpreter->Invoke() != kTfLiteOk) {
    problem = "the inference failed, or the camera gave up; TFLM said why above";
    return;
  }
  const unsigned long microseconds = micros() - start;
  const char *bytes = interpreter->output(0)->data.raw;
  const int8_t *scores = reinterpret_cast<const int8_t *>(bytes);

  Serial.print("latency: ");
  Serial.print(microseconds);
  Serial.print(" us, arena: ");
  Serial.print(static_cast<unsigned long>(interpreter->arena_used_bytes()));
  Serial.print(scores[kPerson] > scores[kNobody] ? " bytes, a person" : " bytes, nobody");
  // True for the image in flash only. Remove it with the stub.
  const bool same = memcmp(bytes, person_case_outputs[0].data, person_case_outputs[0].size) == 0;
  Serial.println(same ? ", self-check: PASS" : ", self-check: FAIL");
  delay(2000);
}
