/*
 * MSF_BLOCK for the models of ESPHome's micro_wake_word.
 *
 * That component has a resolver of 20 operators, all of them taken, and offers no way to add another one. But it has no
 * custom operators, and TFLM asks a resolver for those by name, in a virtual function of a template: here is the one
 * for 20, which the linker prefers to those that compilers make of the template, as they are weak symbols.
 * Another component with a resolver of 20 operators, custom ones among them, would not find its own; none is known.
 */
#ifdef USE_ESP32

#include "msf_block.h"

#include <string.h>

#include <tflm_msf.h>

namespace tflite {

template <>
const ::tflm_msf::OpRegistration *MicroMutableOpResolver<20>::FindOp(const char *op) const {
  return strcmp(op, ::tflm_msf::kOperatorName) == 0 ? ::tflm_msf::Registration() : nullptr;
}

}  // namespace tflite

namespace esphome::msf_block {

/* Being called is what it does: it brings this file, and with it the function above, into the firmware. */
void allow_in_wake_words() {}

}  // namespace esphome::msf_block

#endif  // USE_ESP32
