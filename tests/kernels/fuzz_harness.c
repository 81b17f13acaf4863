/*
 * Puts changed programs to the kernels; to be compiled with sanitizers, which end it on the first fault.
 *
 *   fuzz_harness fields CASE...          every field of every record at its boundary values
 *   fuzz_harness random COUNT CASE...    COUNT random changes to each case
 *   fuzz_harness generate FIRST COUNT    COUNT programs made from nothing, from number FIRST on
 *   fuzz_harness flips CASE...           every single bit of the program flipped; ends with status 2 if one is accepted
 *   fuzz_harness run CASE...             each case as it is
 *
 * Prints how many programs were rejected, refused, too long to run, and run; of those from nothing also how many that
 * were accepted have each operator, and how many keep something (KEPT).
 */
#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz_draft.h"

#define SLACK 4096   /* bytes by which a case may grow */
#define PATIENCE 20u /* seconds for one program, which should take milliseconds */

typedef struct {
  uint8_t *data;
  size_t size, capacity;
} file;

static char doing[256]; /* for whoever has to find out what failed */
static unsigned long counts[CASE_RAN + 1];
static unsigned long accepted[MSF_OP_COUNT]; /* programs that have this operator */
static unsigned long keeping;                /* programs that keep something from one invocation to the next */

static void tell(void) {
  if (write(2, doing, strlen(doing)) < 0 || write(2, "\n", 1) < 0) _exit(4);
}

static void on_signal(int signal) {
  (void)signal;
  tell();
  _exit(3);
}

static file read_file(const char *path) {
  file f = {0, 0, 0};
  FILE *stream = fopen(path, "rb");
  if (stream == 0 || fseek(stream, 0, SEEK_END) != 0) exit(4);
  f.size = (size_t)ftell(stream);
  f.capacity = f.size + SLACK;
  f.data = malloc(f.capacity);
  rewind(stream);
  if (f.data == 0 || fread(f.data, 1, f.size, stream) != f.size) exit(4);
  fclose(stream);
  return f;
}

static fuzz_outcome run(const uint8_t *data, size_t size, uint32_t seed) {
  fuzz_case c;
  int status;
  if (!fuzz_parse(data, size, &c)) return CASE_REJECTED;
  alarm(PATIENCE);
  const fuzz_outcome outcome = fuzz_run(&c, seed, &status);
  counts[outcome]++;
  return outcome;
}

static void set_field(const file *f, const char *path, const fuzz_case *c, uint32_t at, const fuzz_field *field,
                      uint32_t value) {
  uint8_t *program = f->data + (c->program - f->data);
  uint8_t kept[sizeof(msf_program)];
  memcpy(kept, program, sizeof(kept));
  const uint32_t old = fuzz_read(program + at, field->size);
  fuzz_write(program + at, field->size, value);
  const uint32_t set = fuzz_read(program + at, field->size);
  if (set == old) return;
  if (at >= 16) {
    fuzz_repair(f->data, f->size);
  }
  snprintf(doing, sizeof(doing), "%s: %s at %u: %u instead of %u", path, field->name, at, set, old);
  run(f->data, f->size, at ^ value);
  fuzz_write(program + at, field->size, old);
  memcpy(program, kept, sizeof(kept));
}

static void run_fields(const file *f, const char *path) {
  fuzz_case c;
  fuzz_table tables[4];
  if (!fuzz_parse(f->data, f->size, &c) || !fuzz_tables(c.program, c.program_size, tables)) exit(4);
  for (int t = 0; t < 4; t++) {
    for (uint32_t i = 0; i < tables[t].count * tables[t].field_count; i++) {
      const fuzz_field *field = &tables[t].fields[i % tables[t].field_count];
      const uint32_t at = tables[t].offset + i / tables[t].field_count * tables[t].size + field->offset;
      const uint32_t old = fuzz_read(c.program + at, field->size);
      const uint32_t max = field->size == 4 ? UINT32_MAX : (1u << (8 * field->size)) - 1;
      const uint32_t values[] = {0,       1,       2,       3,       4,       5,           max,
                                 max - 1, max - 2, max / 2, old + 1, old - 1, max / 2 + 1, max / 2 + 2,
                                 old + 4, old - 4, old * 2, old / 2, old ^ 1, old ^ 2};
      for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) set_field(f, path, &c, at, field, values[v]);
      for (uint32_t k = 1; k < 4; k++) set_field(f, path, &c, at, field, tables[k].count);
      for (uint32_t k = 0; k < c.operand_count; k++) {
        for (uint32_t less = 0; less < 2; less++) set_field(f, path, &c, at, field, c.sizes[k] - less);
      }
    }
  }
}

static void run_random(const file *f, const char *path, unsigned long count) {
  uint8_t *data = malloc(f->capacity);
  uint32_t random = 2463534242u;
  if (data == 0) exit(4);
  for (unsigned long i = 0; i < count; i++) {
    snprintf(doing, sizeof(doing), "%s: random change %lu", path, i);
    memcpy(data, f->data, f->size);
    const size_t size = fuzz_mutate(data, f->size, f->capacity, &random);
    run(data, size, random);
  }
  free(data);
}

static void count_operators(const uint8_t *data, size_t size) {
  fuzz_case c;
  fuzz_table tables[4];
  unsigned char has[MSF_OP_COUNT] = {0};
  if (!fuzz_parse(data, size, &c) || !fuzz_tables(c.program, c.program_size, tables)) exit(4);
  for (uint32_t i = 0; i < tables[2].count; i++) {
    const uint8_t op = c.program[tables[2].offset + i * tables[2].size + offsetof(msf_stage, op)];
    if (op < MSF_OP_COUNT && has[op]++ == 0) accepted[op]++;
  }
  for (uint32_t i = 0; i < tables[1].count; i++) {
    if (c.program[tables[1].offset + i * tables[1].size + offsetof(msf_tensor, kind)] != MSF_KEPT) continue;
    keeping++;
    break;
  }
}

static void run_generated(unsigned long first, unsigned long count) {
  uint8_t *data = malloc(CASE_MAX_GENERATED);
  if (data == 0) exit(4);
  for (unsigned long i = first; i < first + count; i++) {
    uint32_t random = ((uint32_t)i * 2654435761u) | 1u;
    snprintf(doing, sizeof(doing), "generated program %lu", i);
    for (int warm = 0; warm < 4; warm++) fuzz_random(&random);
    const size_t size = fuzz_generate(data, CASE_MAX_GENERATED, &random);
    if (run(data, size, random) != CASE_REJECTED) count_operators(data, size);
  }
  free(data);
}

static void print_counts(int with_operators) {
  printf("%lu %lu %lu %lu\n", counts[CASE_REJECTED], counts[CASE_REFUSED], counts[CASE_TOO_LONG], counts[CASE_RAN]);
  for (int op = 0; with_operators && op < MSF_OP_COUNT; op++) printf("%s %lu\n", fuzz_makers[op].name, accepted[op]);
  if (with_operators) printf("KEPT %lu\n", keeping);
}

static void run_flips(const file *f, const char *path) {
  fuzz_case c;
  if (!fuzz_parse(f->data, f->size, &c)) exit(4);
  uint8_t *program = f->data + (c.program - f->data);
  for (uint32_t bit = 0; bit < 8 * c.program_size; bit++) {
    snprintf(doing, sizeof(doing), "%s: bit %u flipped", path, bit);
    program[bit / 8] ^= (uint8_t)(1u << bit % 8);
    if (run(f->data, f->size, bit) != CASE_REJECTED) {
      tell();
      exit(2);
    }
    program[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "";
  const int is_random = strcmp(mode, "random") == 0;
  __sanitizer_set_death_callback(tell);
  signal(SIGALRM, on_signal);
  signal(SIGABRT, on_signal);
  if (strcmp(mode, "generate") == 0 && argc == 4) {
    run_generated(strtoul(argv[2], 0, 10), strtoul(argv[3], 0, 10));
    print_counts(1);
    return 0;
  }
  for (int i = is_random ? 3 : 2; i < argc; i++) {
    file f = read_file(argv[i]);
    if (is_random) {
      run_random(&f, argv[i], strtoul(argv[2], 0, 10));
    } else if (strcmp(mode, "fields") == 0) {
      run_fields(&f, argv[i]);
    } else if (strcmp(mode, "flips") == 0) {
      run_flips(&f, argv[i]);
    } else {
      snprintf(doing, sizeof(doing), "%s", argv[i]);
      run(f.data, f.size, 1);
    }
    free(f.data);
  }
  print_counts(0);
  return 0;
}
