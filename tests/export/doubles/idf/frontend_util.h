/* ESPHome's component has the same front end at the top. */
#include "../tflm/tensorflow/lite/experimental/microfrontend/lib/frontend_util.h"
