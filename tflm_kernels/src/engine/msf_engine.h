/* What msf_prepare and msf_invoke share: finding one's way in a program, and the bookkeeping of a tile. */
#ifndef MSF_ENGINE_H_
#define MSF_ENGINE_H_

#include "kernel/msf_kernel.h"
#include "msf.h"

/* A pixel of a grid: later in reading order means greater. */
typedef uint32_t msf_point;

static inline msf_point msf_point_at(int32_t y, int32_t x, uint32_t column_bits) {
  return (uint32_t)y << column_bits | (uint32_t)x;
}

static inline int32_t msf_row_of(msf_point point, uint32_t column_bits) { return (int32_t)(point >> column_bits); }

static inline int32_t msf_column_of(msf_point point, uint32_t column_bits) {
  return (int32_t)(point & ((1u << column_bits) - 1));
}

/*
 * How far a group has come in the current tile: every pixel before `next` in reading order is done. Lives at the start
 * of the workspace, one for each group.
 */
typedef struct {
  msf_point next;  /* on the group's grid */
  msf_point goal;  /* the pixel that the asker does not need any more */
  uint8_t asker;   /* group that waits for this one, or MSF_NO_GROUP */
  uint8_t ready;   /* inputs of its stages that are known to be there for the next step */
  uint16_t x1;     /* end of the tile's columns */
  msf_point start; /* first row and column of the tile */
} msf_progress;

#define MSF_NO_GROUP 0xFFu

typedef char msf_check_progress[sizeof(msf_progress) == 16 && MSF_MAX_GROUPS <= MSF_NO_GROUP ? 1 : -1];

typedef struct {
  int32_t y0, y1, x0, x1;
} msf_tile;

/* Bytes of each record in a version. */
typedef struct {
  uint16_t header, tensor, stage, group;
} msf_sizes;

extern const msf_sizes msf_sizes_of_version[MSF_VERSION];

static inline const msf_sizes *msf_sizes_of(const msf_program *p) { return &msf_sizes_of_version[p->version - 1]; }

/* The record that lies `bytes` behind another one. */
static inline const void *msf_behind(const void *record, uint32_t bytes) { return (const uint8_t *)record + bytes; }

static inline const msf_tensor *msf_tensor_at(const msf_program *p, uint32_t index) {
  return (const msf_tensor *)msf_behind(p, msf_sizes_of(p)->header + index * msf_sizes_of(p)->tensor);
}

static inline const msf_stage *msf_stage_at(const msf_program *p, uint32_t index) {
  return (const msf_stage *)msf_behind(msf_tensor_at(p, p->tensor_count), index * msf_sizes_of(p)->stage);
}

static inline const msf_group *msf_group_at(const msf_program *p, uint32_t index) {
  return (const msf_group *)msf_behind(msf_stage_at(p, p->stage_count), index * msf_sizes_of(p)->group);
}

/* The stage that makes the group's tensor. */
static inline const msf_stage *msf_last_stage(const msf_program *p, const msf_group *g) {
  return msf_stage_at(p, (uint32_t)g->first_stage + g->stage_count - 1);
}

static inline const msf_tensor *msf_result(const msf_program *p, const msf_group *g) {
  return msf_tensor_at(p, msf_last_stage(p, g)->out);
}

/* The grid that a group walks: its input's if it reduces, else its output's. */
static inline const msf_tensor *msf_grid(const msf_program *p, const msf_group *g) {
  return g->kind == MSF_GROUP_REDUCE ? msf_tensor_at(p, msf_last_stage(p, g)->in[0]) : msf_result(p, g);
}

static inline uint32_t msf_column_bits(const msf_program *p) {
  return p->version == 1 ? MSF_COLUMN_BITS : p->column_bits;
}

/* Whether a program keeps anything from one invocation to the next. */
static inline int msf_has_state(const msf_program *p) { return p->version > 1 && p->state_operand != MSF_NO_OPERAND; }

/* Rows and columns of a tile, as far as there are any. */
static inline int32_t msf_tile_rows(const msf_program *p, const msf_tensor *out) {
  return p->tile_h == MSF_NONE ? msf_height(out) : msf_min(p->tile_h, msf_height(out));
}

static inline int32_t msf_tile_columns(const msf_program *p, const msf_tensor *out) {
  return msf_min(p->tile_w, out->w);
}

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

/* Whether the application has set a row source. */
int msf_has_row_source(void);

/* The operators by number. */
extern const msf_operator *const msf_operators[MSF_OP_COUNT];

/* The operator of a stage, whose number must be one. */
static inline const msf_operator *msf_operator_of(const msf_stage *s) { return msf_operators[s->op]; }

/* Sets every group to the first row and the columns of a tile that the groups after it need of it. */
void msf_begin_tile(const msf_program *p, msf_progress *progress, const msf_tile *tile);

/* The tiles of a program, in order; returns 0 after the last. Starts from a tile of zeros. */
int msf_next_tile(const msf_program *p, msf_tile *tile);

#endif /* MSF_ENGINE_H_ */
