/*
 * Runs a model in TFLM's interpreter on the cases that were compiled in, and compares every output byte. The last line is
 * JSON; the exit status is 0 only if every byte of every case is right.
 */
#include <cstdio>
#include <cstring>

#include "peers.h"  // CASE_COUNT, ARENA_SIZE, OPERATORS, VARIABLES, ADD_OPERATORS(resolver)
#include "probe.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/micro/micro_resource_variable.h"
#include "tensorflow/lite/schema/schema_generated.h"
#include "tflm_msf.h"

extern "C" const uint8_t model_bytes[], case_bytes[];
extern "C" void *__dso_handle;
void *__dso_handle; /* of destructors, which never run here */

namespace {

alignas(16) uint8_t arena[ARENA_SIZE];
tflite::MicroInterpreter *interpreter;

int Invoke() { return static_cast<int>(interpreter->Invoke()); }

const uint8_t *FillInputs(const uint8_t *values) {
  for (size_t i = 0; i < interpreter->inputs_size(); i++) {
    TfLiteTensor *input = interpreter->input(i);
    std::memcpy(input->data.raw, values, input->bytes);
    values += input->bytes;
  }
  return values;
}

/* Adds the number of output bytes that differ; returns where the next case begins. */
const uint8_t *CountDiffering(const uint8_t *expected, unsigned long *differing) {
  for (size_t i = 0; i < interpreter->outputs_size(); i++) {
    const TfLiteTensor *output = interpreter->output(i);
    for (size_t k = 0; k < output->bytes; k++) *differing += output->data.uint8[k] != expected[k];
    expected += output->bytes;
  }
  return expected;
}

}  // namespace

int main() {
  static tflite::MicroMutableOpResolver<OPERATORS + 1> resolver;
  unsigned long differing = 0;
  uint32_t stack = 0;
  ADD_OPERATORS(resolver)
  tflm_msf::Register(resolver);
#if VARIABLES > 0
  tflite::MicroAllocator *allocator = tflite::MicroAllocator::Create(arena, sizeof arena);
  tflite::MicroResourceVariables *variables = tflite::MicroResourceVariables::Create(allocator, VARIABLES);
  static tflite::MicroInterpreter made(tflite::GetModel(model_bytes), resolver, allocator, variables);
#else
  static tflite::MicroInterpreter made(tflite::GetModel(model_bytes), resolver, arena, sizeof arena);
#endif
  interpreter = &made;
  int status = static_cast<int>(interpreter->AllocateTensors());
  const uint8_t *values = case_bytes;
  for (int i = 0; status == 0 && i < CASE_COUNT; i++) {
    values = FillInputs(values);
    status = probe_call(Invoke, &stack);
    if (status == 0) values = CountDiffering(values, &differing);
  }
  std::printf("{\"differing\": %lu, \"status\": %d, \"arena\": %lu, \"stack\": %lu}\n", differing, status,
              static_cast<unsigned long>(interpreter->arena_used_bytes()), static_cast<unsigned long>(stack));
  return status != 0 || differing != 0;
}
