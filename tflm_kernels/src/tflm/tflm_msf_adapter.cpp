/*
 * Between TensorFlow Lite Micro and the kernels: hands the tensors of an MSF_BLOCK operator to msf_prepare and
 * msf_invoke. Uses only what every TFLM library since 2020 has, allocates nothing, and keeps nothing between calls:
 * the program stays in the model. Empty where there is no TFLM, as in projects that use `tflm-msf export --format c`.
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

#include "engine/msf_program.h"
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

/* The program stays where it is, in the model: nothing to allocate. */
void *Init(TfLiteContext *context, const char *program, size_t size) {
  (void)context;
  return size == 0 ? nullptr : const_cast<char *>(program);
}

/*
 * TF_LITE_STATIC_MEMORY decides where user_data and custom_initial_data lie in a node. Both hold the program's
 * address, so where they differ, TFLM was compiled with the other setting, and nothing behind them can be trusted.
 */
bool SameNodeLayout(const TfLiteNode *node) {
  return node->user_data != nullptr && node->user_data == node->custom_initial_data;
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
  if (reinterpret_cast<uintptr_t>(node->user_data) % 4 != 0) {
    return Fail(context, "the model is not aligned: declare its array with alignas(16)");
  }
  msf_operand operands[MSF_MAX_OPERANDS];
  const uint32_t count = CollectOperands(context, node, operands);
  if (count == 0) return Fail(context, "the operator has no tensors, or too many");
  const uint32_t size = node->custom_initial_data_size < 0 ? 0 : static_cast<uint32_t>(node->custom_initial_data_size);
  return ToTfLite(context, msf_prepare(node->user_data, size, operands, count));
}

TfLiteStatus Invoke(TfLiteContext *context, TfLiteNode *node) {
  msf_operand operands[MSF_MAX_OPERANDS];
  const uint32_t count = CollectOperands(context, node, operands);
  return ToTfLite(context, msf_invoke(node->user_data, operands, count));
}

/* Field by field: libraries differ in which fields there are. What is not named stays null. */
OpRegistration registration;

}  // namespace

OpRegistration *Registration() {
  registration.init = Init;
  registration.prepare = Prepare;
  registration.invoke = Invoke;
  registration.custom_name = kOperatorName;
  return &registration;
}

}  // namespace tflm_msf

#endif  // TFLM_MSF_ADAPTER
