/* What TFLM libraries from before 2023 have besides, declared by these tests. */
#ifndef DOUBLE_ERROR_REPORTER_H_
#define DOUBLE_ERROR_REPORTER_H_

namespace tflite {
class ErrorReporter {};
class MicroErrorReporter : public ErrorReporter {};
}  // namespace tflite

#endif  // DOUBLE_ERROR_REPORTER_H_
