/*
 * tflm-msf for TensorFlow Lite Micro: registers MSF_BLOCK, the operator that rewritten models consist of.
 *
 *   #include <tflm_msf.h>
 *
 *   static tflite::MicroMutableOpResolver<3> resolver;
 *   if (tflm_msf::Register(resolver) != kTfLiteOk) ...
 *   resolver.AddSoftmax();  // and whatever else the tool left unfused
 *
 * A model that was rewritten with --stream-input also needs msf_attach_rows or msf_set_row_source (msf.h, included here)
 * before AllocateTensors.
 * Needs C++11 and one of the TFLM libraries, whichever. Without TFLM, include msf.h instead.
 */
#ifndef TFLM_MSF_H_
#define TFLM_MSF_H_

#if defined(__has_include)
#if __has_include("tensorflow/lite/micro/micro_mutable_op_resolver.h")
#include "tensorflow/lite/c/common.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#elif __has_include("edge-impulse-sdk/tensorflow/lite/micro/micro_mutable_op_resolver.h")
#include "edge-impulse-sdk/tensorflow/lite/c/common.h"
#include "edge-impulse-sdk/tensorflow/lite/micro/micro_mutable_op_resolver.h"
#else
#error \
    "tflm_msf.h: no TensorFlow Lite Micro on the include path. Include your TFLM library's header first (Arduino), or \
add it to lib_deps (PlatformIO), or use msf.h with `tflm-msf export --format c`, which needs no TFLM."
#endif
#else
#error "tflm_msf.h: this compiler has no __has_include; GCC 5, Clang 3 or newer is needed."
#endif

#include <type_traits>

#include "msf.h"

namespace tflm_msf {

/* TFLM called a registration TfLiteRegistration until May 2023 and TFLMRegistration since; AddCustom knows. */
template <typename Method>
struct ArgumentOf;
template <typename Result, typename Class, typename Name, typename Argument>
struct ArgumentOf<Result (Class::*)(Name, Argument *)> {
  using Type = typename std::remove_const<Argument>::type;
};
using OpRegistration = ArgumentOf<decltype(&tflite::MicroMutableOpResolver<1>::AddCustom)>::Type;

/* The operator's name in models. */
extern const char kOperatorName[];

/* The operator, for resolvers that are no MicroMutableOpResolver. Never null; the object is static. */
OpRegistration *Registration();

/*
 * Adds the operator to a resolver, which has to have room for one more. Once is enough, however many blocks and
 * models there are. Returns what AddCustom returns: kTfLiteError if the resolver is full.
 */
template <unsigned int kCapacity>
TfLiteStatus Register(tflite::MicroMutableOpResolver<kCapacity> &resolver) {
  return resolver.AddCustom(kOperatorName, Registration());
}

}  // namespace tflm_msf

#endif  // TFLM_MSF_H_
