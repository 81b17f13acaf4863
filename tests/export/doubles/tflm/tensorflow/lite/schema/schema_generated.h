/* What a sketch may call of TFLM's schema, declared by these tests. */
#ifndef DOUBLE_SCHEMA_H_
#define DOUBLE_SCHEMA_H_

namespace tflite {
struct Model;
const Model *GetModel(const void *buffer);
}  // namespace tflite

#endif  // DOUBLE_SCHEMA_H_
