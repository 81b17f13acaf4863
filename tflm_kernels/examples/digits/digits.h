/*
 * A neural network for TensorFlow Lite Micro, made by tflm-msf. Model: MLIR Converted.
 *
 *   alignas(16) static uint8_t arena[digits::kArenaSize];
 *   static digits::Resolver resolver;
 *   if (digits::AddOperators(resolver) != kTfLiteOk) ...
 *   static tflite::MicroInterpreter interpreter(tflite::GetModel(digits::kModel), resolver, arena, sizeof(arena));
 *
 * Input 0: 'serving_default_pixels:0', int8 [1, 32, 32, 1], real value = 0.00392156886 * (q +128)
 * Output 0: 'StatefulPartitionedCall_1:0', int8 [1, 10], real value = 0.00390625 * (q +128)
 * Operators: MSF_BLOCK (4)
 */
#ifndef DIGITS_H_
#define DIGITS_H_

#include <stddef.h>
#include <stdint.h>

#include <tflm_msf.h>

namespace digits {

extern const unsigned char kModel[];
constexpr size_t kModelSize = 22672;

// Bytes; aligned to 16 bytes it suffices for every build of TFLM below.
//   riscv-static-2024: 6064
//   riscv-dynamic-2021: 6176
#ifdef TF_LITE_STATIC_MEMORY  // as ESP-IDF and upstream build TFLM
constexpr size_t kArenaSize = 6064;
#else  // as Arduino builds it: tensors and nodes have more members
constexpr size_t kArenaSize = 6176;
#endif

constexpr int kInput0Count = 1024;
constexpr float kInput0Scale = static_cast<float>(0.00392156886);
constexpr int kInput0ZeroPoint = -128;
constexpr int kOutput0Count = 10;
constexpr float kOutput0Scale = static_cast<float>(0.00390625);
constexpr int kOutput0ZeroPoint = -128;

using Resolver = tflite::MicroMutableOpResolver<1>;

inline TfLiteStatus AddOperators(Resolver &resolver) {
  TfLiteStatus status = tflm_msf::Register(resolver);
  return status;
}

}  // namespace digits

#endif  // DIGITS_H_
