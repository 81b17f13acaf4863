#include "engine/msf_engine.h"

/* The last group always makes an output; tiles are cut from it. */
static const msf_tensor *tiled_tensor(const msf_program *p) {
  return msf_result(p, msf_groups(p) + p->group_count - 1);
}

int msf_next_tile(const msf_program *p, msf_tile *tile) {
  const msf_tensor *out = tiled_tensor(p);
  if (tile->x1 != 0 && tile->x1 < out->w) {
    tile->x0 = tile->x1;
  } else {
    if (tile->y1 >= out->h) return 0;
    tile->x0 = 0;
    tile->y0 = tile->y1;
  }
  tile->x1 = msf_min(tile->x0 + p->tile_w, out->w);
  tile->y1 = msf_min(tile->y0 + p->tile_h, out->h);
  return 1;
}

/* Clipped to a tensor of that size; a single pixel serves all. */
static msf_range clip(msf_range range, int32_t size) {
  range.first = size == 1 ? 0 : msf_min(msf_max(range.first, 0), size);
  range.end = size == 1 ? 1 : msf_min(msf_max(range.end, 0), size);
  return range;
}

static void require(msf_progress *producer, msf_range rows, msf_range columns) {
  if (columns.first >= columns.end) return;
  producer->y0 = (uint16_t)msf_min(producer->y0, rows.first);
  producer->x0 = (uint16_t)msf_min(producer->x0, columns.first);
  producer->x1 = (uint16_t)msf_max(producer->x1, columns.end);
}

/* Asks the groups before group g for the columns and the first row that g's tile needs. */
static void require_inputs(const msf_program *p, msf_progress *progress, uint16_t g) {
  const msf_group *group = msf_groups(p) + g;
  const msf_tensor *grid = msf_grid(p, group);
  const msf_stage *s = msf_stages(p) + group->first_stage;
  const msf_progress *own = &progress[g];
  for (uint16_t i = 0; i < group->stage_count; i++, s++) {
    for (int k = 0; k < msf_operator_of(s)->inputs; k++) {
      const msf_tensor *in = msf_tensors(p) + s->in[k];
      if (in->producer == MSF_NONE || in->producer == g) continue;
      require(&progress[in->producer], clip(msf_window_rows(s, own->y0, grid->h - 1), in->h),
              clip(msf_window_columns(s, own->x0, own->x1 - 1), in->w));
    }
  }
}

static void set_extent(msf_progress *group, int32_t y0, int32_t x0, int32_t x1) {
  group->y0 = (uint16_t)y0;
  group->x0 = (uint16_t)x0;
  group->x1 = (uint16_t)x1;
}

void msf_begin_tile(const msf_program *p, msf_progress *progress, const msf_tile *tile) {
  for (uint16_t g = 0; g < p->group_count; g++) set_extent(&progress[g], UINT16_MAX, UINT16_MAX, 0);
  for (uint16_t g = p->group_count; g-- > 0;) {
    const msf_group *group = msf_groups(p) + g;
    msf_progress *own = &progress[g];
    if (group->kind != MSF_GROUP_ROWS) {
      set_extent(own, 0, 0, msf_grid(p, group)->w);
    } else if (g + 1u == p->group_count) {
      set_extent(own, tile->y0, tile->x0, tile->x1);
    } else if (msf_result(p, group)->kind == MSF_WHOLE) {
      set_extent(own, 0, 0, msf_result(p, group)->w);
    } else if (own->x1 == 0) {
      set_extent(own, 0, 0, 0); /* nobody reads anything but padding */
    }
    own->next = msf_point_at(own->y0, own->x0);
    own->ready = 0;
    require_inputs(p, progress, g);
  }
}
