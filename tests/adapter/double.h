/*
 * What the adapter may see of TensorFlow Lite Micro, declared by this test. One file for all generations:
 *
 *   DOUBLE_TFLM_REGISTRATION  registrations are TFLMRegistration, taken as const (since 2023), or TfLiteRegistration
 *   DOUBLE_MICRO_LOG          messages go to MicroPrintf; without it to the context's ReportError
 *   DOUBLE_OPAQUE_CONTEXT     the context has no function pointers (since 2026)
 *   DOUBLE_NO_INTERMEDIATES   TF_LITE_STATIC_MEMORY nodes lack the intermediates (before 2021)
 *   TF_LITE_STATIC_MEMORY     nodes have fewer members, as in the real one
 */
#ifndef DOUBLE_H_
#define DOUBLE_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef enum { kTfLiteOk = 0, kTfLiteError = 1 } TfLiteStatus;

typedef enum {
  kTfLiteNoType = 0,
  kTfLiteFloat32 = 1,
  kTfLiteInt32 = 2,
  kTfLiteUInt8 = 3,
  kTfLiteInt64 = 4,
  kTfLiteBool = 6,
  kTfLiteInt16 = 7,
  kTfLiteInt8 = 9
} TfLiteType;

typedef struct TfLiteIntArray {
  int size;
  int data[32];
} TfLiteIntArray;

typedef union TfLitePtrUnion {
  int8_t *int8;
  void *data;
} TfLitePtrUnion;

typedef struct TfLiteEvalTensor {
  TfLitePtrUnion data;
  TfLiteIntArray *dims;
  TfLiteType type;
} TfLiteEvalTensor;

typedef struct TfLiteContext {
  void *impl_;
#ifndef DOUBLE_OPAQUE_CONTEXT
  void (*ReportError)(struct TfLiteContext *, const char *format, ...);
  TfLiteEvalTensor *(*GetEvalTensor)(const struct TfLiteContext *, int index);
  void *(*AllocatePersistentBuffer)(struct TfLiteContext *, size_t bytes);
#endif
} TfLiteContext;

#ifdef DOUBLE_OPAQUE_CONTEXT
void *MicroContextAllocatePersistentBuffer(TfLiteContext *context, size_t bytes);
#endif

typedef struct TfLiteNode {
  TfLiteIntArray *inputs;
  TfLiteIntArray *outputs;
#if !defined(TF_LITE_STATIC_MEMORY) || !defined(DOUBLE_NO_INTERMEDIATES)
  TfLiteIntArray *intermediates;
#endif
#ifndef TF_LITE_STATIC_MEMORY
  TfLiteIntArray *temporaries;
#endif
  void *user_data;
  void *builtin_data;
  const void *custom_initial_data;
  int custom_initial_data_size;
#ifndef TF_LITE_STATIC_MEMORY
  void *delegate;
#endif
} TfLiteNode;

#ifdef DOUBLE_TFLM_REGISTRATION
typedef struct TFLMRegistration {
  void *(*init)(TfLiteContext *, const char *buffer, size_t length);
  void (*free)(TfLiteContext *, void *buffer);
  TfLiteStatus (*prepare)(TfLiteContext *, TfLiteNode *);
  TfLiteStatus (*invoke)(TfLiteContext *, TfLiteNode *);
  void (*reset)(TfLiteContext *, void *buffer);
  int32_t builtin_code;
  const char *custom_name;
} TFLMRegistration;
typedef TFLMRegistration DoubleRegistration;
typedef const TFLMRegistration DoubleArgument;
#else
typedef struct TfLiteRegistration {
  void *(*init)(TfLiteContext *, const char *buffer, size_t length);
  void (*free)(TfLiteContext *, void *buffer);
  TfLiteStatus (*prepare)(TfLiteContext *, TfLiteNode *);
  TfLiteStatus (*invoke)(TfLiteContext *, TfLiteNode *);
  const char *(*profiling_string)(const TfLiteContext *, const TfLiteNode *);
  int32_t builtin_code;
  const char *custom_name;
  int version;
} TfLiteRegistration;
typedef TfLiteRegistration DoubleRegistration;
typedef TfLiteRegistration DoubleArgument;
#endif

#ifdef DOUBLE_MICRO_LOG
void MicroPrintf(const char *format, ...);
#else
#define TF_LITE_KERNEL_LOG(context, ...)            \
  do {                                              \
    (context)->ReportError((context), __VA_ARGS__); \
  } while (false)
#endif

namespace tflite {

template <unsigned int tOpCount>
class MicroMutableOpResolver {
 public:
  TfLiteStatus AddCustom(const char *name, DoubleArgument *registration) {
    if (count_ == tOpCount || FindOp(name) != nullptr) return kTfLiteError;
    registrations_[count_] = *registration;
    registrations_[count_++].custom_name = name;
    return kTfLiteOk;
  }

  TfLiteStatus AddMean() { return kTfLiteOk; }

  const DoubleRegistration *FindOp(const char *name) const {
    for (unsigned int i = 0; i < count_; i++) {
      if (strcmp(registrations_[i].custom_name, name) == 0) return &registrations_[i];
    }
    return nullptr;
  }

 private:
  DoubleRegistration registrations_[tOpCount];
  unsigned int count_ = 0;
};

namespace micro {
#ifdef DOUBLE_OPAQUE_CONTEXT
const TfLiteEvalTensor *GetEvalInput(const TfLiteContext *context, const TfLiteNode *node, int index);
TfLiteEvalTensor *GetEvalOutput(const TfLiteContext *context, const TfLiteNode *node, int index);
#else
inline const TfLiteEvalTensor *GetEvalInput(const TfLiteContext *context, const TfLiteNode *node, int index) {
  return context->GetEvalTensor(context, node->inputs->data[index]);
}
inline TfLiteEvalTensor *GetEvalOutput(const TfLiteContext *context, const TfLiteNode *node, int index) {
  return context->GetEvalTensor(context, node->outputs->data[index]);
}
#endif
}  // namespace micro
}  // namespace tflite

#endif  // DOUBLE_H_
