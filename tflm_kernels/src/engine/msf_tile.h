/* The bookkeeping of a tile: which pixels every group makes of it, and how far it has come. */
#ifndef MSF_TILE_H_
#define MSF_TILE_H_

#include "engine/msf_walk.h"

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

/* Rows and columns of a tile, as far as there are any. */
static inline int32_t msf_tile_rows(const msf_program *p, const msf_tensor *out) {
  return p->tile_h == MSF_NONE ? msf_height(out) : msf_min(p->tile_h, msf_height(out));
}

static inline int32_t msf_tile_columns(const msf_program *p, const msf_tensor *out) {
  return msf_min(p->tile_w, out->w);
}

/* Sets every group to the first row and the columns of a tile that the groups after it need of it. */
void msf_begin_tile(const msf_program *p, msf_progress *progress, const msf_tile *tile);

/* The tiles of a program, in order; returns 0 after the last. Starts from a tile of zeros. */
int msf_next_tile(const msf_program *p, msf_tile *tile);

#endif /* MSF_TILE_H_ */
