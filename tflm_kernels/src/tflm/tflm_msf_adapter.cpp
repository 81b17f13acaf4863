/*
 * Between TensorFlow Lite Micro and the kernels: hands the tensors of an MSF_BLOCK operator to msf_prepare and
 * msf_invoke. Uses only what every TFLM library since 2021 has. The program stays in the model; all that is allocated is
 * the state of a block that has one. Empty where there is no TFLM, as in projects that use `tflm-msf export --format c`.
 */
#if defined(__has_include)
#if __has_include("tensorflow/lite/micro/micro_mutable_op_resolver.h")
#define TFLM_MSF_ADAPTER 1
#include "tensorflow/lite/micro/kernels/kernel_util.h"
#if __has_include("tensorflow/lite/micro/micro_log.h")
#include "tensorflow/lite/micro/micro_log.h"
#define TFLM_MSF_MICRO_LOG 1
#endif
#elif __has_include("edge-impulse-sdk/tensorflow/lite/micro/micro_mutable_op_resolver.h")
#define TFLM_MSF_ADAPTER 1
#include "edge-impulse-sdk/tensorflow/lite/micro/kernels/kernel_util.h"
#if __has_include("edge-impulse-sdk/tensorflow/lite/micro/micro_log.h")
#include "edge-impulse-sdk/tensorflow/lite/micro/micro_log.h"
#define TFLM_MSF_MICRO_LOG 1
#endif
#endif
#endif

#ifdef TFLM_MSF_ADAPTER

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "format/msf_program.h"
#include "msf.h"
#include "tflm_msf.h"

namespace tflm_msf {

const char kOperatorName[] = "MSF_BLOCK";

namespace {

TfLiteStatus Fail(TfLiteContext *context, const char *why) {
  (void)context;
#ifdef TFLM_MSF_MICRO_LOG
  MicroPrintf("%s: %s", kOperatorName, why);
#else
  TF_LITE_KERNEL_LOG(context, "%s: %s", kOperatorName, why);
#endif
  (void)why; /* builds that strip messages */
  return kTfLiteError;
}

TfLiteStatus ToTfLite(TfLiteContext *context, msf_status status) {
  return status == MSF_OK ? kTfLiteOk : Fail(context, msf_status_text(status));
}

/* 0 for types that no program accepts. */
uint32_t ElementSize(TfLiteType type) {
  switch (type) {
    case kTfLiteInt8:
    case kTfLiteUInt8:
    case kTfLiteBool: return 1;
    case kTfLiteInt16: return 2;
    case kTfLiteInt32:
    case kTfLiteFloat32: return 4;
    default: return 0;
  }
}

uint32_t TensorSize(const TfLiteEvalTensor &tensor) {
  uint64_t size = ElementSize(tensor.type);
  if (tensor.dims == nullptr) return 0;
  for (int i = 0; i < tensor.dims->size; i++) {
    if (tensor.dims->data[i] < 0) return 0;
    size *= static_cast<uint64_t>(tensor.dims->data[i]);
    if (size > UINT32_MAX) return 0;
  }
  return static_cast<uint32_t>(size);
}

msf_operand ToOperand(const TfLiteEvalTensor *tensor) {
  msf_operand operand = {nullptr, 0};
  if (tensor != nullptr) {
    operand.data = tensor->data.data;
    operand.size = TensorSize(*tensor);
  }
  return operand;
}

uint32_t Length(const TfLiteIntArray *indices) {
  return indices == nullptr || indices->size < 0 ? 0 : static_cast<uint32_t>(indices->size);
}

/* Fills operands with the node's inputs, then outputs. Returns their number, 0 if there are none or too many. */
uint32_t CollectOperands(TfLiteContext *context, TfLiteNode *node, msf_operand operands[MSF_MAX_OPERANDS]) {
  const uint32_t inputs = Length(node->inputs);
  const uint32_t outputs = Length(node->outputs);
  if (inputs > MSF_MAX_OPERANDS || outputs > MSF_MAX_OPERANDS - inputs) return 0;
  for (uint32_t i = 0; i < inputs; i++) {
    const bool left_out = node->inputs->data[i] < 0;
    operands[i] = ToOperand(left_out ? nullptr : tflite::micro::GetEvalInput(context, node, static_cast<int>(i)));
  }
  for (uint32_t i = 0; i < outputs; i++) {
    const bool left_out = node->outputs->data[i] < 0;
    operands[inputs + i] =
        ToOperand(left_out ? nullptr : tflite::micro::GetEvalOutput(context, node, static_cast<int>(i)));
  }
  return inputs + outputs;
}

/* Persistent memory of the interpreter: by a function of the context, or, where that has none any more, by a free one. */
template <typename Context>
auto Allocate(Context *context, size_t size, int) -> decltype(context->AllocatePersistentBuffer(context, size)) {
  return context->AllocatePersistentBuffer(context, size);
}

template <typename Context>
void *Allocate(Context *context, size_t size, long) {
  return MicroContextAllocatePersistentBuffer(context, size);
}

/* What a node keeps as its user data: the program's address; or, if the program has a state, the state. */
void *Init(TfLiteContext *context, const char *program, size_t size) {
  const uint32_t state_size = msf_state_size(program, static_cast<uint32_t>(size));
  if (state_size == 0) return size == 0 ? nullptr : const_cast<char *>(program);
  void *state = Allocate(context, state_size, 0);
  if (state != nullptr) memset(state, 0, sizeof(uint32_t));
  return state;
}

uint32_t ProgramSize(const TfLiteNode *node) {
  return node->custom_initial_data_size < 0 ? 0 : static_cast<uint32_t>(node->custom_initial_data_size);
}

/*
 * TF_LITE_STATIC_MEMORY decides where user_data and custom_initial_data lie in a node. Both hold the program's
 * address if there is no state, so where they differ, TFLM was compiled with the other setting, and nothing behind them
 * can be trusted. Read with the other setting, user_data is null for a block with a state, too.
 */
bool SameNodeLayout(const TfLiteNode *node) {
  if (node->user_data == nullptr || node->custom_initial_data == nullptr) return false;
  return node->user_data == node->custom_initial_data ||
         msf_state_size(node->custom_initial_data, ProgramSize(node)) != 0;
}

/* Adds the state, if there is one, to the operands of a node. Returns how many there are then; 0 if they are too many. */
uint32_t AddState(const TfLiteNode *node, msf_operand operands[MSF_MAX_OPERANDS], uint32_t count) {
  if (node->user_data == node->custom_initial_data || count == 0) return count;
  if (count == MSF_MAX_OPERANDS) return 0;
  operands[count].data = node->user_data;
  operands[count].size = msf_state_size(node->custom_initial_data, ProgramSize(node));
  return count + 1;
}

/* All operands of a node in their places. Returns how many there are; 0 if there are none, or too many. */
uint32_t FindOperands(TfLiteContext *context, TfLiteNode *node, msf_operand operands[MSF_MAX_OPERANDS],
                      msf_status *status) {
  const uint32_t count = AddState(node, operands, CollectOperands(context, node, operands));
  *status = msf_place_operands(node->custom_initial_data, ProgramSize(node), operands, count);
  return count;
}

TfLiteStatus Prepare(TfLiteContext *context, TfLiteNode *node) {
  if (!SameNodeLayout(node)) {
#ifdef TF_LITE_STATIC_MEMORY
    return Fail(context,
                "no program; or TFLM was compiled without TF_LITE_STATIC_MEMORY: remove it from the flags here");
#else
    return Fail(context, "no program; or TFLM was compiled with TF_LITE_STATIC_MEMORY: add it to the flags here");
#endif
  }
  if (reinterpret_cast<uintptr_t>(node->custom_initial_data) % 4 != 0) {
    return Fail(context, "the model is not aligned: declare its array with alignas(16)");
  }
  msf_operand operands[MSF_MAX_OPERANDS];
  msf_status status;
  const uint32_t count = FindOperands(context, node, operands, &status);
  if (count == 0) return Fail(context, "the operator has no tensors, or too many");
  /* Tensors lie nowhere yet; the node does, in the arena. */
  if (status == MSF_OK) status = msf_check_beside(node->custom_initial_data, ProgramSize(node), node, sizeof(*node));
  if (status == MSF_OK) status = msf_prepare(node->custom_initial_data, ProgramSize(node), operands, count);
  return ToTfLite(context, status == MSF_OK ? msf_check_source(node->custom_initial_data) : status);
}

TfLiteStatus Invoke(TfLiteContext *context, TfLiteNode *node) {
  msf_operand operands[MSF_MAX_OPERANDS];
  msf_status status;
  const uint32_t count = FindOperands(context, node, operands, &status);
  return ToTfLite(context, status == MSF_OK ? msf_invoke(node->custom_initial_data, operands, count) : status);
}

/* interpreter.Reset(): a block with a state starts anew. Others keep their program's address, which begins otherwise. */
void Reset(TfLiteContext *context, void *user_data) {
  uint32_t mark = MSF_MAGIC;
  (void)context;
  if (user_data != nullptr) memcpy(&mark, user_data, sizeof(mark));
  if (mark != MSF_MAGIC) memset(user_data, 0, sizeof(mark));
}

/* Libraries before 2023 know no reset. */
template <typename Registration>
auto SetReset(Registration *registration, int) -> decltype(registration->reset = Reset, void()) {
  registration->reset = Reset;
}

template <typename Registration>
void SetReset(Registration *, long) {}

/* Field by field: libraries differ in which fields there are. What is not named stays null. */
OpRegistration registration;

}  // namespace

OpRegistration *Registration() {
  registration.init = Init;
  registration.prepare = Prepare;
  registration.invoke = Invoke;
  registration.custom_name = kOperatorName;
  SetReset(&registration, 0);
  return &registration;
}

}  // namespace tflm_msf

#endif  // TFLM_MSF_ADAPTER
