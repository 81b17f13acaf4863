/*
 * Runs a program. Every group is asked for the pixels that come next in the output, asks the groups before it for the
 * pixels that its windows cover, and makes a few pixels at a time; rings remember what is still needed.
 */
#include "msf_engine.h"

typedef struct {
  const msf_program *program;
  const msf_operand *operands;
  msf_progress *progress;
  msf_status *status;
} engine;

/* The pixels that a group makes or takes in next. */
typedef struct {
  int32_t y, x0, x1;
} span;

static void find_view(const engine *e, uint16_t index, const span *at, msf_view *v) {
  const msf_tensor *t = msf_tensors(e->program) + index;
  v->base = (int8_t *)e->operands[t->operand].data + t->offset;
  v->ring = 0;
  v->x0 = 0;
  v->y0 = 0;
  v->line = t->w;
  v->h = t->h;
  v->w = t->w;
  v->c = t->c;
  if (t->kind == MSF_CHUNK) {
    v->x0 = at->x0;
    v->y0 = at->y;
  } else if (t->kind == MSF_RING && msf_groups(e->program)[t->producer].kind != MSF_GROUP_REDUCE) {
    const msf_progress *producer = &e->progress[t->producer];
    v->ring = t->pixels;
    v->x0 = producer->x0;
    v->y0 = producer->y0;
    v->line = producer->x1 - producer->x0;
  }
}

static void run_stage(const engine *e, const msf_stage *s, const span *at) {
  const msf_operator *op = msf_find_operator(s->op);
  const msf_program *p = e->program;
  uint8_t *workspace = (uint8_t *)e->operands[p->workspace_operand].data;
  msf_call call;
  call.stage = s;
  call.params = (const uint8_t *)e->operands[p->params_operand].data;
  call.accumulators = (int32_t *)(void *)(workspace + (op->reduces ? s->accumulators : 0));
  call.status = e->status;
  if (op->inputs > 0) find_view(e, s->in[0], at, &call.in[0]);
  if (op->inputs > 1) find_view(e, s->in[1], at, &call.in[1]);
  find_view(e, s->out, at, &call.out);
  call.y = at->y;
  call.x0 = at->x0;
  call.x1 = at->x1;
  op->run(&call);
}

/* at, cut short where a ring goes on at its beginning, so that kernels see contiguous pixels. One that serves all is. */
static void end_with_ring(const engine *e, uint16_t tensor, span *at) {
  const msf_tensor *t = msf_tensors(e->program) + tensor;
  if (t->kind != MSF_RING || msf_groups(e->program)[t->producer].kind == MSF_GROUP_REDUCE) return;
  if (t->h == 1 && t->w == 1) return;
  const msf_progress *producer = &e->progress[t->producer];
  const uint32_t before = (uint32_t)(at->y - producer->y0) * (uint32_t)(producer->x1 - producer->x0);
  const uint32_t left = t->pixels - (before + (uint32_t)(at->x0 - producer->x0)) % t->pixels;
  if (left < (uint32_t)(at->x1 - at->x0)) at->x1 = at->x0 + (int32_t)left;
}

static span next_span(const engine *e, const msf_group *group, const msf_progress *own) {
  const msf_stage *s = msf_stages(e->program) + group->first_stage;
  span at = {own->y, own->x, msf_min(own->x + group->chunk, own->x1)};
  if (group->kind != MSF_GROUP_REDUCE) end_with_ring(e, msf_last_stage(e->program, group)->out, &at);
  for (uint16_t i = 0; i < group->stage_count; i++, s++) {
    if (!msf_reads_one_pixel(s)) continue;
    for (int k = 0; k < msf_find_operator(s->op)->inputs; k++) end_with_ring(e, s->in[k], &at);
  }
  return at;
}

static void take_step(const engine *e, const msf_group *group, msf_progress *own, const span *at) {
  for (uint16_t i = 0; i < group->stage_count; i++) {
    run_stage(e, msf_stages(e->program) + group->first_stage + i, at);
  }
  own->x = (uint16_t)at->x1;
  if (own->x >= own->x1) {
    own->x = own->x0;
    own->y++;
  }
}

static int is_behind(const msf_progress *group, int32_t y, int32_t x) {
  return group->y < y || (group->y == y && group->x < x);
}

/* Makes group g the asker of another one that has to reach pixel (y, x) first. Returns 0 if that one is there already. */
static int ask(const engine *e, uint16_t producer, uint16_t g, int32_t y, int32_t x) {
  msf_progress *other = &e->progress[producer];
  const msf_group *group = msf_groups(e->program) + producer;
  if (group->kind == MSF_GROUP_REDUCE) {
    y = msf_grid(e->program, group)->h;
    x = 0;
  }
  if (other->x0 >= other->x1 || !is_behind(other, y, x)) return 0;
  other->goal_y = (uint16_t)y;
  other->goal_x = (uint16_t)x;
  other->asker = g;
  return 1;
}

/* A group that must go on before group g can make the pixels of at, now set to work; MSF_NONE if there is none. */
static uint16_t find_lacking(const engine *e, uint16_t g, const span *at) {
  const msf_program *p = e->program;
  const msf_group *group = msf_groups(p) + g;
  const msf_stage *s = msf_stages(p) + group->first_stage;
  for (uint16_t i = 0; i < group->stage_count; i++, s++) {
    for (int k = 0; k < msf_find_operator(s->op)->inputs; k++) {
      const msf_tensor *in = msf_tensors(p) + s->in[k];
      if (in->producer == MSF_NONE || in->producer == g) continue;
      const int32_t rows = msf_min(msf_bottom(s, at->y) + 1, in->h);
      const int32_t cols = msf_min(msf_right(s, at->x1 - 1) + 1, in->w);
      if (rows > 0 && cols > 0 && ask(e, in->producer, g, rows - 1, cols)) return in->producer;
    }
  }
  return MSF_NONE;
}

/*
 * Runs until group g has reached row y, or a stage has failed. Ends, because a group only waits for groups with smaller
 * numbers, and every turn goes to one of those, takes a step, or returns to the asker.
 */
static void run_until(const engine *e, uint16_t g, int32_t y) {
  if (!ask(e, g, MSF_NONE, y, e->progress[g].x0)) return;
  while (g != MSF_NONE && *e->status == MSF_OK) {
    const msf_group *group = msf_groups(e->program) + g;
    msf_progress *own = &e->progress[g];
    if (!is_behind(own, own->goal_y, own->goal_x)) {
      g = own->asker;
      continue;
    }
    const span at = next_span(e, group, own);
    const uint16_t lacking = find_lacking(e, g, &at);
    if (lacking != MSF_NONE) {
      g = lacking;
    } else {
      take_step(e, group, own, &at);
    }
  }
}

/* Makes all outputs of the tile grow together, so that what they share is made once. */
static void run_tile(const engine *e, const msf_tile *tile) {
  const msf_program *p = e->program;
  const uint32_t height = (uint32_t)(tile->y1 - tile->y0);
  for (uint32_t row = 1; row <= height; row++) {
    for (uint16_t g = 0; g < p->group_count; g++) {
      const msf_tensor *out = msf_result(p, msf_groups(p) + g);
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
  e.program = p;
  e.status = &status;
  e.operands = operands;
  e.progress = (msf_progress *)operands[p->workspace_operand].data;
  while (status == MSF_OK && msf_next_tile(p, &tile)) {
    msf_begin_tile(p, e.progress, &tile);
    run_tile(&e, &tile);
  }
  return status;
}
