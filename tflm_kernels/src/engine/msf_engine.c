/*
 * Runs a program. Every group is asked for the pixels that come next in the output, asks the groups before it for the
 * pixels that its windows cover, and makes a few pixels at a time; rings remember what is still needed.
 */
#include "engine/msf_engine.h"

/* A program and its memory, found once. */
typedef struct {
  const msf_tensor *tensors;
  const msf_stage *stages;
  const msf_group *groups;
  msf_progress *progress; /* where the workspace begins */
  const uint8_t *params;
  const msf_operand *operands;
  msf_status *status;
} engine;

/* The pixels that a group makes or takes in next; and where the first one lies in the ring that it is made for, if any. */
typedef struct {
  int32_t y, x0, x1;
  uint32_t place;
} span;

/* A ring starts again at its beginning, unless it keeps all that a reducing group makes. */
static inline int starts_again(const engine *e, const msf_tensor *t) {
  return t->kind == MSF_RING && e->groups[t->producer].kind != MSF_GROUP_REDUCE;
}

static void find_whole_view(const engine *e, const msf_tensor *t, msf_view *v) {
  v->base = (int8_t *)e->operands[t->operand].data + t->offset;
  v->ring = 0;
  v->x0 = 0;
  v->y0 = 0;
  v->line = t->w;
  v->h = t->h;
  v->w = t->w;
  v->c = t->c;
}

static void find_input(const engine *e, uint16_t index, const span *at, msf_view *v) {
  const msf_tensor *t = e->tensors + index;
  find_whole_view(e, t, v);
  if (t->kind == MSF_CHUNK) {
    v->x0 = at->x0;
    v->y0 = at->y;
  } else if (starts_again(e, t)) {
    const msf_progress *producer = &e->progress[t->producer];
    v->ring = t->pixels;
    v->x0 = producer->x0;
    v->y0 = producer->y0;
    v->line = producer->x1 - producer->x0;
  }
}

/* Just the pixels of at, if they do not go where the whole output is kept. */
static void find_output(const engine *e, uint16_t index, const span *at, msf_view *v) {
  const msf_tensor *t = e->tensors + index;
  find_whole_view(e, t, v);
  if (t->kind == MSF_CHUNK || starts_again(e, t)) {
    v->x0 = at->x0;
    v->y0 = at->y;
    if (t->kind == MSF_RING) v->base += at->place * t->c;
  }
}

#if defined(MSF_CHECK_ACCESS)

/* Whether a group has made the last pixel of a region; one that reduces, all that it makes. */
static int is_made(const engine *e, const msf_tensor *t, const msf_region *region) {
  const msf_progress *producer = &e->progress[t->producer];
  const msf_range *rows = &region->rows, *columns = &region->columns;
  if (rows->first >= rows->end || columns->first >= columns->end) return 1;
  if (e->groups[t->producer].kind == MSF_GROUP_REDUCE) return producer->next >= producer->goal;
  return producer->next > msf_point_at(rows->end - 1, columns->end - 1) && rows->first >= producer->y0 &&
         columns->first >= producer->x0;
}

/* Notes what a stage may touch of its inputs: what its operator declares, all of which is there. */
static void allow_inputs(const engine *e, const msf_stage *s, const span *at, msf_call *call) {
  const msf_operator *op = msf_operator_of(s);
  msf_stage_shape shape;
  shape.stage = s;
  shape.out = e->tensors + s->out;
  for (int32_t k = 0; k < op->inputs; k++) shape.in[k] = e->tensors + s->in[k];
  for (int32_t k = 0; k < op->inputs; k++) {
    const msf_tensor *t = shape.in[k];
    msf_region *allowed = &call->in[k].allowed;
    *allowed = op->reads(&shape, k, at->y, at->x0);
    allowed->columns.end = op->reads(&shape, k, at->y, at->x1 - 1).columns.end;
    call->in[k].room = t->pixels;
    if (t->producer != MSF_NONE && t->kind != MSF_CHUNK) MSF_CHECK(is_made(e, t, allowed));
  }
}

/* Notes what a stage may touch of its output: the pixels of at, or the only one if it reduces. */
static void allow_output(const engine *e, const msf_stage *s, const span *at, msf_call *call) {
  const msf_tensor *t = e->tensors + s->out;
  const int reduces = (msf_operator_of(s)->flags & MSF_REDUCES) != 0;
  const msf_range row = {at->y, at->y + 1}, columns = {at->x0, at->x1}, only = {0, 1};
  call->out.allowed.rows = reduces ? only : row;
  call->out.allowed.columns = reduces ? only : columns;
  call->out.allowed.channels = t->c;
  call->out.room = t->pixels - (starts_again(e, t) ? at->place : 0);
}

#endif

static void run_stage(const engine *e, const msf_stage *s, const span *at) {
  const msf_operator *op = msf_operator_of(s);
  uint8_t *workspace = (uint8_t *)e->progress;
  msf_call call;
  call.stage = s;
  call.params = e->params;
  call.accumulators = (int32_t *)(void *)(workspace + (op->flags & MSF_REDUCES ? s->accumulators : 0));
  call.status = e->status;
  if (op->inputs > 0) find_input(e, s->in[0], at, &call.in[0]);
  if (op->inputs > 1) find_input(e, s->in[1], at, &call.in[1]);
  find_output(e, s->out, at, &call.out);
  call.y = at->y;
  call.x0 = at->x0;
  call.x1 = at->x1;
#if defined(MSF_CHECK_ACCESS)
  allow_inputs(e, s, at, &call);
  allow_output(e, s, at, &call);
#endif
  op->run(&call);
}

static void take_step(const engine *e, const msf_group *group, msf_progress *own, const span *at) {
  const msf_stage *s = e->stages + group->first_stage;
  for (const msf_stage *const end = s + group->stage_count; s != end; s++) run_stage(e, s, at);
  own->next = at->x1 < own->x1 ? msf_point_at(at->y, at->x1) : msf_point_at(at->y + 1, own->x0);
}

/* Behind the last pixel that a reducing group takes in. */
static msf_point end_of_input(const engine *e, const msf_group *group) {
  const msf_stage *last = e->stages + group->first_stage + group->stage_count - 1;
  return msf_point_at(e->tensors[last->in[0]].h, 0);
}

/*
 * Makes group g the asker of another one that has to reach pixel (y, x) first, or the end of its grid if it reduces.
 * Returns 0 if that one is there already.
 */
static int ask(const engine *e, uint16_t producer, uint8_t g, int32_t y, int32_t x) {
  msf_progress *other = &e->progress[producer];
  const msf_group *group = &e->groups[producer];
  const msf_point goal = group->kind == MSF_GROUP_REDUCE ? end_of_input(e, group) : msf_point_at(y, x);
  if (other->next >= goal || other->x0 >= other->x1) return 0;
  other->goal = goal;
  other->asker = g;
  return 1;
}

/* Whether what a stage reads of an input for the pixels of at is not there; then its producer is set to work for group g. */
static int is_lacking(const engine *e, const msf_stage *s, const msf_tensor *in, uint8_t g, const span *at) {
  const int32_t rows = msf_min(msf_window_rows(s, at->y, at->y).end, in->h);
  const int32_t cols = msf_min(msf_window_columns(s, at->x0, at->x1 - 1).end, in->w);
  return rows > 0 && cols > 0 && ask(e, in->producer, g, rows - 1, cols);
}

/* Ends a span where a ring goes on at its beginning. Returns the place of its first pixel there. */
static uint32_t end_with_ring(const engine *e, const msf_tensor *t, span *at) {
  const msf_progress *producer = &e->progress[t->producer];
  const uint32_t before = (uint32_t)(at->y - producer->y0) * (uint32_t)(producer->x1 - producer->x0);
  const uint32_t place = (before + (uint32_t)(at->x0 - producer->x0)) % t->pixels;
  const uint32_t left = t->pixels - place;
  if (left < (uint32_t)(at->x1 - at->x0)) at->x1 = at->x0 + (int32_t)left;
  return place;
}

/* True if a stage wants to see pixels of an input one behind the other. A single pixel serves all. */
static inline int ends_spans(const engine *e, const msf_stage *s, const msf_tensor *in) {
  return starts_again(e, in) && !(in->h == 1 && in->w == 1) && msf_reads_one_pixel(s);
}

/*
 * A group that must go on before group g can make the pixels of at, now set to work; MSF_NO_GROUP if there is none. Ends
 * at where a ring goes on at its beginning. Once that group is done, the inputs up to it are ready and are not
 * asked for again.
 */
static uint8_t find_lacking(const engine *e, uint8_t g, span *at) {
  msf_progress *own = &e->progress[g];
  const msf_group *group = &e->groups[g];
  const msf_stage *s = e->stages + group->first_stage;
  const msf_stage *const end = s + group->stage_count;
  int32_t n = 0;
  for (; s != end; s++) {
    const int32_t inputs = msf_operator_of(s)->inputs;
    for (int32_t k = 0; k < inputs; k++, n++) {
      const msf_tensor *in = e->tensors + s->in[k];
      if (in->producer == MSF_NONE || in->producer == g) continue;
      if (ends_spans(e, s, in)) end_with_ring(e, in, at);
      if (n >= own->ready && is_lacking(e, s, in, g, at)) {
        own->ready = (uint8_t)msf_min(n + 1, UINT8_MAX);
        return (uint8_t)in->producer;
      }
    }
  }
  const msf_tensor *out = e->tensors + end[-1].out;
  if (out->kind == MSF_RING && group->kind != MSF_GROUP_REDUCE) at->place = end_with_ring(e, out, at);
  own->ready = 0;
  return MSF_NO_GROUP;
}

/*
 * Runs until group g has reached row y, or a stage has failed. Ends, because a group only waits for groups with smaller
 * numbers, and every turn goes to one of those, takes a step, or returns to the asker.
 */
static void run_until(const engine *e, uint8_t g, int32_t y) {
  if (!ask(e, g, MSF_NO_GROUP, y, e->progress[g].x0)) return;
  while (g != MSF_NO_GROUP && *e->status == MSF_OK) {
    const msf_group *group = &e->groups[g];
    msf_progress *own = &e->progress[g];
    if (own->next >= own->goal) {
      g = own->asker;
      continue;
    }
    const int32_t x = msf_column_of(own->next);
    span at = {msf_row_of(own->next), x, msf_min(x + group->chunk, own->x1), 0};
    const uint8_t lacking = find_lacking(e, g, &at);
    if (lacking != MSF_NO_GROUP) {
      g = lacking;
    } else {
      take_step(e, group, own, &at);
    }
  }
}

/* Makes all outputs of the tile grow together, so that what they share is made once. */
static void run_tile(const engine *e, const msf_program *p, const msf_tile *tile) {
  const uint32_t height = (uint32_t)(tile->y1 - tile->y0);
  for (uint32_t row = 1; row <= height; row++) {
    for (uint8_t g = 0; g < p->group_count; g++) {
      const msf_tensor *out = msf_result(p, &e->groups[g]);
      if (out->kind != MSF_WHOLE) continue;
      const int is_tiled = g + 1u == p->group_count;
      run_until(e, g, is_tiled ? tile->y0 + (int32_t)row : (int32_t)((out->h * row + height - 1) / height));
    }
  }
}

static int overlaps(const msf_operand *a, const msf_operand *b) {
  const uintptr_t a0 = (uintptr_t)a->data, b0 = (uintptr_t)b->data;
  return a0 < b0 + b->size && b0 < a0 + a->size;
}

/* Only the pair that the program was planned for may share memory, and only that far. */
static int placement_is_safe(const msf_program *p, const msf_operand *operands) {
  for (uint16_t out = p->input_count; out < p->operand_count; out++) {
    for (uint16_t other = 0; other < out; other++) {
      if (!overlaps(&operands[out], &operands[other])) continue;
      if (other != p->overlap_input || out != p->overlap_output) return 0;
      const uintptr_t from = (uintptr_t)operands[out].data, to = (uintptr_t)operands[other].data;
      if (to < from || to - from < p->overlap_distance) return 0;
    }
  }
  return 1;
}

msf_status msf_invoke(const void *program, const msf_operand *operands, uint32_t operand_count) {
  const msf_program *p = (const msf_program *)program;
  engine e;
  msf_tile tile = {0, 0, 0, 0};
  msf_status status = MSF_OK;
  if (p == 0 || operand_count != p->operand_count) return MSF_BAD_OPERAND;
  for (uint32_t i = 0; i < operand_count; i++) {
    if (operands[i].data == 0 || (uintptr_t)operands[i].data % 4 != 0) return MSF_BAD_OPERAND;
  }
  if (!placement_is_safe(p, operands)) return MSF_BAD_OPERAND;
  if (msf_has_row_source() != ((p->flags & MSF_STREAMED) != 0)) {
    return msf_has_row_source() ? MSF_SOURCE_UNUSED : MSF_SOURCE_FAILED;
  }
  e.tensors = msf_tensors(p);
  e.stages = msf_stages(p);
  e.groups = msf_groups(p);
  e.params = (const uint8_t *)operands[p->params_operand].data;
  e.status = &status;
  e.operands = operands;
  e.progress = (msf_progress *)operands[p->workspace_operand].data;
  while (status == MSF_OK && msf_next_tile(p, &tile)) {
    msf_begin_tile(p, e.progress, &tile);
    run_tile(&e, p, &tile);
  }
  return status;
}
