/* What a program keeps from one invocation to the next. */
#ifndef MSF_STATE_H_
#define MSF_STATE_H_

#include <string.h>

#include "engine/msf_walk.h"

#define MSF_STATE_MARK 4u /* bytes at the beginning of the state that are the engine's own */

/* Where in its ring the oldest row of a kept tensor lies, in pixels. */
static inline uint32_t msf_place_of(const msf_tensor *kept, const uint8_t *state) {
  uint32_t place;
  memcpy(&place, state + kept->place, sizeof place);
  return place;
}

/* Fills the state before the first invocation; MSF_STATE_LOST if it is half written. */
msf_status msf_begin_state(const msf_program *p, uint8_t *state, const uint8_t *params);

/* Makes the rows of an invocation earlier ones, or notes that it failed. */
void msf_end_state(const msf_program *p, uint8_t *state, msf_status status);

#endif /* MSF_STATE_H_ */
