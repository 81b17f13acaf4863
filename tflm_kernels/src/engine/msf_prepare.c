/*
 * Decides whether a program may run at all. After MSF_OK, msf_invoke cannot read or write outside the operands, and
 * ends: every index is in range, every tensor's rows and columns lie inside its operand, groups depend only on
 * earlier groups, and each operator has found its parameters.
 */
#include "engine/msf_operators.h"
#include "engine/msf_state.h"
#include "engine/msf_tile.h"
#include "msf.h"

static uint32_t crc32(const uint8_t *bytes, uint32_t size) {
  uint32_t crc = 0xFFFFFFFFu;
  for (uint32_t i = 0; i < size; i++) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
  }
  return ~crc;
}

static msf_status check_header(const msf_program *p, uint32_t program_size) {
  if (p == 0 || (uintptr_t)p % 4 != 0 || program_size < MSF_PROGRAM_SIZE_1) return MSF_BAD_PROGRAM;
  if (p->magic != MSF_MAGIC || p->size < MSF_PROGRAM_SIZE_1 || p->size > program_size) return MSF_BAD_PROGRAM;
  if (p->version == 0 || p->version > MSF_VERSION) return MSF_BAD_VERSION;
  if (!MSF_HAS_VERSION_1 && p->version == 1) return MSF_UNSUPPORTED;
  if (p->header_size != msf_sizes_of(p)->header) return MSF_BAD_VERSION;
  if (crc32((const uint8_t *)p + 16, p->size - 16) != p->checksum) return MSF_BAD_PROGRAM;
  const msf_sizes *sizes = msf_sizes_of(p);
  const uint32_t size = sizes->header + (uint32_t)p->tensor_count * sizes->tensor +
                        (uint32_t)p->stage_count * sizes->stage + (uint32_t)p->group_count * sizes->group +
                        msf_fast_count(p) * (uint32_t)sizeof(msf_fast);
  return size == p->size ? MSF_OK : MSF_BAD_PROGRAM;
}

/* What version 2 keeps free is for kernels that know what to do with it. */
static int is_all_known(const msf_program *p) {
  if ((p->flags & ~(MSF_HAS_STREAMS ? MSF_STREAMED : 0)) != 0) return 0;
  if (msf_is_version_1(p)) return 1;
  if (!MSF_HAS_STATES && p->state_operand != MSF_NO_OPERAND) return 0;
  if (p->reserved != 0 || p->order > MSF_ORDER_ASKED || p->overlaps != 0) return 0;
  for (uint32_t i = 0; i < p->tensor_count; i++) {
    const msf_tensor *t = msf_tensor_at(p, i);
    if (t->type != MSF_INT8 || (t->flags & ~MSF_FILLED) != 0) return 0;
  }
  for (uint32_t i = 0; i < p->stage_count; i++) {
    const msf_stage *s = msf_stage_at(p, i);
    if (s->reserved != 0) return 0;
    if (!(s->flags & MSF_SCRATCH) && (s->scratch != 0 || s->scratch_size != 0)) return 0;
    if (s->op == MSF_OP_SOURCE && s->in[0] != MSF_NONE) return 0;
  }
  for (uint32_t i = 0; i < p->group_count; i++) {
    const msf_group *g = msf_group_at(p, i);
    if (g->more[0] != 0 || g->more[1] != 0) return 0;
  }
  return 1;
}

static msf_status check_operands(const msf_program *p, const msf_operand *operands, uint32_t operand_count) {
  if (operands == 0 || operand_count != p->operand_count || operand_count > MSF_MAX_OPERANDS) return MSF_BAD_OPERAND;
  if (p->input_count > operand_count || p->params_operand >= p->input_count) return MSF_BAD_OPERAND;
  if (p->workspace_operand < p->input_count || p->workspace_operand >= operand_count) return MSF_BAD_OPERAND;
  const msf_operand *params = &operands[p->params_operand];
  if (params->data == 0 || (uintptr_t)params->data % 4 != 0 || params->size < p->params_size) return MSF_BAD_OPERAND;
  if (operands[p->workspace_operand].size < p->workspace_size) return MSF_BAD_OPERAND;
  if (p->workspace_size < p->group_count * sizeof(msf_progress)) return MSF_BAD_GEOMETRY;
  return p->params_size <= INT32_MAX && p->workspace_size <= INT32_MAX ? MSF_OK : MSF_BAD_GEOMETRY;
}

/* The state is an operand of its own, the last, and begins with its mark. */
static msf_status check_state(const msf_program *p, const msf_operand *operands) {
  if (!msf_has_state(p)) return msf_is_version_1(p) || p->state_size == 0 ? MSF_OK : MSF_BAD_GEOMETRY;
  if (p->state_operand + 1u != p->operand_count || p->state_operand < p->input_count) return MSF_BAD_OPERAND;
  if (p->state_operand == p->workspace_operand) return MSF_BAD_OPERAND;
  if (operands[p->state_operand].size < p->state_size) return MSF_BAD_OPERAND;
  return p->state_size >= MSF_STATE_MARK && p->state_size <= INT32_MAX ? MSF_OK : MSF_BAD_GEOMETRY;
}

/* Operands in fast memory are maps or the workspace, and lie in the part of it that is asked for. */
static msf_status check_fast(const msf_program *p) {
  const uint32_t all = msf_fast_operands(p);
  const msf_fast *place = msf_fast_places(p);
  if (msf_is_version_1(p)) return MSF_OK;
  if (p->fast_size > INT32_MAX || (all == 0 && p->fast_size != 0)) return MSF_BAD_GEOMETRY;
  if (all >> p->operand_count != 0 || (all >> p->params_operand & 1u) != 0) return MSF_BAD_OPERAND;
  if (msf_has_state(p) && (all >> p->state_operand & 1u) != 0) return MSF_BAD_OPERAND;
  for (uint32_t left = all; left != 0; left &= left - 1, place++) {
    if (place->offset % 4 != 0 || !msf_fits(place->offset, place->size, 1, p->fast_size)) return MSF_BAD_GEOMETRY;
  }
  return MSF_OK;
}

/* An output may overwrite an input that it was planned for, but never params or the engine's own bookkeeping. */
static msf_status check_overlap(const msf_program *p) {
  if (p->overlap_input == MSF_NONE && p->overlap_output == MSF_NONE) return MSF_OK;
  if (p->overlap_input >= p->input_count || p->overlap_input == p->params_operand) return MSF_BAD_GEOMETRY;
  if (p->overlap_output < p->input_count || p->overlap_output >= p->operand_count) return MSF_BAD_GEOMETRY;
  if (msf_has_state(p) && p->overlap_output == p->state_operand) return MSF_BAD_GEOMETRY;
  return p->overlap_output != p->workspace_operand ? MSF_OK : MSF_BAD_GEOMETRY;
}

/* Whether the extents of a map are ones that the engine can count. */
static int extents_fit(const msf_program *p, const msf_tensor *t) {
  const uint32_t column_bits = msf_column_bits(p);
  const uint32_t tallest = (UINT32_MAX >> column_bits) - 1, widest = (1u << column_bits) - 2;
  const int32_t h = msf_height(t);
  if (h < 1 || t->w < 1 || t->c < 1 || (uint32_t)h > tallest || h > MSF_TALLEST || t->w > widest) return 0;
  return (uint64_t)h * t->w * t->c <= INT32_MAX;
}

static int pixels_lie_within(const msf_tensor *t, uint32_t limit) {
  return t->pixels > 0 && t->offset + (uint64_t)t->pixels * t->c <= limit;
}

/* A ring in the state, what it starts as, and the word that says where in it the oldest row lies. */
static int kept_fits(const msf_program *p, const msf_tensor *t) {
  const uint64_t history = (uint64_t)t->history * t->w;
  const uint64_t start = t->flags & MSF_FILLED ? 1 : (uint64_t)t->pixels * t->c;
  return t->offset >= MSF_STATE_MARK && t->place >= MSF_STATE_MARK && t->place % 4 == 0 &&
         msf_fits(t->place / 4, 1, 1, p->state_size / 4) && history + (uint64_t)msf_height(t) * t->w <= INT32_MAX &&
         msf_fits(t->start, start, 1, p->params_size);
}

/* The same ring, seen with its history. */
static int history_fits(const msf_program *p, const msf_tensor *t) {
  if (t->shows >= p->tensor_count) return 0;
  const msf_tensor *kept = msf_tensor_at(p, t->shows);
  return kept->kind == MSF_KEPT && kept->operand == t->operand && kept->producer == t->producer &&
         kept->offset == t->offset && kept->pixels == t->pixels && kept->w == t->w && kept->c == t->c &&
         kept->history == t->history && (uint64_t)kept->history + (uint32_t)msf_height(kept) == (uint32_t)msf_height(t);
}

static int state_tensor_fits(const msf_program *p, const msf_tensor *t) {
  if (!pixels_lie_within(t, p->state_size)) return 0;
  return t->kind == MSF_KEPT ? kept_fits(p, t) : t->kind == MSF_HISTORY && history_fits(p, t);
}

/* Whether t is placed inside its operand and behind the engine's own part of the workspace. */
static MSF_NOINLINE MSF_COLD int tensor_fits(const msf_program *p, const msf_operand *operands, const msf_tensor *t) {
  if (!extents_fit(p, t) || t->operand >= p->operand_count) return 0;
  if (msf_has_state(p) && t->operand == p->state_operand) return state_tensor_fits(p, t);
  const uint32_t all = (uint32_t)msf_height(t) * t->w;
  const int in_workspace = t->operand == p->workspace_operand;
  const uint32_t limit = in_workspace ? p->workspace_size : operands[t->operand].size;
  if (t->pixels > all || !pixels_lie_within(t, limit)) return 0;
  if (!in_workspace) return t->kind == MSF_WHOLE && t->pixels == all;
  return (t->kind == MSF_RING || t->kind == MSF_CHUNK) && t->offset >= p->group_count * sizeof(msf_progress);
}

/* Constants and inputs are not made by any group; outputs and workspace tensors are made by one. */
static int producer_fits(const msf_program *p, const msf_tensor *t) {
  if (t->operand < p->input_count) return t->producer == MSF_NONE;
  return t->producer < p->group_count;
}

static msf_status check_tensors(const msf_program *p, const msf_operand *operands) {
  for (uint32_t i = 0; i < p->tensor_count; i++) {
    const msf_tensor *t = msf_tensor_at(p, i);
    if (!tensor_fits(p, operands, t) || !producer_fits(p, t)) return MSF_BAD_GEOMETRY;
  }
  return MSF_OK;
}

/*
 * Groups hand on what they make last, so that a reader's pixels are pixels of the group's grid. A chunk exists only
 * inside its group, for one stage to fill and a later one to read.
 */
static int may_read(const msf_program *p, uint16_t index, uint16_t g, uint16_t stage) {
  if (index >= p->tensor_count) return 0;
  const msf_tensor *t = msf_tensor_at(p, index);
  if (t->producer == MSF_NONE) return 1;
  if (MSF_HAS_STATES && t->kind == MSF_KEPT) return 0;
  const uint16_t made = MSF_HAS_STATES && t->kind == MSF_HISTORY ? t->shows : index;
  if (t->producer < g) return msf_last_stage(p, msf_group_at(p, t->producer))->out == made;
  if (t->producer != g || t->kind != MSF_CHUNK) return 0;
  for (uint16_t i = msf_group_at(p, g)->first_stage; i < stage; i++) {
    if (msf_stage_at(p, i)->out == index) return 1;
  }
  return 0;
}

/* A stage before the last hands its pixels on as a chunk on the group's grid. */
static int writes_where_it_may(const msf_program *p, const msf_stage *s, uint16_t g, int is_last) {
  if (s->out >= p->tensor_count) return 0;
  const msf_group *group = msf_group_at(p, g);
  const msf_tensor *out = msf_tensor_at(p, s->out);
  if (out->producer != g || is_last != (out->kind != MSF_CHUNK) || out->kind == MSF_HISTORY) return 0;
  if (MSF_HAS_STATES && out->kind == MSF_KEPT) return group->kind == MSF_GROUP_ROWS;
  if (!is_last) return out->pixels >= (uint32_t)msf_min(group->chunk, out->w) && msf_same_grid(out, msf_grid(p, group));
  if (group->kind == MSF_GROUP_SOURCE && (group->chunk < out->w || group->stage_count != 1)) return 0;
  return group->kind != MSF_GROUP_REDUCE || out->pixels == (uint32_t)msf_height(out) * out->w;
}

/* Only operators with three inputs would have a third, and these kernels have none of them. */
static int third_fits(const msf_program *p, const msf_stage *s) {
  return msf_is_version_1(p) || (s->third == MSF_NONE && s->third_zero == 0);
}

/* Scratch, where a stage has some, lies in the workspace behind what the engine owns. */
static int scratch_fits(const msf_program *p, const msf_operator *op, const msf_stage *s) {
  if (!(s->flags & MSF_SCRATCH)) return 1;
  return !msf_is_version_1(p) && (op->flags & MSF_HAS_SCRATCH) && s->scratch >= p->group_count * sizeof(msf_progress) &&
         s->scratch_size % 4 == 0 && msf_fits(s->scratch, s->scratch_size / 4, 4, p->workspace_size);
}

/* Only some operators know windows that begin inside the map, or that stay where they are for several outputs. */
static MSF_NOINLINE MSF_COLD int window_fits(const msf_operator *op, const msf_stage *s) {
  if (s->kernel_h == 0 || s->kernel_w == 0 || s->stride_h == 0 || s->stride_w == 0) return 0;
  if (s->dilation_h == 0 || s->dilation_w == 0) return 0;
  if ((s->pad_top < 0 || s->pad_left < 0) && !(op->flags & MSF_BEGINS_INSIDE)) return 0;
  return (s->zoom_h == 0 && s->zoom_w == 0) || (MSF_HAS_ENLARGING && (op->flags & MSF_ENLARGES));
}

/* Operators that enlarge find their way in a map by products that would be too large for tall ones. */
static int is_too_tall(const msf_operator *op, const msf_tensor *t) {
  return MSF_HAS_ENLARGING && (op->flags & MSF_ENLARGES) && msf_height(t) > UINT16_MAX;
}

/* A stage of a kind that its group is there for. */
static int suits_group(const msf_program *p, const msf_operator *op, const msf_group *group, int is_last) {
  const int reduces = (op->flags & MSF_REDUCES) != 0, fetches = (op->flags & MSF_FETCHES) != 0;
  if (reduces != (is_last && group->kind == MSF_GROUP_REDUCE)) return 0;
  return fetches == (group->kind == MSF_GROUP_SOURCE) && (!fetches || (p->flags & MSF_STREAMED));
}

/* The tensors of a stage. Returns 0 if it may not read one of them. A chunk holds only the pixels that are worked on. */
static int find_inputs(const msf_program *p, const msf_operator *op, uint16_t g, uint16_t index,
                       msf_stage_shape *shape) {
  const msf_stage *s = shape->stage;
  const msf_tensor *grid = msf_grid(p, msf_group_at(p, g));
  for (uint32_t k = 0; k < op->inputs; k++) {
    if (!may_read(p, s->in[k], g, index)) return 0;
    shape->in[k] = msf_tensor_at(p, s->in[k]);
    if (is_too_tall(op, shape->in[k])) return 0;
    if (shape->in[k]->kind == MSF_CHUNK && !(msf_reads_one_pixel(s) && msf_same_grid(shape->in[k], grid))) return 0;
  }
  return 1;
}

/* Whether what is read along one axis exists and is covered by the window, so that it is there; an only pixel always is. */
static int range_fits(msf_range reads, msf_range window, int32_t size) {
  if (reads.first >= reads.end) return 1;
  return reads.first >= 0 && reads.end <= size && (reads.first >= window.first || size == 1) && reads.end <= window.end;
}

/*
 * Whether a stage reads of input k only what is there, for every pixel of a grid. Rows hang on a pixel's row alone and
 * columns on its column, so a diagonal that stays at the edge meets all of them.
 */
static int reads_fit(const msf_operator *op, const msf_stage_shape *shape, int32_t k, const msf_tensor *grid) {
  const msf_stage *s = shape->stage;
  const msf_tensor *in = shape->in[k];
  const int32_t h = msf_height(grid), longer = msf_max(h, grid->w);
  for (int32_t i = 0; i < longer; i++) {
    const int32_t y = msf_min(i, h - 1), x = msf_min(i, grid->w - 1);
    const msf_region reads = op->reads(shape, k, y, x);
    if (!range_fits(reads.rows, msf_window_rows(s, y, y), msf_height(in)) ||
        !range_fits(reads.columns, msf_window_columns(s, x, x), in->w) || reads.channels > in->c) {
      return 0;
    }
  }
  return 1;
}

static msf_status check_stage(const msf_program *p, const msf_operand *operands, uint16_t g, uint16_t index) {
  const msf_group *group = msf_group_at(p, g);
  const msf_stage *s = msf_stage_at(p, index);
  const msf_operator *op = s->op < MSF_OP_COUNT ? msf_operator_of(s) : 0;
  msf_stage_shape shape;
  if (op == 0 || (op->inputs > 0 && op->reads == 0)) return MSF_UNSUPPORTED;
  if ((op->flags & MSF_ONLY_PACKED) && s->layout == MSF_LAYOUT_PLAIN) return MSF_UNSUPPORTED;
  if (!MSF_HAS_ENLARGING && (op->flags & MSF_ENLARGES)) return MSF_UNSUPPORTED;
  if (s->layout > op->layouts || (s->flags & ~(MSF_UNIFORM | MSF_SCRATCH)) != 0) return MSF_UNSUPPORTED;
  if (!suits_group(p, op, group, s == msf_last_stage(p, group)) || !window_fits(op, s) || !third_fits(p, s) ||
      !scratch_fits(p, op, s))
    return MSF_BAD_GEOMETRY;
  shape.stage = s;
  shape.in[0] = shape.in[1] = 0;
  if (!find_inputs(p, op, g, index, &shape)) return MSF_BAD_GEOMETRY;
  shape.out = msf_tensor_at(p, s->out);
  if (is_too_tall(op, shape.out)) return MSF_BAD_GEOMETRY;
  shape.params = (const uint8_t *)operands[p->params_operand].data;
  shape.params_size = p->params_size;
  shape.workspace_size = p->workspace_size;
  shape.reserved_size = (uint32_t)(p->group_count * sizeof(msf_progress));
  if (!op->check(&shape)) return MSF_BAD_GEOMETRY;
  if (op->lacks != 0 && op->lacks(&shape)) return MSF_UNSUPPORTED;
  for (int32_t k = 0; k < op->inputs; k++) {
    if (!reads_fit(op, &shape, k, msf_grid(p, group))) return MSF_BAD_GEOMETRY;
  }
  return MSF_OK;
}

static msf_status check_group(const msf_program *p, const msf_operand *operands, uint16_t g) {
  const msf_group *group = msf_group_at(p, g);
  const uint32_t end = (uint32_t)group->first_stage + group->stage_count;
  if (group->stage_count == 0 || end > p->stage_count || group->chunk == 0 || group->kind > MSF_GROUP_SOURCE) {
    return MSF_BAD_GEOMETRY;
  }
  for (uint16_t i = group->first_stage; i < end; i++) {
    if (msf_stage_at(p, i)->out >= p->tensor_count) return MSF_BAD_GEOMETRY;
  }
  if (group->kind == MSF_GROUP_REDUCE && msf_last_stage(p, group)->in[0] >= p->tensor_count) return MSF_BAD_GEOMETRY;
  for (uint16_t i = group->first_stage; i < end; i++) {
    if (!writes_where_it_may(p, msf_stage_at(p, i), g, i + 1u == end)) return MSF_BAD_GEOMETRY;
    const msf_status status = check_stage(p, operands, g, i);
    if (status != MSF_OK) return status;
  }
  return MSF_OK;
}

/* How many tiles there may be with a group: rows are kept once an invocation, and fetched as often as a source says. */
static uint32_t most_tiles(const msf_program *p, const msf_group *group) {
  if (msf_result(p, group)->kind == MSF_KEPT) return 1;
  if (group->kind != MSF_GROUP_SOURCE) return UINT32_MAX;
  return msf_is_version_1(p) ? 1u : (uint32_t)msf_max(msf_last_stage(p, group)->arg[1], 1);
}

static uint32_t tiles_along(int32_t size, int32_t tile) { return ((uint32_t)size - 1u) / (uint32_t)tile + 1u; }

/*
 * Tiles are cut from the last group's tensor, which must be an output. Where several outputs grow together, none is so
 * tall that the product of their rows would not be a uint32.
 */
static msf_status check_tiles(const msf_program *p) {
  const msf_tensor *out = msf_result(p, msf_group_at(p, p->group_count - 1u));
  int32_t whole = 0, tallest = 0;
  if (out->kind != MSF_WHOLE || p->tile_h == 0 || p->tile_w == 0) return MSF_BAD_GEOMETRY;
  const uint64_t tiles =
      (uint64_t)tiles_along(msf_height(out), msf_tile_rows(p, out)) * tiles_along(out->w, msf_tile_columns(p, out));
  for (uint32_t g = 0; g < p->group_count; g++) {
    const msf_group *group = msf_group_at(p, g);
    if (tiles > most_tiles(p, group)) return MSF_BAD_GEOMETRY;
    if (msf_result(p, group)->kind != MSF_WHOLE) continue;
    tallest = msf_max(tallest, msf_height(msf_result(p, group)));
    whole++;
  }
  return whole == 1 || tallest < UINT16_MAX ? MSF_OK : MSF_BAD_GEOMETRY;
}

MSF_COLD msf_status msf_prepare(const void *program, uint32_t program_size, const msf_operand *operands,
                                uint32_t operand_count) {
  const msf_program *p = (const msf_program *)program;
  msf_status status = check_header(p, program_size);
  if (status == MSF_OK && !is_all_known(p)) status = MSF_UNSUPPORTED;
  if (status == MSF_OK) status = check_operands(p, operands, operand_count);
  if (status == MSF_OK) status = check_state(p, operands);
  if (status == MSF_OK) status = check_fast(p);
  if (status == MSF_OK) status = check_overlap(p);
  if (status == MSF_OK && (msf_column_bits(p) == 0 || msf_column_bits(p) > MSF_COLUMN_BITS)) status = MSF_BAD_GEOMETRY;
  if (status == MSF_OK && (p->group_count == 0 || p->group_count > MSF_MAX_GROUPS)) status = MSF_BAD_GEOMETRY;
  if (status == MSF_OK) status = check_tensors(p, operands);
  for (uint16_t g = 0; status == MSF_OK && g < p->group_count; g++) status = check_group(p, operands, g);
  return status == MSF_OK ? check_tiles(p) : status;
}

const char *msf_status_text(msf_status status) {
  switch (status) {
    case MSF_OK: return "ok";
    case MSF_BAD_PROGRAM: return "the block's program is damaged or cut short";
    case MSF_BAD_VERSION:
      return "the block's program has a format that these kernels do not know: update the tflm-msf library";
    case MSF_BAD_OPERAND: return "a tensor of the block is missing, too small, misaligned or overlaps another";
    case MSF_BAD_GEOMETRY: return "the block's program points outside its tensors";
    case MSF_UNSUPPORTED: return "the block needs an operator or weight layout that these kernels do not have";
    case MSF_SOURCE_FAILED: return "the row source gave the inference up";
    case MSF_SOURCE_MISSING: return "the model's input is streamed: set a row source before the model is initialised";
    case MSF_FAST_MISSING:
      return "the model was made for two memories: hand the fast one over before the model is initialised";
    case MSF_FAST_TOO_SMALL: return "the fast memory that was handed over is smaller than the model was planned for";
    case MSF_FAST_MISALIGNED: return "the fast memory that was handed over is not aligned: declare it with alignas(16)";
    case MSF_FAST_OVERLAPS:
      return "the fast memory that was handed over and the arena overlap: give each its own bytes";
    case MSF_STATE_LOST: return "an earlier invocation failed half way and left the block's state incomplete; reset it";
  }
  return "unknown status";
}
