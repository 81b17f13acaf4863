/*
 * Which fast memory belongs to which model, and which operands lie in it.
 */
#include "engine/msf_of_model.h"
#include "engine/msf_walk.h"
#include "kernel/msf_fits.h"
#include "msf.h"

static msf_of_model *attached;
static msf_fast_memory others;

void msf_attach_fast_memory(msf_fast_memory *entry, const void *model, uint32_t model_size, void *buffer,
                            uint32_t size) {
  entry->buffer = buffer;
  entry->size = size;
  msf_enter(&attached, &entry->of, model, model_size, buffer != 0);
}

void msf_set_fast_memory(void *buffer, uint32_t size) {
  others.buffer = buffer;
  others.size = size;
}

static const msf_fast_memory *memory_of(const void *program) {
  return (const msf_fast_memory *)msf_entry_of(attached, program, &others.of);
}

uint32_t msf_fast_size(const void *program, uint32_t program_size) {
  const msf_program *p = (const msf_program *)program;
  if (p == 0 || (uintptr_t)p % 4 != 0 || program_size < sizeof(msf_program)) return 0;
  return p->magic == MSF_MAGIC && p->version == MSF_VERSION && p->fast_operands != 0 ? p->fast_size : 0;
}

/* Whether the table of places can be read, and every place is inside of what the program asks for. */
static int places_fit(const msf_program *p, uint32_t program_size, uint32_t operand_count) {
  if (msf_fast_size(p, program_size) == 0 || p->operand_count != operand_count) return 0;
  if (operand_count > MSF_MAX_OPERANDS || p->fast_operands >> operand_count != 0) return 0;
  const uint64_t records = sizeof(msf_program) + (uint64_t)p->tensor_count * sizeof(msf_tensor) +
                           (uint64_t)p->stage_count * sizeof(msf_stage) + (uint64_t)p->group_count * sizeof(msf_group);
  if (records + msf_fast_count(p) * sizeof(msf_fast) > program_size) return 0;
  const msf_fast *place = msf_fast_places(p);
  for (uint32_t i = msf_fast_count(p); i > 0; i--, place++) {
    if (!msf_fits(place->offset, place->size, 1, p->fast_size)) return 0;
  }
  return 1;
}

/* Whether bytes, if it is known where they lie, are some of the fast memory's. */
static int is_in(const void *piece, uint32_t size, const msf_fast_memory *memory) {
  const uintptr_t begin = (uintptr_t)piece, from = (uintptr_t)memory->buffer;
  return piece != 0 && begin < from + memory->size && from < begin + size;
}

msf_status msf_check_beside(const void *program, uint32_t program_size, const void *piece, uint32_t piece_size) {
  if (msf_fast_size(program, program_size) == 0) return MSF_OK;
  return is_in(piece, piece_size, memory_of(program)) ? MSF_FAST_OVERLAPS : MSF_OK;
}

msf_status msf_place_operands(const void *program, uint32_t program_size, msf_operand *operands,
                              uint32_t operand_count) {
  const msf_program *p = (const msf_program *)program;
  if (operands == 0 || !places_fit(p, program_size, operand_count)) return MSF_OK;
  const msf_fast_memory *memory = memory_of(program);
  const msf_fast *place = msf_fast_places(p);
  if (memory->buffer == 0) return MSF_FAST_MISSING;
  if (memory->size < p->fast_size) return MSF_FAST_TOO_SMALL;
  if ((uintptr_t)memory->buffer % 4 != 0) return MSF_FAST_MISALIGNED;
  for (uint32_t i = 0; i < operand_count; i++) {
    if ((p->fast_operands >> i & 1u) != 0) {
      operands[i].data = (uint8_t *)memory->buffer + place->offset;
      operands[i].size = place->size;
      place++;
    } else if (is_in(operands[i].data, operands[i].size, memory)) {
      return MSF_FAST_OVERLAPS;
    }
  }
  return MSF_OK;
}
