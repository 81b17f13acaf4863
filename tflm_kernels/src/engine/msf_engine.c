/*
 * Runs a program. Every group is asked for the pixels that come next in the output, asks the groups before it for the
 * pixels that its windows cover, and makes a few pixels at a time; rings remember what is still needed.
 */
#include "engine/msf_operators.h"
#include "engine/msf_source.h"
#include "engine/msf_state.h"
#include "engine/msf_tile.h"
#include "msf.h"

/* A program and its memory, found once; the tables with the bytes from one record to the next. */
typedef struct {
  const msf_tensor *tensors;
  const msf_stage *stages;
  const msf_group *groups;
  const msf_sizes *sizes;
  uint8_t column_bits, order;
  msf_progress *progress; /* where the workspace begins */
  uint8_t *state;         /* NULL if there is none */
  const uint8_t *params;
  const msf_operand *operands;
  const msf_attachment *rows;
  msf_status *status;
} engine;

static inline const msf_tensor *tensor_at(const engine *e, uint32_t index) {
  return (const msf_tensor *)msf_behind(e->tensors, index * msf_known_sizes(e->sizes)->tensor);
}

static inline const msf_stage *stage_at(const engine *e, uint32_t index) {
  return (const msf_stage *)msf_behind(e->stages, index * msf_known_sizes(e->sizes)->stage);
}

static inline const msf_stage *next_stage(const engine *e, const msf_stage *s) {
  return (const msf_stage *)msf_behind(s, msf_known_sizes(e->sizes)->stage);
}

static inline const msf_group *group_at(const engine *e, uint32_t index) {
  return (const msf_group *)msf_behind(e->groups, index * msf_known_sizes(e->sizes)->group);
}

static inline const msf_stage *last_stage(const engine *e, const msf_group *g) {
  return stage_at(e, (uint32_t)g->first_stage + g->stage_count - 1);
}

static inline msf_point point_at(const engine *e, int32_t y, int32_t x) { return msf_point_at(y, x, e->column_bits); }

/* The pixels that a group makes or takes in next; and where the first one lies in the ring that it is made for, if any. */
typedef struct {
  int32_t y, x0, x1;
  uint32_t place;
} span;

static inline int is_in_state(const msf_tensor *t) { return MSF_HAS_STATES && t->kind >= MSF_KEPT; }

/* A ring starts again at its beginning, unless it keeps all that a reducing group makes. */
static inline int starts_again(const engine *e, const msf_tensor *t) {
  return is_in_state(t) || (t->kind == MSF_RING && group_at(e, t->producer)->kind != MSF_GROUP_REDUCE);
}

/* The tensor that a group makes when it makes what readers see as t. */
static inline const msf_tensor *made_as(const engine *e, const msf_tensor *t) {
  return t->kind == MSF_HISTORY ? tensor_at(e, t->shows) : t;
}

/* Rows of a tensor that are there before an invocation begins. */
static inline int32_t history_of(const msf_tensor *t) {
  return MSF_HAS_STATES && t->kind == MSF_HISTORY ? (int32_t)t->history : 0;
}

/* How many pixels lie before pixel (0, 0) of a tensor in the state, counted from the ring's beginning. */
static uint32_t pixels_before(const engine *e, const msf_tensor *t) {
  const uint32_t first = msf_place_of(made_as(e, t), e->state) % t->pixels;
  return t->kind == MSF_HISTORY ? first : (first + t->history * t->w) % t->pixels;
}

/* Makes a view of a whole tensor one of a ring. */
static void turn_into_ring(const engine *e, const msf_tensor *t, msf_view *v) {
  v->ring = t->pixels;
  if (is_in_state(t)) {
    v->x0 = -(int32_t)pixels_before(e, t);
  } else {
    const msf_progress *producer = &e->progress[t->producer];
    v->y0 = msf_row_of(producer->start, e->column_bits);
    v->x0 = msf_column_of(producer->start, e->column_bits);
    v->line = producer->x1 - v->x0;
  }
}

static void find_whole_view(const engine *e, const msf_tensor *t, msf_view *v) {
  v->base = (int8_t *)e->operands[t->operand].data + t->offset;
  v->ring = 0;
  v->x0 = 0;
  v->y0 = 0;
  v->line = t->w;
  v->h = msf_height(t);
  v->w = t->w;
  v->c = t->c;
}

static void find_input(const engine *e, uint16_t index, const span *at, msf_view *v) {
  const msf_tensor *t = tensor_at(e, index);
  find_whole_view(e, t, v);
  if (t->kind == MSF_CHUNK) {
    v->x0 = at->x0;
    v->y0 = at->y;
  } else if (starts_again(e, t)) {
    turn_into_ring(e, t, v);
  }
}

/* Just the pixels of at, if they do not go where the whole output is kept. */
static void find_output(const engine *e, uint16_t index, const span *at, msf_view *v) {
  const msf_tensor *t = tensor_at(e, index);
  find_whole_view(e, t, v);
  if (t->kind == MSF_CHUNK || starts_again(e, t)) {
    v->x0 = at->x0;
    v->y0 = at->y;
    if (t->kind != MSF_CHUNK) v->base += at->place * t->c;
  }
}

#if defined(MSF_CHECK_ACCESS)

/* Whether a group has made the last pixel of a region; one that reduces, all that it makes. */
static int is_made(const engine *e, const msf_tensor *t, const msf_region *region) {
  const msf_progress *producer = &e->progress[t->producer];
  const msf_range *rows = &region->rows, *columns = &region->columns;
  if (rows->first >= rows->end || columns->first >= columns->end) return 1;
  if (group_at(e, t->producer)->kind == MSF_GROUP_REDUCE) return producer->next >= producer->goal;
  const int32_t last = rows->end - 1 - history_of(t);
  return last < 0 || (producer->next > point_at(e, last, columns->end - 1) &&
                      rows->first >= msf_row_of(producer->start, e->column_bits) &&
                      columns->first >= msf_column_of(producer->start, e->column_bits));
}

/* Notes what a stage may touch of its inputs: what its operator declares, all of which is there. */
static void allow_inputs(const engine *e, const msf_stage *s, const span *at, msf_call *call) {
  const msf_operator *op = msf_operator_of(s);
  msf_stage_shape shape;
  shape.stage = s;
  shape.out = tensor_at(e, s->out);
  for (uint32_t k = 0; k < op->inputs; k++) shape.in[k] = tensor_at(e, s->in[k]);
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
  const msf_tensor *t = tensor_at(e, s->out);
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
  msf_call call;
  call.stage = s;
  call.params = e->params;
  call.rows = e->rows;
  call.workspace = (uint8_t *)e->progress;
  call.status = e->status;
  for (uint32_t k = 0; k < op->inputs; k++) find_input(e, s->in[k], at, &call.in[k]);
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
  const msf_stage *s = stage_at(e, group->first_stage);
  for (int32_t left = group->stage_count; left > 0; left--, s = next_stage(e, s)) run_stage(e, s, at);
  const int32_t x0 = msf_column_of(own->start, e->column_bits);
  own->next = at->x1 < own->x1 ? point_at(e, at->y, at->x1) : point_at(e, at->y + 1, x0);
}

/* Behind the last pixel that a reducing group takes in. */
static msf_point end_of_input(const engine *e, const msf_group *group) {
  return point_at(e, msf_height(tensor_at(e, last_stage(e, group)->in[0])), 0);
}

/*
 * Makes group g the asker of another one that has to reach pixel (y, x) first, or the end of its grid if it reduces.
 * Returns 0 if that one is there already.
 */
static int ask(const engine *e, uint16_t producer, uint8_t g, int32_t y, int32_t x) {
  msf_progress *other = &e->progress[producer];
  const msf_group *group = group_at(e, producer);
  const msf_point goal = group->kind == MSF_GROUP_REDUCE ? end_of_input(e, group) : point_at(e, y, x);
  if (other->next >= goal || msf_column_of(other->start, e->column_bits) >= other->x1) return 0;
  other->goal = goal;
  other->asker = g;
  return 1;
}

/* Whether what a stage reads of an input for the pixels of at is not there; then its producer is set to work for group g. */
static int is_lacking(const engine *e, const msf_stage *s, const msf_tensor *in, uint8_t g, const span *at) {
  const int32_t rows = msf_min(msf_window_rows(s, at->y, at->y).end, msf_height(in)) - history_of(in);
  const int32_t cols = msf_min(msf_window_columns(s, at->x0, at->x1 - 1).end, in->w);
  return rows > 0 && cols > 0 && ask(e, in->producer, g, rows - 1, cols);
}

/* Ends a span where a ring goes on at its beginning. Returns the place of its first pixel there. */
static uint32_t end_with_ring(const engine *e, const msf_tensor *t, span *at) {
  msf_view v;
  v.x0 = v.y0 = 0;
  v.line = t->w;
  turn_into_ring(e, t, &v);
  const uint32_t place = msf_index(&v, at->y, at->x0);
  const uint32_t left = t->pixels - place;
  if (left < (uint32_t)(at->x1 - at->x0)) at->x1 = at->x0 + (int32_t)left;
  return place;
}

/* True if a stage wants to see pixels of an input one behind the other. A single pixel serves all. */
static inline int ends_spans(const engine *e, const msf_stage *s, const msf_tensor *in) {
  return starts_again(e, in) && !msf_is_one_pixel(in) && msf_reads_one_pixel(s);
}

/*
 * A group that must go on before group g can make the pixels of at, now set to work; MSF_NO_GROUP if there is none. Ends
 * at where a ring goes on at its beginning. Once that group is done, the inputs up to it are ready and are not
 * asked for again.
 */
static MSF_NOINLINE uint8_t find_lacking(const engine *e, uint8_t g, span *at) {
  msf_progress *own = &e->progress[g];
  const msf_group *group = group_at(e, g);
  const msf_stage *s = stage_at(e, group->first_stage);
  int32_t n = 0;
  for (int32_t left = group->stage_count; left > 0; left--, s = next_stage(e, s)) {
    const uint32_t inputs = msf_operator_of(s)->inputs;
    for (uint32_t k = 0; k < inputs; k++, n++) {
      const msf_tensor *in = tensor_at(e, s->in[k]);
      if (in->producer == MSF_NONE || in->producer == g) continue;
      if (ends_spans(e, s, in)) end_with_ring(e, in, at);
      if (n >= own->ready && is_lacking(e, s, in, g, at)) {
        own->ready = (uint8_t)msf_min(n + 1, UINT8_MAX);
        return (uint8_t)in->producer;
      }
    }
  }
  const msf_tensor *out = tensor_at(e, last_stage(e, group)->out);
  if (starts_again(e, out)) at->place = end_with_ring(e, out, at);
  own->ready = 0;
  return MSF_NO_GROUP;
}

/* What a group makes next: a chunk of its row, or of that what it was asked for. A source fetches whole rows. */
static span next_span(const engine *e, const msf_group *group, const msf_progress *own) {
  const int32_t x = msf_column_of(own->next, e->column_bits);
  span at = {msf_row_of(own->next, e->column_bits), x, msf_min(x + group->chunk, own->x1), 0};
  if (e->order == MSF_ORDER_ASKED && group->kind != MSF_GROUP_SOURCE && msf_row_of(own->goal, e->column_bits) == at.y) {
    at.x1 = msf_min(at.x1, msf_column_of(own->goal, e->column_bits));
  }
  return at;
}

/*
 * Runs until group g has reached row y, or a stage has failed. Ends, because a group only waits for groups with smaller
 * numbers, and every turn goes to one of those, takes a step, or returns to the asker.
 */
static void run_until(const engine *e, uint8_t g, int32_t y) {
  if (!ask(e, g, MSF_NO_GROUP, y, msf_column_of(e->progress[g].start, e->column_bits))) return;
  while (g != MSF_NO_GROUP && *e->status == MSF_OK) {
    const msf_group *group = group_at(e, g);
    msf_progress *own = &e->progress[g];
    if (own->next >= own->goal) {
      g = own->asker;
      continue;
    }
    span at = next_span(e, group, own);
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
      const msf_tensor *out = msf_result(p, group_at(e, g));
      if (out->kind != MSF_WHOLE) continue;
      const int is_tiled = g + 1u == p->group_count;
      run_until(
          e, g,
          is_tiled ? tile->y0 + (int32_t)row : (int32_t)(((uint32_t)msf_height(out) * row + height - 1) / height));
    }
  }
}

/* Makes what is kept for the next invocation and nobody has asked for. What a group reads is still there: who reads it
   too comes later in the program, and has run. */
static void complete_kept(const engine *e, const msf_program *p) {
  for (uint8_t g = (uint8_t)p->group_count; g-- > 0;) {
    const msf_tensor *out = msf_result(p, group_at(e, g));
    if (out->kind == MSF_KEPT) run_until(e, g, msf_height(out));
  }
}

static int overlaps(const msf_operand *a, const msf_operand *b) {
  const uintptr_t a0 = (uintptr_t)a->data, b0 = (uintptr_t)b->data;
  return a0 < b0 + b->size && b0 < a0 + a->size;
}

/* Only the pair that the program was planned for may share memory, and only that far. */
static MSF_NOINLINE int placement_is_safe(const msf_program *p, const msf_operand *operands) {
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

static MSF_NOINLINE void find_memory(engine *e, const msf_program *p, const msf_operand *operands, msf_status *status) {
  e->tensors = msf_tensor_at(p, 0);
  e->stages = msf_stage_at(p, 0);
  e->groups = msf_group_at(p, 0);
  e->sizes = msf_sizes_of(p);
  e->column_bits = (uint8_t)msf_column_bits(p);
  e->order = msf_order(p);
  e->progress = (msf_progress *)operands[p->workspace_operand].data;
  e->state = msf_has_state(p) ? (uint8_t *)operands[p->state_operand].data : 0;
  e->params = (const uint8_t *)operands[p->params_operand].data;
  e->operands = operands;
  e->rows = MSF_HAS_STREAMS ? msf_rows_of(p) : 0;
  e->status = status;
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
  if (MSF_HAS_STREAMS && msf_check_source(p) != MSF_OK) return MSF_SOURCE_MISSING;
  find_memory(&e, p, operands, &status);
  if (MSF_HAS_STATES && e.state != 0) status = msf_begin_state(p, e.state, e.params);
  if (status != MSF_OK) return status;
  while (status == MSF_OK && msf_next_tile(p, &tile)) {
    msf_begin_tile(p, e.progress, &tile);
    run_tile(&e, p, &tile);
  }
  if (MSF_HAS_STATES && e.state != 0) {
    complete_kept(&e, p);
    msf_end_state(p, e.state, status);
  }
  return status;
}
