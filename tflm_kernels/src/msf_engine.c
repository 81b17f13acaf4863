/*
 * Runs a program. Every group is asked for the rows that the output needs, asks the groups before it for the rows
 * that its windows cover, and makes one row at a time; rings remember what is still needed.
 */
#include "msf_engine.h"

typedef struct {
  const msf_program *program;
  const msf_operand *operands;
  msf_progress *progress;
} engine;

static msf_view view_of(const engine *e, uint16_t index, int32_t chunk_x0) {
  const msf_tensor *t = msf_tensors(e->program) + index;
  msf_view v;
  v.base = (int8_t *)e->operands[t->operand].data + t->offset;
  v.row_stride = t->row_stride;
  v.rows = t->rows;
  v.h = t->h;
  v.w = t->w;
  v.c = t->c;
  v.x0 = t->kind == MSF_CHUNK ? chunk_x0 : t->kind == MSF_RING ? e->progress[t->producer].x0 : 0;
  return v;
}

static void run_stage(const engine *e, const msf_stage *s, int32_t y, int32_t x0, int32_t x1) {
  const msf_operator *op = msf_find_operator(s->op);
  const msf_program *p = e->program;
  msf_call call;
  call.stage = s;
  call.params = (const uint8_t *)e->operands[p->params_operand].data;
  call.accumulators =
      (int32_t *)(void *)((uint8_t *)e->operands[p->workspace_operand].data + (op->reduces ? s->accumulators : 0));
  call.in[0] = view_of(e, s->in[0], x0);
  if (op->inputs == 2) call.in[1] = view_of(e, s->in[1], x0);
  call.out = view_of(e, s->out, x0);
  if (op->reduces) call.out.x0 = 0;
  call.y = y;
  call.x0 = x0;
  call.x1 = x1;
  op->run(&call);
}

static void run_step(const engine *e, const msf_group *group, const msf_progress *own) {
  for (int32_t x0 = own->x0; x0 < own->x1; x0 += group->chunk) {
    const int32_t x1 = msf_min(x0 + group->chunk, own->x1);
    for (uint16_t i = 0; i < group->stage_count; i++) {
      run_stage(e, msf_stages(e->program) + group->first_stage + i, own->next, x0, x1);
    }
  }
}

/* Steps that group must have done for its tensor to have rows rows. */
static uint16_t steps_for(const msf_program *p, const msf_group *group, int32_t rows) {
  if (group->kind == MSF_GROUP_REDUCE) return rows > 0 ? msf_grid(p, group)->h : 0;
  return (uint16_t)rows;
}

/* A group that must go on before group g can take its next step, with its goal set; MSF_NONE if there is none. */
static uint16_t find_lacking(const engine *e, uint16_t g) {
  const msf_program *p = e->program;
  const msf_group *group = msf_groups(p) + g;
  const msf_stage *s = msf_stages(p) + group->first_stage;
  const int32_t y = e->progress[g].next;
  for (uint16_t i = 0; i < group->stage_count; i++, s++) {
    for (int k = 0; k < msf_find_operator(s->op)->inputs; k++) {
      const msf_tensor *in = msf_tensors(p) + s->in[k];
      if (in->producer == MSF_NONE || in->producer == g) continue;
      const int32_t needed =
          msf_min(msf_max(y * s->stride_h - s->pad_top + (s->kernel_h - 1) * s->dilation_h + 1, 0), in->h);
      msf_progress *producer = &e->progress[in->producer];
      const uint16_t goal = steps_for(p, msf_groups(p) + in->producer, needed);
      if (producer->next < goal) {
        producer->goal = goal;
        producer->asker = g;
        return in->producer;
      }
    }
  }
  return MSF_NONE;
}

/*
 * Runs until group g has taken goal steps. Ends, because a group only waits for groups with smaller numbers and
 * every turn either goes to one of those, takes a step, or returns to the asker.
 */
static void run_until(const engine *e, uint16_t g, uint16_t goal) {
  e->progress[g].goal = goal;
  e->progress[g].asker = MSF_NONE;
  while (g != MSF_NONE) {
    msf_progress *own = &e->progress[g];
    if (own->next >= own->goal) {
      g = own->asker;
      continue;
    }
    const uint16_t lacking = find_lacking(e, g);
    if (lacking != MSF_NONE) {
      g = lacking;
      continue;
    }
    run_step(e, msf_groups(e->program) + g, own);
    own->next++;
  }
}

/* Makes all outputs of the tile grow together, so that what they share is made once. */
static void run_tile(const engine *e, const msf_tile *tile) {
  const msf_program *p = e->program;
  const int32_t height = tile->y1 - tile->y0;
  for (int32_t row = 1; row <= height; row++) {
    for (uint16_t g = 0; g < p->group_count; g++) {
      const msf_tensor *out = msf_result(p, msf_groups(p) + g);
      if (out->kind != MSF_WHOLE) continue;
      const int is_tiled = g + 1u == p->group_count;
      const int32_t rows = is_tiled ? tile->y0 + row : (out->h * row + height - 1) / height;
      run_until(e, g, steps_for(p, msf_groups(p) + g, rows));
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
      if ((uintptr_t)operands[other].data < (uintptr_t)operands[out].data + p->overlap_distance) return 0;
    }
  }
  return 1;
}

msf_status msf_invoke(const void *program, const msf_operand *operands, uint32_t operand_count) {
  const msf_program *p = (const msf_program *)program;
  engine e;
  msf_tile tile = {0, 0, 0, 0};
  if (p == 0 || operand_count != p->operand_count) return MSF_BAD_OPERAND;
  for (uint32_t i = 0; i < operand_count; i++) {
    if (operands[i].data == 0 || (uintptr_t)operands[i].data % 4 != 0) return MSF_BAD_OPERAND;
  }
  if (!placement_is_safe(p, operands)) return MSF_BAD_OPERAND;
  e.program = p;
  e.operands = operands;
  e.progress = (msf_progress *)operands[p->workspace_operand].data;
  while (msf_next_tile(p, &tile)) {
    if (!msf_begin_tile(p, e.progress, &tile)) return MSF_BAD_GEOMETRY;
    run_tile(&e, &tile);
  }
  return MSF_OK;
}
