/* libFuzzer target: a program, its params and the sizes of its operands, as tests/kernels/fuzz_case.h lays them out. */
#include "../kernels/fuzz_case.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_case c;
  int status;
  if (fuzz_parse(data, size, &c)) fuzz_run(&c, 1, &status);
  return 0;
}

/*
 * Mostly whole fields; at times another program from nothing, or libFuzzer's own changes, in the program and behind it,
 * whose checksum is set right.
 */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed) {
  uint32_t random = seed | 1u;
  fuzz_case c;
  if (fuzz_random(&random) % 16 == 0 && max_size >= CASE_MAX_GENERATED) return fuzz_generate(data, max_size, &random);
  if (fuzz_random(&random) % 4 != 0) return fuzz_mutate(data, size, max_size, &random);
  if (!fuzz_parse(data, size, &c)) return LLVMFuzzerMutate(data, size, max_size);
  const size_t start = (size_t)(c.program - data);
  LLVMFuzzerMutate(data + start, size - start, size - start);
  fuzz_repair(data, size);
  return size;
}
