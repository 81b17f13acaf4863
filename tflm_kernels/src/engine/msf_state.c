/*
 * What outlives an invocation. The state begins with a mark that says whether it was filled, and since when: it is filled
 * again if msf_reset_state was called after that, or if the mark was set to 0.
 */
#include "engine/msf_state.h"

#include "msf.h"

#define LOST 0x80000000u /* in a mark: an invocation failed half way */
#define LAST_ERA 0xFFFFFFu

static uint32_t era = 1;

void msf_reset_state(void) { era = era == LAST_ERA ? 1 : era + 1; }

static uint32_t read_word(const uint8_t *at) {
  uint32_t word;
  memcpy(&word, at, sizeof word);
  return word;
}

static void write_word(uint8_t *at, uint32_t word) { memcpy(at, &word, sizeof word); }

uint32_t msf_state_size(const void *program, uint32_t program_size) {
  const msf_program *p = (const msf_program *)program;
  if (p == 0 || (uintptr_t)p % 4 != 0 || program_size < sizeof(msf_program)) return 0;
  return p->magic == MSF_MAGIC && p->version == MSF_VERSION && msf_has_state(p) ? p->state_size : 0;
}

static void fill_ring(const msf_tensor *kept, uint8_t *state, const uint8_t *params) {
  const uint32_t size = kept->pixels * kept->c;
  write_word(state + kept->place, 0);
  if (kept->flags & MSF_FILLED) {
    memset(state + kept->offset, params[kept->start], size);
  } else {
    memcpy(state + kept->offset, params + kept->start, size);
  }
}

msf_status msf_begin_state(const msf_program *p, uint8_t *state, const uint8_t *params) {
  const uint32_t mark = read_word(state);
  if (mark == (era | LOST)) return MSF_STATE_LOST;
  if (mark == era) return MSF_OK;
  for (uint32_t i = 0; i < p->tensor_count; i++) {
    const msf_tensor *t = msf_tensor_at(p, i);
    if (t->kind == MSF_KEPT) fill_ring(t, state, params);
  }
  write_word(state, era);
  return MSF_OK;
}

void msf_end_state(const msf_program *p, uint8_t *state, msf_status status) {
  if (status != MSF_OK) {
    write_word(state, era | LOST);
    return;
  }
  for (uint32_t i = 0; i < p->tensor_count; i++) {
    const msf_tensor *t = msf_tensor_at(p, i);
    if (t->kind != MSF_KEPT) continue;
    const uint32_t added = (uint32_t)msf_height(t) * t->w % t->pixels;
    write_word(state + t->place, (msf_place_of(t, state) % t->pixels + added) % t->pixels);
  }
}
