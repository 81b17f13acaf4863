/*
 * As much of an interpreter as one operator needs: loads the MSF_BLOCK of model.h through a resolver, runs it once,
 * and prints the outputs' bytes in hexadecimal. FAULT makes one thing wrong. Messages go to stdout; exit status 3 if
 * prepare refused, 4 if invoke did.
 */
#include <stdarg.h>
#include <stdio.h>

#include "double.h"
#include "model.h"
#include "tflm_msf.h"

enum Fault {
  kNone,
  kMisaligned,
  kTooManyTensors,
  kNoTensors,
  kMissingTensor,
  kDamaged,
  kOddType,
  kNegativeShape,
  kNoFastMemory,
  kSmallFastMemory,
  kOddFastMemory,
  kFastMemoryOverNode,
  kFastMemoryOverTensors,
  kFastMemoryOfAnother
};
#ifndef FAULT
#define FAULT kNone
#endif

alignas(16) static uint8_t arena[ARENA_SIZE];
alignas(16) static char program[sizeof(kProgram) + 16];
static TfLiteIntArray shapes[TENSOR_COUNT];
static TfLiteEvalTensor tensors[TENSOR_COUNT];

static TfLiteEvalTensor *GetTensor(const TfLiteContext *, int index) { return &tensors[index]; }

alignas(16) static uint8_t persistent[1024];

#ifdef DOUBLE_OPAQUE_CONTEXT
void *MicroContextAllocatePersistentBuffer(TfLiteContext *, size_t bytes) {
#else
static void *AllocatePersistentBuffer(TfLiteContext *, size_t bytes) {
#endif
  return bytes <= sizeof(persistent) ? persistent : nullptr;
}

static void Print(const char *format, va_list arguments) {
  vprintf(format, arguments);
  printf("\n");
}

#ifdef DOUBLE_MICRO_LOG
void MicroPrintf(const char *format, ...) {
#else
static void ReportError(TfLiteContext *, const char *format, ...) {
#endif
  va_list arguments;
  va_start(arguments, format);
  Print(format, arguments);
  va_end(arguments);
}

#ifdef DOUBLE_OPAQUE_CONTEXT
namespace tflite {
namespace micro {
const TfLiteEvalTensor *GetEvalInput(const TfLiteContext *context, const TfLiteNode *node, int index) {
  return GetTensor(context, node->inputs->data[index]);
}
TfLiteEvalTensor *GetEvalOutput(const TfLiteContext *context, const TfLiteNode *node, int index) {
  return GetTensor(context, node->outputs->data[index]);
}
}  // namespace micro
}  // namespace tflite
#endif

static void LoadTensors() {
  for (int i = 0; i < TENSOR_COUNT; i++) {
    shapes[i].size = 1;
    shapes[i].data[0] = kTensors[i].size;
    tensors[i].dims = &shapes[i];
    tensors[i].type = kTfLiteInt8;
    tensors[i].data.data = kTensors[i].constant ? const_cast<uint8_t *>(kParams) : arena + kTensors[i].offset;
  }
  memcpy(tensors[INPUT].data.data, kInput, sizeof(kInput));
}

alignas(16) static uint8_t fast[FAST_SIZE + 16];

static void HandOverFastMemory(const char *model, TfLiteNode *node) {
  static msf_fast_memory entry;
  msf_set_fast_memory(fast, FAST_SIZE);
  if (FAULT == kNoFastMemory) msf_set_fast_memory(nullptr, 0);
  if (FAULT == kSmallFastMemory) msf_set_fast_memory(fast, FAST_SIZE - 1);
  if (FAULT == kOddFastMemory) msf_set_fast_memory(fast + 2, FAST_SIZE);
  if (FAULT == kFastMemoryOverNode) msf_set_fast_memory(node, FAST_SIZE);
  if (FAULT == kFastMemoryOverTensors) msf_set_fast_memory(arena, FAST_SIZE);
  if (FAULT == kFastMemoryOfAnother) {
    msf_set_fast_memory(nullptr, 0);
    msf_attach_fast_memory(&entry, model, sizeof(kProgram), fast, FAST_SIZE);
  }
}

int main() {
  tflite::MicroMutableOpResolver<2> resolver;
  if (tflm_msf::Register(resolver) != kTfLiteOk) return 1;
  const DoubleRegistration *op = resolver.FindOp("MSF_BLOCK");
  if (op == nullptr || tflm_msf::Register(resolver) != kTfLiteError) return 2;

  LoadTensors();
  char *place = program + (FAULT == kMisaligned);
  memcpy(place, kProgram, sizeof(kProgram));
  TfLiteIntArray inputs = kInputs, outputs = kOutputs;
  if (FAULT == kTooManyTensors) inputs.size = 25;
  if (FAULT == kNoTensors) inputs.size = outputs.size = 0;
  if (FAULT == kMissingTensor) inputs.data[0] = -1;
  if (FAULT == kDamaged) place[60] ^= 1;
  if (FAULT == kOddType) tensors[INPUT].type = kTfLiteInt64;
  if (FAULT == kNegativeShape) shapes[INPUT].data[0] = -1;

  TfLiteContext context = {};
#ifndef DOUBLE_OPAQUE_CONTEXT
  context.GetEvalTensor = GetTensor;
  context.AllocatePersistentBuffer = AllocatePersistentBuffer;
#ifndef DOUBLE_MICRO_LOG
  context.ReportError = ReportError;
#endif
#endif
  struct {
    TfLiteNode node;
    const DoubleRegistration *behind; /* where a node of another layout would be read from */
  } entry = {};
  entry.behind = op;
  entry.node.inputs = &inputs;
  entry.node.outputs = &outputs;
  entry.node.custom_initial_data = place;
  entry.node.custom_initial_data_size = sizeof(kProgram);
  entry.node.user_data = op->init(&context, place, sizeof(kProgram));
  if (FAST_SIZE > 0) HandOverFastMemory(place, &entry.node);
  if (op->prepare(&context, &entry.node) != kTfLiteOk) return 3;
  if (op->invoke(&context, &entry.node) != kTfLiteOk) return 4;
  const TfLiteEvalTensor &output = tensors[OUTPUT];
  for (int i = 0; i < shapes[OUTPUT].data[0]; i++) printf("%02x", static_cast<uint8_t>(output.data.int8[i]));
  printf("\n");
  return 0;
}
