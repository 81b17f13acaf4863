/* Finding one's way in a program, of whichever version. */
#ifndef MSF_WALK_H_
#define MSF_WALK_H_

#include "arch/msf_parts.h"
#include "kernel/msf_kernel.h"

/* Bytes of each record in a version. */
typedef struct {
  uint16_t header, tensor, stage, group;
} msf_sizes;

extern const msf_sizes msf_sizes_of_version[MSF_VERSION];

/* Where there is only the newest version, the compiler knows all sizes. */
static inline const msf_sizes *msf_known_sizes(const msf_sizes *found) {
  static const msf_sizes newest = {sizeof(msf_program), sizeof(msf_tensor), sizeof(msf_stage), sizeof(msf_group)};
  return MSF_HAS_VERSION_1 ? found : &newest;
}

static inline const msf_sizes *msf_sizes_of(const msf_program *p) {
  return msf_known_sizes(&msf_sizes_of_version[p->version - 1]);
}

/* The record that lies `bytes` behind another one. */
static inline const void *msf_behind(const void *record, uint32_t bytes) { return (const uint8_t *)record + bytes; }

/* Records by their number. Calls, because they are many and what needs them often keeps what it has found. */
const msf_tensor *msf_tensor_at(const msf_program *p, uint32_t index);
const msf_stage *msf_stage_at(const msf_program *p, uint32_t index);
const msf_group *msf_group_at(const msf_program *p, uint32_t index);

/* The stage that makes the group's tensor, and that tensor. */
const msf_stage *msf_last_stage(const msf_program *p, const msf_group *g);
const msf_tensor *msf_result(const msf_program *p, const msf_group *g);

/* The grid that a group walks: its input's if it reduces, else its output's. */
const msf_tensor *msf_grid(const msf_program *p, const msf_group *g);

static inline int msf_is_version_1(const msf_program *p) { return MSF_HAS_VERSION_1 && p->version == 1; }

static inline uint32_t msf_column_bits(const msf_program *p) {
  return msf_is_version_1(p) ? MSF_COLUMN_BITS : p->column_bits;
}

/* In which steps groups go on. */
static inline uint8_t msf_order(const msf_program *p) { return msf_is_version_1(p) ? MSF_ORDER_CHUNKS : p->order; }

/* Operands that lie in fast memory: a bit for each. */
static inline uint32_t msf_fast_operands(const msf_program *p) { return msf_is_version_1(p) ? 0 : p->fast_operands; }

/* How many they are. */
static inline uint32_t msf_fast_count(const msf_program *p) {
  uint32_t count = 0;
  for (uint32_t left = msf_fast_operands(p); left != 0; left &= left - 1) count++;
  return count;
}

/* Where the first of them lies; the others follow. */
static inline const msf_fast *msf_fast_places(const msf_program *p) {
  return (const msf_fast *)msf_group_at(p, p->group_count);
}

/* Whether a program keeps anything from one invocation to the next. */
static inline int msf_has_state(const msf_program *p) {
  return MSF_HAS_STATES && !msf_is_version_1(p) && p->state_operand != MSF_NO_OPERAND;
}

#endif /* MSF_WALK_H_ */
