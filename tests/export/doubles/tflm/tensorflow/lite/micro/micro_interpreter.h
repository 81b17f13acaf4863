/* What a sketch may call of TFLM's interpreter, declared by these tests. DOUBLE_REPORTER: as before 2023. */
#ifndef DOUBLE_MICRO_INTERPRETER_H_
#define DOUBLE_MICRO_INTERPRETER_H_

#include "double.h"

typedef union {
  char *raw;
  int8_t *int8;
} TfLiteTensorData;

struct TfLiteTensor {
  TfLiteTensorData data;
  size_t bytes;
};

namespace tflite {

struct Model;
class ErrorReporter;

class MicroOpResolver {
 public:
  template <unsigned int kCount>
  MicroOpResolver(const MicroMutableOpResolver<kCount> &);
};

class MicroInterpreter {
 public:
#ifdef DOUBLE_REPORTER
  MicroInterpreter(const Model *, const MicroOpResolver &, uint8_t *arena, size_t size, ErrorReporter *reporter);
#else
  MicroInterpreter(const Model *, const MicroOpResolver &, uint8_t *arena, size_t size);
#endif
  TfLiteStatus AllocateTensors();
  TfLiteStatus Invoke();
  TfLiteTensor *input(size_t index);
  TfLiteTensor *output(size_t index);
  size_t arena_used_bytes() const;
};

}  // namespace tflite

#endif  // DOUBLE_MICRO_INTERPRETER_H_
