#include "engine/msf_tile.h"

#include "engine/msf_operators.h"

/* The last group always makes an output; tiles are cut from it. */
static const msf_tensor *tiled_tensor(const msf_program *p) {
  return msf_result(p, msf_group_at(p, p->group_count - 1u));
}

int msf_next_tile(const msf_program *p, msf_tile *tile) {
  const msf_tensor *out = tiled_tensor(p);
  if (tile->x1 != 0 && tile->x1 < out->w) {
    tile->x0 = tile->x1;
  } else {
    if (tile->y1 >= msf_height(out)) return 0;
    tile->x0 = 0;
    tile->y0 = tile->y1;
  }
  tile->x1 = msf_min(tile->x0 + msf_tile_columns(p, out), out->w);
  tile->y1 = msf_min(tile->y0 + msf_tile_rows(p, out), msf_height(out));
  return 1;
}

/* Clipped to a tensor of that size; a single pixel serves all. */
static msf_range clip(msf_range range, int32_t size) {
  range.first = size == 1 ? 0 : msf_min(msf_max(range.first, 0), size);
  range.end = size == 1 ? 1 : msf_min(msf_max(range.end, 0), size);
  return range;
}

/* Takes rows and columns into what a group has to make. */
static void require(msf_progress *producer, uint32_t column_bits, msf_range rows, msf_range columns) {
  if (columns.first >= columns.end) return;
  const int32_t y0 = msf_min(msf_row_of(producer->start, column_bits), rows.first);
  const int32_t x0 = msf_min(msf_column_of(producer->start, column_bits), columns.first);
  producer->start = msf_point_at(y0, x0, column_bits);
  producer->x1 = (uint16_t)msf_max(producer->x1, columns.end);
}

/* Asks the groups before group g for the columns and the first row that g's tile needs. */
static void require_inputs(const msf_program *p, msf_progress *progress, uint16_t g) {
  const msf_group *group = msf_group_at(p, g);
  const msf_progress *own = &progress[g];
  const uint32_t column_bits = msf_column_bits(p);
  const int32_t y0 = msf_row_of(own->start, column_bits), x0 = msf_column_of(own->start, column_bits);
  const int32_t last_y = msf_height(msf_grid(p, group)) - 1;
  for (uint32_t i = 0; i < group->stage_count; i++) {
    const msf_stage *s = msf_stage_at(p, group->first_stage + i);
    for (uint32_t k = 0; k < msf_operator_of(s)->inputs; k++) {
      const msf_tensor *in = msf_tensor_at(p, s->in[k]);
      if (in->producer == MSF_NONE || in->producer == g) continue;
      require(&progress[in->producer], column_bits, clip(msf_window_rows(s, y0, last_y), msf_height(in)),
              clip(msf_window_columns(s, x0, own->x1 - 1), in->w));
    }
  }
}

static MSF_NOINLINE void set_extent(msf_progress *group, msf_point start, int32_t x1) {
  group->start = start;
  group->x1 = (uint16_t)x1;
}

/* Whether a group makes all of its grid, whatever its readers need. */
static int is_made_whole(const msf_program *p, const msf_group *group) {
  const uint8_t kind = msf_result(p, group)->kind;
  return group->kind != MSF_GROUP_ROWS || kind == MSF_WHOLE || kind == MSF_KEPT;
}

void msf_begin_tile(const msf_program *p, msf_progress *progress, const msf_tile *tile) {
  for (uint32_t g = 0; g < p->group_count; g++) set_extent(&progress[g], UINT32_MAX, 0);
  for (uint16_t g = p->group_count; g-- > 0;) {
    const msf_group *group = msf_group_at(p, g);
    msf_progress *own = &progress[g];
    if (g + 1u == p->group_count && group->kind == MSF_GROUP_ROWS) {
      set_extent(own, msf_point_at(tile->y0, tile->x0, msf_column_bits(p)), tile->x1);
    } else if (is_made_whole(p, group)) {
      set_extent(own, 0, msf_grid(p, group)->w);
    } else if (own->x1 == 0) {
      set_extent(own, 0, 0); /* nobody reads anything but padding */
    }
    own->next = own->start;
    own->ready = 0;
    require_inputs(p, progress, g);
  }
}
