#include "fuzz_case.h"

#include <stdlib.h>
#include <string.h>

#include "engine/msf_tile.h"
#include "msf.h"

#define MOST_WORK 4e6 /* multiply-accumulates, about; some ten milliseconds with sanitizers */
#define WORK_OF_A_STEP 20

#define FIELD(type, name) \
  { #type "." #name, (uint32_t)offsetof(type, name), (uint32_t)sizeof(((type *)0)->name) }

static const fuzz_field header_fields[] = {FIELD(msf_program, magic),
                                           FIELD(msf_program, version),
                                           FIELD(msf_program, header_size),
                                           FIELD(msf_program, size),
                                           FIELD(msf_program, checksum),
                                           FIELD(msf_program, tensor_count),
                                           FIELD(msf_program, stage_count),
                                           FIELD(msf_program, group_count),
                                           FIELD(msf_program, operand_count),
                                           FIELD(msf_program, input_count),
                                           FIELD(msf_program, params_operand),
                                           FIELD(msf_program, workspace_operand),
                                           FIELD(msf_program, tile_h),
                                           FIELD(msf_program, tile_w),
                                           FIELD(msf_program, workspace_size),
                                           FIELD(msf_program, params_size),
                                           FIELD(msf_program, overlap_input),
                                           FIELD(msf_program, overlap_output),
                                           FIELD(msf_program, overlap_distance),
                                           FIELD(msf_program, flags),
                                           FIELD(msf_program, reserved),
                                           FIELD(msf_program, order),
                                           FIELD(msf_program, column_bits),
                                           FIELD(msf_program, state_operand),
                                           FIELD(msf_program, overlaps),
                                           FIELD(msf_program, state_size),
                                           FIELD(msf_program, fast_size),
                                           FIELD(msf_program, fast_operands)};

static const fuzz_field tensor_fields[] = {
    FIELD(msf_tensor, h),       FIELD(msf_tensor, w),     FIELD(msf_tensor, c),      FIELD(msf_tensor, producer),
    FIELD(msf_tensor, operand), FIELD(msf_tensor, kind),  FIELD(msf_tensor, h_high), FIELD(msf_tensor, offset),
    FIELD(msf_tensor, pixels),  FIELD(msf_tensor, type),  FIELD(msf_tensor, flags),  FIELD(msf_tensor, shows),
    FIELD(msf_tensor, start),   FIELD(msf_tensor, place), FIELD(msf_tensor, history)};

static const fuzz_field stage_fields[] = {
    FIELD(msf_stage, op),          FIELD(msf_stage, layout),       FIELD(msf_stage, act_min),
    FIELD(msf_stage, act_max),     FIELD(msf_stage, in[0]),        FIELD(msf_stage, in[1]),
    FIELD(msf_stage, out),         FIELD(msf_stage, kernel_h),     FIELD(msf_stage, kernel_w),
    FIELD(msf_stage, stride_h),    FIELD(msf_stage, stride_w),     FIELD(msf_stage, dilation_h),
    FIELD(msf_stage, dilation_w),  FIELD(msf_stage, pad_top),      FIELD(msf_stage, pad_left),
    FIELD(msf_stage, in_zero[0]),  FIELD(msf_stage, in_zero[1]),   FIELD(msf_stage, out_zero),
    FIELD(msf_stage, flags),       FIELD(msf_stage, zoom_h),       FIELD(msf_stage, zoom_w),
    FIELD(msf_stage, weights),     FIELD(msf_stage, bias),         FIELD(msf_stage, multipliers),
    FIELD(msf_stage, shifts),      FIELD(msf_stage, arg[0]),       FIELD(msf_stage, arg[1]),
    FIELD(msf_stage, arg[2]),      FIELD(msf_stage, arg[3]),       FIELD(msf_stage, arg[4]),
    FIELD(msf_stage, arg[5]),      FIELD(msf_stage, accumulators), FIELD(msf_stage, third),
    FIELD(msf_stage, third_zero),  FIELD(msf_stage, reserved),     FIELD(msf_stage, scratch),
    FIELD(msf_stage, scratch_size)};

static const fuzz_field group_fields[] = {FIELD(msf_group, first_stage), FIELD(msf_group, stage_count),
                                          FIELD(msf_group, chunk),       FIELD(msf_group, kind),
                                          FIELD(msf_group, more[0]),     FIELD(msf_group, more[1])};

#define LENGTH(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))

uint32_t fuzz_random(uint32_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  *state ^= *state << 5;
  return *state;
}

static uint32_t below(uint32_t *random, uint32_t limit) { return fuzz_random(random) % limit; }

uint32_t fuzz_read(const uint8_t *at, uint32_t size) {
  uint32_t value = 0;
  for (uint32_t i = 0; i < size; i++) value |= (uint32_t)at[i] << (8 * i);
  return value;
}

void fuzz_write(uint8_t *at, uint32_t size, uint32_t value) {
  for (uint32_t i = 0; i < size; i++) at[i] = (uint8_t)(value >> (8 * i));
}

int fuzz_parse(const uint8_t *data, size_t size, fuzz_case *out) {
  if (size < 12) return 0;
  out->program_size = fuzz_read(data, 4);
  out->operand_count = fuzz_read(data + 4, 4);
  out->params_operand = fuzz_read(data + 8, 4);
  if (out->operand_count > MSF_MAX_OPERANDS || out->params_operand >= out->operand_count) return 0;
  size_t at = 12 + 4 * (size_t)out->operand_count;
  if (size < at) return 0;
  for (uint32_t i = 0; i < out->operand_count; i++) {
    out->sizes[i] = fuzz_read(data + 12 + 4 * i, 4);
    if (out->sizes[i] > CASE_MAX_OPERAND) return 0;
  }
  out->program = data + at;
  if (size - at < out->program_size) return 0;
  at += out->program_size;
  out->params = data + at;
  return size - at >= out->sizes[out->params_operand];
}

int fuzz_tables(const uint8_t *program, uint32_t size, fuzz_table tables[4]) {
  static const fuzz_table shapes[4] = {{0, sizeof(msf_program), 1, header_fields, LENGTH(header_fields)},
                                       {0, sizeof(msf_tensor), 0, tensor_fields, LENGTH(tensor_fields)},
                                       {0, sizeof(msf_stage), 0, stage_fields, LENGTH(stage_fields)},
                                       {0, sizeof(msf_group), 0, group_fields, LENGTH(group_fields)}};
  static const uint32_t sizes_1[4] = {MSF_PROGRAM_SIZE_1, MSF_TENSOR_SIZE_1, MSF_STAGE_SIZE_1, MSF_GROUP_SIZE_1};
  uint32_t at = 0;
  if (size < MSF_PROGRAM_SIZE_1) return 0;
  const int is_first = fuzz_read(program + offsetof(msf_program, version), 2) == 1;
  for (uint32_t i = 0; i < 4; i++) {
    tables[i] = shapes[i];
    if (is_first) tables[i].size = sizes_1[i];
    while (shapes[i].fields[tables[i].field_count - 1].offset >= tables[i].size) tables[i].field_count--;
    tables[i].offset = at;
    if (i > 0) tables[i].count = fuzz_read(program + offsetof(msf_program, tensor_count) + 2 * (i - 1), 2);
    at += tables[i].size * tables[i].count;
    if (at > size) return 0;
  }
  return 1;
}

static double work_of_pixel(const msf_program *p, const msf_stage *s) {
  const msf_tensor *in = msf_tensor_at(p, s->in[0]), *out = msf_tensor_at(p, s->out);
  const double taps = (double)s->kernel_h * s->kernel_w;
  switch (s->op) {
    case MSF_OP_CONV_2D: return taps * in->c * out->c;
    case MSF_OP_FULLY_CONNECTED: return (double)in->c * out->c;
    default: return taps * out->c;
  }
}

/* Roughly how much an accepted program computes, if every tile needs all of every tensor. */
static double work_of(const msf_program *p) {
  const msf_tensor *last = msf_result(p, msf_group_at(p, p->group_count - 1u));
  const int32_t rows = msf_tile_rows(p, last), columns = msf_tile_columns(p, last);
  const double tiles = (double)((msf_height(last) - 1) / rows + 1) * ((last->w - 1) / columns + 1);
  double work = 0;
  for (uint32_t g = 0; g < p->group_count; g++) {
    const msf_group *group = msf_group_at(p, g);
    double each = WORK_OF_A_STEP;
    for (uint32_t i = 0; i < group->stage_count; i++) {
      each += work_of_pixel(p, msf_stage_at(p, group->first_stage + i));
    }
    work += each * msf_height(msf_grid(p, group)) * msf_grid(p, group)->w;
  }
  return tiles * work;
}

/* Memory of exactly this size, so that sanitizers see one byte more; filled with random bytes. */
static uint8_t *random_bytes(uint32_t size, uint32_t *random) {
  uint8_t *bytes = malloc(size > 0 ? size : 1);
  if (bytes == 0) abort();
  for (uint32_t i = 0; i < size; i++) bytes[i] = (uint8_t)(fuzz_random(random) >> 8);
  return bytes;
}

/* True if the program lets an input lie so far behind an output that both are in one piece of memory. */
static int may_overlap(const msf_program *p, const msf_operand *operands) {
  const uint32_t in = p->overlap_input, out = p->overlap_output;
  return in < out && out < p->operand_count && out >= p->input_count && p->overlap_distance % 4 == 0 &&
         p->overlap_distance < operands[out].size;
}

/* A row of an image that is wider than it should be would be noticed here; at times there are no more rows. */
static int make_row(void *context, uint32_t y, void *row, uint32_t size) {
  uint32_t *random = (uint32_t *)context;
  memset(row, (int)y, size);
  return fuzz_random(random) % 256 == 0;
}

static msf_status invoke(const fuzz_case *c, const msf_program *program, msf_operand *operands, uint32_t *random) {
  uint8_t *owned[MSF_MAX_OPERANDS];
  uint8_t *before[MSF_MAX_OPERANDS];
  const uint32_t fast = msf_fast_operands(program);
  const int overlap = may_overlap(program, operands) && fast == 0;
  for (uint32_t i = 0; i < c->operand_count; i++) {
    owned[i] = fast >> i & 1u ? 0 : random_bytes(operands[i].size, random);
    if (owned[i] != 0) operands[i].data = owned[i];
  }
  memcpy(owned[c->params_operand], c->params, c->sizes[c->params_operand]);
  if (msf_has_state(program)) fuzz_write(owned[program->state_operand], 4, below(random, 2)); /* 1: filled already */
  if (overlap) {
    const uint32_t in = program->overlap_input, out = program->overlap_output;
    const uint32_t end = program->overlap_distance + operands[in].size;
    free(owned[out]);
    owned[out] = random_bytes(end > operands[out].size ? end : operands[out].size, random);
    operands[out].data = owned[out];
    operands[in].data = owned[out] + program->overlap_distance;
    memcpy(operands[in].data, owned[in], operands[in].size);
  }
  for (uint32_t i = 0; i < c->operand_count; i++) {
    before[i] = malloc(operands[i].size > 0 ? operands[i].size : 1);
    if (before[i] == 0) abort();
    memcpy(before[i], operands[i].data, operands[i].size);
  }
  msf_set_row_source(program->flags & MSF_STREAMED ? make_row : 0, random);
  const msf_status status = msf_invoke(program, operands, c->operand_count);
  for (uint32_t i = 0; i < c->operand_count; i++) {
    const int may_change = i >= program->input_count || (overlap && i == program->overlap_input);
    if (!may_change && memcmp(before[i], operands[i].data, operands[i].size) != 0) abort();
    free(before[i]);
    free(owned[i]);
  }
  return status;
}

/* Fast memory of exactly the size that a program asks for, with what lies there in its place. NULL if that is nothing. */
static uint8_t *place_in_fast_memory(const fuzz_case *c, const uint8_t *program, msf_operand *operands,
                                     uint32_t *random) {
  const uint32_t size = msf_fast_size(program, c->program_size);
  if (size == 0 || size > CASE_MAX_OPERAND) return 0;
  uint8_t *memory = random_bytes(size, random);
  msf_set_fast_memory(memory, size);
  if (msf_place_operands(program, c->program_size, operands, c->operand_count) != MSF_OK) abort();
  return memory;
}

fuzz_outcome fuzz_run(const fuzz_case *c, uint32_t seed, int *status) {
  msf_operand operands[MSF_MAX_OPERANDS];
  uint32_t random = (seed * 2654435761u) | 1u; /* small seeds would make small numbers */
  uint8_t *program = malloc(c->program_size > 0 ? c->program_size : 1);
  uint8_t *params = malloc(c->sizes[c->params_operand] > 0 ? c->sizes[c->params_operand] : 1);
  if (program == 0 || params == 0) abort();
  memcpy(program, c->program, c->program_size);
  memcpy(params, c->params, c->sizes[c->params_operand]);
  for (uint32_t i = 0; i < c->operand_count; i++) {
    operands[i].data = i == c->params_operand ? params : 0;
    operands[i].size = c->sizes[i];
  }
  fuzz_outcome outcome = CASE_REJECTED;
  uint8_t *fast = place_in_fast_memory(c, program, operands, &random);
  *status = msf_prepare(program, c->program_size, operands, c->operand_count);
  if (*status == MSF_OK) {
    const msf_program *accepted = (const msf_program *)(const void *)program;
    if (work_of(accepted) > MOST_WORK) {
      outcome = CASE_TOO_LONG;
    } else {
      *status =
          fast == 0 && msf_fast_operands(accepted) != 0 ? MSF_FAST_MISSING : invoke(c, accepted, operands, &random);
      outcome = *status == MSF_OK ? CASE_RAN : CASE_REFUSED;
    }
  }
  if (memcmp(program, c->program, c->program_size) != 0) abort();
  msf_set_fast_memory(0, 0);
  free(fast);
  free(program);
  free(params);
  return outcome;
}

/* CRC-32 (IEEE), four bits at a time: not the way the kernels do it. */
static uint32_t checksum(const uint8_t *bytes, uint32_t size) {
  uint32_t table[16];
  for (uint32_t i = 0; i < 16; i++) {
    table[i] = i;
    for (int bit = 0; bit < 4; bit++) table[i] = table[i] & 1u ? 0xEDB88320u ^ (table[i] >> 1) : table[i] >> 1;
  }
  uint32_t crc = ~0u;
  for (uint32_t i = 0; i < size; i++) {
    crc = table[(crc ^ bytes[i]) & 15u] ^ (crc >> 4);
    crc = table[(crc ^ (bytes[i] >> 4)) & 15u] ^ (crc >> 4);
  }
  return ~crc;
}

void fuzz_repair(uint8_t *data, size_t size) {
  fuzz_case c;
  if (!fuzz_parse(data, size, &c) || c.program_size < sizeof(msf_program)) return;
  uint8_t *program = data + (c.program - data);
  fuzz_write(program + offsetof(msf_program, size), 4, c.program_size);
  fuzz_write(program + offsetof(msf_program, checksum), 4, checksum(program + 16, c.program_size - 16));
}

/* A value that is at the edge of something: of the type, of a table, of an operand, or of what was there. */
static uint32_t hurtful_value(const fuzz_case *c, uint32_t size, uint32_t old, uint32_t *random) {
  const uint32_t max = size == 4 ? UINT32_MAX : (1u << (8 * size)) - 1;
  const uint32_t step = below(random, 3);
  switch (below(random, 10)) {
    case 0: return step;
    case 1: return max - step;
    case 2: return max / 2 + step;
    case 3: return old + 1 + step;
    case 4: return old - 1 - step;
    case 5: return old * (2 + step);
    case 6: return old / (2 + step);
    case 7: return below(random, 12);
    case 8: return c->sizes[below(random, c->operand_count)] - step;
    default: return fuzz_random(random);
  }
}

static void change_field(uint8_t *program, const fuzz_case *c, const fuzz_table tables[4], uint32_t *random) {
  const fuzz_table *table = &tables[below(random, 4)];
  if (table->count == 0) return;
  const fuzz_field *field = &table->fields[below(random, table->field_count)];
  uint8_t *at = program + table->offset + table->size * below(random, table->count) + field->offset;
  if (below(random, 4) == 0) { /* what the same field of another record holds */
    memmove(at, program + table->offset + table->size * below(random, table->count) + field->offset, field->size);
  } else {
    fuzz_write(at, field->size, hurtful_value(c, field->size, fuzz_read(at, field->size), random));
  }
}

/* Doubles a record, or takes one out. Returns how many bytes the case has grown by. */
static int64_t change_count(uint8_t *data, size_t size, size_t max_size, const fuzz_case *c, const fuzz_table tables[4],
                            uint32_t *random) {
  const uint32_t which = 1 + below(random, 3);
  const fuzz_table *table = &tables[which];
  if (table->count == 0 || table->count == UINT16_MAX) return 0;
  const int grows = below(random, 2) == 0;
  uint8_t *program = data + (c->program - data);
  uint8_t *record = program + table->offset + table->size * below(random, table->count);
  const size_t behind = size - (size_t)(record + table->size - data);
  if (grows && size + table->size > max_size) return 0;
  fuzz_write(program + offsetof(msf_program, tensor_count) + 2 * (which - 1), 2,
             table->count + (grows ? 1u : UINT32_MAX));
  if (grows) {
    memmove(record + 2 * table->size, record + table->size, behind);
    memcpy(record + table->size, record, table->size);
  } else {
    memmove(record, record + table->size, behind);
  }
  const int64_t growth = grows ? (int64_t)table->size : -(int64_t)table->size;
  fuzz_write(data, 4, (uint32_t)(c->program_size + growth));
  return growth;
}

size_t fuzz_mutate(uint8_t *data, size_t size, size_t max_size, uint32_t *random) {
  for (uint32_t left = 1 + below(random, 4); left > 0; left--) {
    fuzz_case c;
    fuzz_table tables[4];
    if (!fuzz_parse(data, size, &c) || !fuzz_tables(c.program, c.program_size, tables)) return size;
    uint8_t *program = data + (c.program - data);
    const uint32_t params_size = c.sizes[c.params_operand];
    const uint32_t kind = below(random, 24);
    if (kind == 0) {
      size = (size_t)((int64_t)size + change_count(data, size, max_size, &c, tables, random));
    } else if (kind == 1) { /* params that were given less room would not be read any more */
      const uint32_t operand = below(random, c.operand_count);
      const uint32_t value = hurtful_value(&c, 4, c.sizes[operand], random) % (c.sizes[operand] + 64);
      if (operand != c.params_operand || value < params_size) fuzz_write(data + 12 + 4 * operand, 4, value);
    } else if (kind == 2 && params_size > 0) {
      program[c.program_size + below(random, params_size)] = (uint8_t)fuzz_random(random);
    } else {
      change_field(program, &c, tables, random);
    }
  }
  fuzz_repair(data, size);
  return size;
}
