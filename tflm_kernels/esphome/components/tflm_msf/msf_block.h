#pragma once

#ifdef USE_ESP32

namespace esphome::msf_block {

/* Lets models of micro_wake_word hold MSF_BLOCK. Once, before the first one is loaded: setup() of the program does it. */
void allow_in_wake_words();

}  // namespace esphome::msf_block

#endif  // USE_ESP32
