/* What msf_prepare and msf_invoke share: finding one's way in a program, and the bookkeeping of a tile. */
#ifndef MSF_ENGINE_H_
#define MSF_ENGINE_H_

#include "kernel/msf_kernel.h"
#include "msf.h"

/* A pixel of a grid: later in reading order means greater. */
typedef uint32_t msf_point;

static inline msf_point msf_point_at(int32_t y, int32_t x) { return (uint32_t)y << 16 | (uint32_t)x; }
static inline int32_t msf_row_of(msf_point point) { return (int32_t)(point >> 16); }
static inline int32_t msf_column_of(msf_point point) { return (int32_t)(point & 0xFFFFu); }

/*
 * How far a group has come in the current tile: every pixel before `next` in reading order is done. Lives at the start
 * of the workspace, one for each group.
 */
typedef struct {
  msf_point next; /* on the group's grid */
  msf_point goal; /* the pixel that the asker does not need any more */
  uint8_t asker;  /* group that waits for this one, or MSF_NO_GROUP */
  uint8_t ready;  /* inputs of its stages that are known to be there for the next step */
  uint16_t y0;    /* first row and columns of the tile */
  uint16_t x0, x1;
} msf_progress;

#define MSF_NO_GROUP 0xFFu

typedef char msf_check_progress[sizeof(msf_progress) == 16 && MSF_MAX_GROUPS <= MSF_NO_GROUP ? 1 : -1];

typedef struct {
  int32_t y0, y1, x0, x1;
} msf_tile;

static inline const msf_tensor *msf_tensors(const msf_program *p) { return (const msf_tensor *)(const void *)(p + 1); }

static inline const msf_stage *msf_stages(const msf_program *p) {
  return (const msf_stage *)(const void *)(msf_tensors(p) + p->tensor_count);
}

static inline const msf_group *msf_groups(const msf_program *p) {
  return (const msf_group *)(const void *)(msf_stages(p) + p->stage_count);
}

/* The stage that makes the group's tensor. */
static inline const msf_stage *msf_last_stage(const msf_program *p, const msf_group *g) {
  return msf_stages(p) + g->first_stage + g->stage_count - 1;
}

static inline const msf_tensor *msf_result(const msf_program *p, const msf_group *g) {
  return msf_tensors(p) + msf_last_stage(p, g)->out;
}

/* The grid that a group walks: its input's if it reduces, else its output's. */
static inline const msf_tensor *msf_grid(const msf_program *p, const msf_group *g) {
  return g->kind == MSF_GROUP_REDUCE ? msf_tensors(p) + msf_last_stage(p, g)->in[0] : msf_result(p, g);
}

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
