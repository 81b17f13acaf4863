/*
 * A fuzzing case: a program, the parameters and the sizes of its operands, in one run of bytes.
 *
 * Bytes of a case (integers are little-endian uint32): size of the program, number of operands, index of the params
 * operand, size of each operand; then the program; then the params operand's content.
 */
#ifndef FUZZ_CASE_H_
#define FUZZ_CASE_H_

#include <stddef.h>
#include <stdint.h>

#include "format/msf_program.h"

#define CASE_MAX_OPERAND (1u << 20) /* bytes; cases with larger operands are malformed */

#define CASE_MAX_GENERATED (1u << 14) /* bytes of a case from nothing */

typedef struct {
  const uint8_t *program;
  const uint8_t *params;
  uint32_t program_size;
  uint32_t operand_count;
  uint32_t params_operand;
  uint32_t sizes[MSF_MAX_OPERANDS];
} fuzz_case;

typedef enum {
  CASE_REJECTED, /* by msf_prepare */
  CASE_REFUSED,  /* accepted, but msf_invoke did not like where the operands lie, or ran out of rows */
  CASE_TOO_LONG, /* accepted, but not run: it would take too long */
  CASE_RAN
} fuzz_outcome;

typedef struct {
  const char *name;
  uint32_t offset; /* in its record */
  uint32_t size;
} fuzz_field;

/* A table of a program: `count` records of `size` bytes from `offset` on, with these fields. */
typedef struct {
  uint32_t offset, size, count;
  const fuzz_field *fields;
  uint32_t field_count;
} fuzz_table;

/* Reads a case; returns 0 if the bytes are none. The case points into data. */
int fuzz_parse(const uint8_t *data, size_t size, fuzz_case *out);

/* Finds header, tensors, stages and groups of a program; returns 0 if it is cut short. */
int fuzz_tables(const uint8_t *program, uint32_t size, fuzz_table tables[4]);

/*
 * Runs a case as a device would: msf_prepare, and where that is content, msf_invoke on operands of exactly the sizes
 * of the case, filled with bytes that depend on seed. Aborts if anything but outputs and workspace has changed.
 * status: what msf_prepare, or else msf_invoke, returned.
 */
fuzz_outcome fuzz_run(const fuzz_case *c, uint32_t seed, int *status);

/* Writes size and checksum of the program of a case anew. */
void fuzz_repair(uint8_t *data, size_t size);

/*
 * Changes a few fields of the program, or a parameter, or the size of an operand, to values that are likely to hurt,
 * and repairs size and checksum. Returns the new size of the case, which stays below max_size.
 */
size_t fuzz_mutate(uint8_t *data, size_t size, size_t max_size, uint32_t *random);

/*
 * Makes a whole case from nothing: a program that is consistent most of the time. Returns its size, which is below
 * max_size, at least CASE_MAX_GENERATED.
 */
size_t fuzz_generate(uint8_t *data, size_t max_size, uint32_t *random);

uint32_t fuzz_read(const uint8_t *at, uint32_t size);
void fuzz_write(uint8_t *at, uint32_t size, uint32_t value);

/* The next pseudo-random number; *state must not be 0. */
uint32_t fuzz_random(uint32_t *state);

#endif /* FUZZ_CASE_H_ */
