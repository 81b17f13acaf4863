#include <stdlib.h>
#include <string.h>

#include "engine/msf_state.h"
#include "fuzz_draft.h"

#define IN_WORKSPACE 0xFEu /* stands for the workspace's number until that is known */
#define IN_STATE 0xFDu     /* for the state's */
#define MOST_BYTES 8192    /* of a map; with larger ones one begins again */

uint32_t fuzz_below(fuzz_draft *d, uint32_t limit) { return fuzz_random(d->random) % limit; }

int fuzz_once_in(fuzz_draft *d, uint32_t n) { return fuzz_below(d, n) == 0; }

static uint32_t align(uint32_t offset, uint32_t alignment) { return (offset + alignment - 1) / alignment * alignment; }

uint32_t fuzz_put_params(fuzz_draft *d, uint32_t size, uint32_t alignment) {
  const uint32_t offset = align(d->header.params_size, alignment);
  if (size > DRAFT_PARAMS || offset > DRAFT_PARAMS - size) return 0; /* the same bytes may serve twice */
  d->header.params_size = offset + size;
  for (uint32_t i = 0; i < size; i += 4) fuzz_write(d->params + offset + i, 4, fuzz_random(d->random));
  return offset;
}

uint32_t fuzz_take_workspace(fuzz_draft *d, uint32_t size, uint32_t alignment) {
  const uint32_t begin = (uint32_t)(d->header.group_count * sizeof(msf_progress));
  if (fuzz_once_in(d, 16) && begin + size <= d->header.workspace_size)
    return begin; /* what lies there is overwritten */
  const uint32_t offset = align(d->header.workspace_size, alignment);
  d->header.workspace_size = offset + size;
  return offset;
}

static uint32_t size_of(const msf_tensor *t) { return (uint32_t)t->h * t->w * t->c; }

/* A tensor without a place; NULL if there are too many. */
static msf_tensor *add_tensor(fuzz_draft *d, uint16_t h, uint16_t w, uint16_t c) {
  if (d->header.tensor_count == DRAFT_TENSORS) return 0;
  msf_tensor *t = &d->tensors[d->header.tensor_count++];
  memset(t, 0, sizeof(*t));
  t->h = h;
  t->w = w;
  t->c = c;
  t->producer = MSF_NONE;
  t->shows = MSF_NONE;
  t->pixels = (uint32_t)h * w;
  return t;
}

static int can_be_read(const msf_tensor *t, uint16_t g) {
  if (t->producer == MSF_NONE) return 1;
  if (t->producer < g) return t->kind != MSF_CHUNK && t->kind != MSF_KEPT;
  return t->producer == g && t->pixels > 0;
}

const msf_tensor *fuzz_find_second(fuzz_making *m, uint16_t h, uint16_t w, uint16_t c) {
  fuzz_draft *d = m->draft;
  const uint16_t count = d->header.tensor_count, first = (uint16_t)fuzz_below(d, count);
  for (uint16_t n = 0; n < count; n++) {
    const uint16_t i = (uint16_t)((first + n) % count);
    const msf_tensor *t = &d->tensors[i];
    m->stage->in[1] = i;
    if (t != m->out && can_be_read(t, m->group) && t->h == h && t->w == w && (c == 0 || t->c == c)) return t;
  }
  msf_tensor *constant = add_tensor(d, h, w, c == 0 ? 1 : c);
  if (constant == 0) return m->in;
  constant->operand = d->header.params_operand;
  constant->offset = fuzz_put_params(d, size_of(constant), 1);
  m->stage->in[1] = (uint16_t)(constant - d->tensors);
  return constant;
}

/* Rows or columns of an input. */
static uint16_t make_extent(fuzz_draft *d) { return (uint16_t)(1 + fuzz_below(d, fuzz_once_in(d, 24) ? 40 : 7)); }

/* Inputs, some of which can be seen as maps of two shapes; params is one of them. */
static void make_inputs(fuzz_draft *d, int is_streamed) {
  const uint32_t maps = is_streamed ? fuzz_below(d, 2) : 1 + fuzz_below(d, 2);
  d->header.input_count = (uint16_t)(maps + 1);
  d->header.operand_count = d->header.input_count;
  d->header.params_operand = (uint8_t)fuzz_below(d, maps + 1);
  for (uint8_t operand = 0; operand < d->header.input_count; operand++) {
    if (operand == d->header.params_operand) continue;
    msf_tensor *t = add_tensor(d, make_extent(d), make_extent(d), (uint16_t)(1 + fuzz_below(d, 6)));
    t->operand = operand;
    t->offset = fuzz_once_in(d, 8) ? fuzz_below(d, 9) : 0;
    d->sizes[operand] = t->offset + size_of(t) + fuzz_below(d, 3);
    if (!fuzz_once_in(d, 4)) continue;
    msf_tensor *same = add_tensor(d, t->w, t->c, t->h);
    same->operand = operand;
    same->offset = t->offset;
  }
}

/* What readers see of a tensor: of one that is kept its history. */
static uint16_t seen_as(const fuzz_draft *d, uint16_t index) {
  if (d->tensors[index].kind != MSF_KEPT) return index;
  for (uint16_t i = 0; i < d->header.tensor_count; i++) {
    if (d->tensors[i].kind == MSF_HISTORY && d->tensors[i].shows == index) return i;
  }
  return index;
}

/* Most often what the stage before has made. The last tensor is the stage's own. */
static uint16_t choose_input(fuzz_draft *d, uint16_t g) {
  const uint16_t count = (uint16_t)(d->header.tensor_count - 1);
  if (d->header.stage_count > 1 && !fuzz_once_in(d, 4)) return seen_as(d, d->stages[d->header.stage_count - 2].out);
  uint16_t i = (uint16_t)fuzz_below(d, count);
  for (uint16_t n = 0; n < count && !can_be_read(&d->tensors[i], g); n++) i = (uint16_t)((i + 1) % count);
  return i;
}

/* An operator that has a place there; here and there any. */
static uint8_t choose_operator(fuzz_draft *d, uint32_t flags) {
  uint8_t op;
  const int is_any = fuzz_once_in(d, 256);
  do {
    op = (uint8_t)fuzz_below(d, MSF_OP_COUNT);
  } while (!is_any && (msf_operators[op]->flags & (MSF_REDUCES | MSF_FETCHES)) != flags);
  return op;
}

static void make_output_operand(fuzz_draft *d, msf_tensor *out) {
  out->kind = MSF_WHOLE;
  out->operand = (uint8_t)d->header.operand_count++;
  out->offset = fuzz_once_in(d, 8) ? fuzz_below(d, 9) : 0;
  d->sizes[out->operand] = out->offset + size_of(out) + fuzz_below(d, 3);
}

static uint32_t take_state(fuzz_draft *d, uint32_t size) {
  const uint32_t offset = align(d->header.state_size, 4);
  d->header.state_size = offset + size;
  return offset;
}

/* A ring in the state, and what readers see of it, some rows of earlier invocations first. */
static void keep(fuzz_draft *d, msf_tensor *out) {
  msf_tensor *history = add_tensor(d, out->h, out->w, out->c);
  if (history == 0) return;
  if (d->header.state_size == 0) d->header.state_size = MSF_STATE_MARK;
  d->header.tile_h = d->header.tile_w = MSF_NONE; /* with several tiles it would be refused */
  out->kind = MSF_KEPT;
  out->operand = IN_STATE;
  out->history = fuzz_below(d, 6);
  out->pixels = 1 + fuzz_below(d, (out->history + out->h) * out->w);
  out->place = take_state(d, 4);
  out->offset = take_state(d, out->pixels * out->c);
  out->flags = fuzz_once_in(d, 2) ? MSF_FILLED : 0;
  out->start = fuzz_put_params(d, out->flags ? 1 : out->pixels * out->c, 1);
  *history = *out;
  history->kind = MSF_HISTORY;
  history->h = (uint16_t)(out->h + out->history);
  history->shows = (uint16_t)(out - d->tensors);
}

static int may_be_kept(const fuzz_draft *d, const msf_group *group) {
  return d->header.version > 1 && group->kind == MSF_GROUP_ROWS;
}

/*
 * Where the output of a stage goes: a chunk, a ring of some pixels (of some rows, for a source), one that outlives an
 * invocation, or an operand.
 */
static void place(fuzz_draft *d, const msf_group *group, msf_tensor *out, int is_last, int is_result) {
  const uint32_t all = (uint32_t)out->h * out->w, unit = group->kind == MSF_GROUP_SOURCE ? out->w : 1;
  out->pixels = all;
  if (is_last && (is_result || fuzz_once_in(d, 8))) {
    make_output_operand(d, out);
    return;
  }
  if (is_last && may_be_kept(d, group) && fuzz_once_in(d, 6)) {
    keep(d, out);
    if (out->kind == MSF_KEPT) return;
  }
  out->operand = IN_WORKSPACE;
  out->kind = is_last ? MSF_RING : MSF_CHUNK;
  if (!is_last) {
    out->pixels = (uint32_t)msf_min(msf_min(group->chunk, out->w) + (int32_t)fuzz_below(d, 2), (int32_t)all);
  } else if (group->kind != MSF_GROUP_REDUCE) {
    out->pixels = unit * (1 + fuzz_below(d, all / unit));
  }
  out->offset = fuzz_take_workspace(d, out->pixels * out->c, fuzz_once_in(d, 4) ? 1 : 4);
}

static void make_numbers(fuzz_draft *d, msf_stage *s) {
  s->kernel_h = s->kernel_w = s->stride_h = s->stride_w = s->dilation_h = s->dilation_w = 1;
  s->act_min = (int8_t)(fuzz_once_in(d, 4) ? (int32_t)fuzz_below(d, 256) - 128 : -128);
  s->act_max = (int8_t)(fuzz_once_in(d, 4) ? (int32_t)fuzz_below(d, 256) - 128 : 127);
  for (uint32_t k = 0; k < sizeof(s->in_zero); k++) s->in_zero[k] = (int8_t)fuzz_random(d->random);
  for (uint32_t k = 0; k < sizeof(s->in) / sizeof(s->in[0]); k++) s->in[k] = MSF_NONE;
  s->out_zero = (int8_t)fuzz_random(d->random);
  s->third = MSF_NONE;
}

/* The next stage of a group, whose grid is known after the first one. Returns 0 if one has to begin again. */
static int make_stage(fuzz_draft *d, uint16_t g, uint16_t number, int is_result) {
  msf_group *group = &d->groups[g];
  const int is_last = number + 1 == group->stage_count, is_first = number == 0;
  const uint32_t kinds[] = {0, MSF_REDUCES, MSF_FETCHES};
  msf_stage *s = &d->stages[d->header.stage_count];
  const msf_tensor *grid = is_first ? 0 : &d->tensors[s[-1].out];
  msf_tensor *out = is_first ? add_tensor(d, 1, 1, 1) : add_tensor(d, grid->h, grid->w, 1);
  if (out == 0 || d->header.stage_count == DRAFT_STAGES) return 0;
  d->header.stage_count++;
  memset(s, 0, sizeof(*s));
  make_numbers(d, s);
  out->producer = g;
  out->pixels = 0;
  s->out = (uint16_t)(out - d->tensors);
  s->op = choose_operator(d, is_last ? kinds[group->kind] : 0);
  if (fuzz_makers[s->op].make == 0) abort();
  const int has_input = msf_operator_of(s)->inputs > 0;
  if (has_input && s->out > 0) s->in[0] = choose_input(d, g);
  const msf_tensor *in = has_input && s->out > 0 ? &d->tensors[s->in[0]] : out;
  fuzz_making m = {d, s, in, out, g, is_first, has_input && in->kind == MSF_CHUNK && !fuzz_once_in(d, 16)};
  if (has_input && s->out == 0) return 0;
  fuzz_makers[s->op].make(&m);
  if (out->c == 0 || size_of(out) > MOST_BYTES || d->header.operand_count + 3u > MSF_MAX_OPERANDS) return 0;
  place(d, group, out, is_last, is_result);
  return d->header.workspace_size <= 4 * MOST_BYTES;
}

static int make_group(fuzz_draft *d, uint16_t g, int is_source) {
  msf_group *group = &d->groups[g];
  const int is_last = g + 1 == d->header.group_count;
  group->first_stage = d->header.stage_count;
  group->kind = (uint16_t)(is_source ? MSF_GROUP_SOURCE : fuzz_once_in(d, 5) ? MSF_GROUP_REDUCE : MSF_GROUP_ROWS);
  group->stage_count = (uint16_t)(is_source ? 1 : 1 + fuzz_below(d, 3));
  group->chunk = (uint16_t)(is_source || fuzz_once_in(d, 16) ? MSF_NONE : 1 + fuzz_below(d, 9));
  for (uint16_t i = 0; i < group->stage_count; i++) {
    if (!make_stage(d, g, i, is_last)) return 0;
  }
  return 1;
}

static int make_groups(fuzz_draft *d, int is_streamed) {
  for (uint16_t g = 0; g < d->header.group_count; g++) {
    if (!make_group(d, g, is_streamed && g == 0)) return 0;
  }
  return 1;
}

static void make_header(fuzz_draft *d, int is_streamed) {
  msf_program *p = &d->header;
  p->magic = MSF_MAGIC;
  p->version = (uint16_t)(1 + fuzz_below(d, MSF_VERSION));
  p->header_size = (uint16_t)(p->version == 1 ? MSF_PROGRAM_SIZE_1 : sizeof(msf_program));
  p->order = (uint8_t)(fuzz_once_in(d, 2) ? MSF_ORDER_ASKED : MSF_ORDER_CHUNKS);
  p->column_bits = (uint8_t)(fuzz_once_in(d, 4) ? 8 + fuzz_below(d, 9) : MSF_COLUMN_BITS);
  p->state_operand = MSF_NO_OPERAND;
  p->group_count = (uint16_t)(1 + fuzz_below(d, DRAFT_GROUPS));
  p->workspace_size = (uint32_t)(p->group_count * sizeof(msf_progress));
  p->tile_h = p->tile_w = MSF_NONE;
  if (!is_streamed && fuzz_once_in(d, 6)) p->tile_h = (uint16_t)(1 + fuzz_below(d, 4));
  if (!is_streamed && fuzz_once_in(d, 6)) p->tile_w = (uint16_t)(1 + fuzz_below(d, 4));
  p->overlap_input = p->overlap_output = MSF_NONE;
  p->flags = is_streamed || fuzz_once_in(d, 32) ? MSF_STREAMED : 0;
}

/* The workspace becomes an operand, and the state the last one; the first input and the last result may share memory. */
static void finish(fuzz_draft *d) {
  msf_program *p = &d->header;
  p->workspace_operand = (uint8_t)p->operand_count++;
  for (uint16_t i = 0; i < p->tensor_count; i++) {
    if (d->tensors[i].operand == IN_WORKSPACE) d->tensors[i].operand = p->workspace_operand;
  }
  if (p->state_size > 0) {
    p->state_operand = (uint8_t)p->operand_count++;
    d->sizes[p->state_operand] = p->state_size + fuzz_below(d, 5);
  }
  for (uint16_t i = 0; i < p->tensor_count; i++) {
    if (d->tensors[i].operand == IN_STATE) d->tensors[i].operand = p->state_operand;
  }
  d->sizes[p->workspace_operand] = p->workspace_size + fuzz_below(d, 5);
  d->sizes[p->params_operand] = p->params_size + fuzz_below(d, 5);
  if (fuzz_once_in(d, 6)) {
    p->overlap_input = (uint16_t)fuzz_below(d, p->input_count);
    p->overlap_output = (uint16_t)(p->workspace_operand - 1);
    p->overlap_distance = 4 * fuzz_below(d, 16);
  }
}

/* At times the workspace, the last result or an input lie in fast memory, one behind the other. */
static void move_into_fast_memory(fuzz_draft *d) {
  msf_program *p = &d->header;
  if (p->version == 1 || !fuzz_once_in(d, 4)) return;
  uint32_t count = 0;
  for (uint32_t i = 0; i < p->operand_count; i++) {
    if (i == p->params_operand || i == p->state_operand || fuzz_once_in(d, 3)) continue;
    d->fast[count].offset = align(p->fast_size, 4) + 4 * fuzz_below(d, 3);
    d->fast[count].size = d->sizes[i];
    p->fast_size = d->fast[count].offset + d->fast[count].size;
    p->fast_operands |= 1u << i;
    count++;
  }
}

/* Records of version 1 are those of version 2, cut short. */
static size_t write(const fuzz_draft *d, uint8_t *data, size_t max_size) {
  const msf_program *p = &d->header;
  const int is_first = p->version == 1;
  const struct {
    const void *from;
    size_t count, pitch, size;
  } parts[] = {{p, 1, sizeof(*p), p->header_size},
               {d->tensors, p->tensor_count, sizeof(msf_tensor), is_first ? MSF_TENSOR_SIZE_1 : sizeof(msf_tensor)},
               {d->stages, p->stage_count, sizeof(msf_stage), is_first ? MSF_STAGE_SIZE_1 : sizeof(msf_stage)},
               {d->groups, p->group_count, sizeof(msf_group), is_first ? MSF_GROUP_SIZE_1 : sizeof(msf_group)},
               {d->fast, msf_fast_count(p), sizeof(msf_fast), sizeof(msf_fast)},
               {d->params, 1, 0, d->sizes[p->params_operand]}};
  size_t program_size = 0, at = 12 + 4u * p->operand_count;
  for (int i = 0; i < 5; i++) program_size += parts[i].count * parts[i].size;
  if (at + program_size + parts[5].size > max_size || parts[5].size > DRAFT_PARAMS) return 0;
  fuzz_write(data, 4, (uint32_t)program_size);
  fuzz_write(data + 4, 4, p->operand_count);
  fuzz_write(data + 8, 4, p->params_operand);
  for (uint32_t i = 0; i < p->operand_count; i++) fuzz_write(data + 12 + 4 * i, 4, d->sizes[i]);
  for (int i = 0; i < 6; i++) {
    for (size_t n = 0; n < parts[i].count; n++, at += parts[i].size) {
      memcpy(data + at, (const uint8_t *)parts[i].from + n * parts[i].pitch, parts[i].size);
    }
  }
  return at;
}

/* Makes a field of any record a little more or less. */
static void nudge(fuzz_draft *d, uint8_t *data, size_t size) {
  fuzz_case c;
  fuzz_table tables[4];
  if (!fuzz_parse(data, size, &c) || !fuzz_tables(c.program, c.program_size, tables)) abort();
  const fuzz_table *table = &tables[fuzz_below(d, 4)];
  const fuzz_field *field = &table->fields[fuzz_below(d, table->field_count)];
  uint8_t *at = data + (c.program - data) + table->offset + fuzz_below(d, table->count) * table->size + field->offset;
  const uint32_t by = 1 + fuzz_below(d, 3);
  fuzz_write(at, field->size, fuzz_read(at, field->size) + (fuzz_once_in(d, 2) ? by : 0 - by));
}

size_t fuzz_generate(uint8_t *data, size_t max_size, uint32_t *random) {
  static fuzz_draft draft;
  fuzz_draft *d = &draft;
  size_t size = 0;
  while (size == 0) {
    memset(&d->header, 0, sizeof(d->header));
    d->random = random;
    const int is_streamed = fuzz_once_in(d, 10);
    make_header(d, is_streamed);
    make_inputs(d, is_streamed);
    if (!make_groups(d, is_streamed)) continue;
    finish(d);
    move_into_fast_memory(d);
    size = write(d, data, max_size);
  }
  const uint32_t fate = fuzz_below(d, 8);
  if (fate < 2) nudge(d, data, size);
  if (fate == 2) return fuzz_mutate(data, size, max_size, random);
  fuzz_repair(data, size);
  return size;
}
