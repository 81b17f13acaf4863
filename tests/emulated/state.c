/*
 * A model with a state on a device: STEPS invocations with a reset in the middle, the outputs of each as they should be, and
 * what is kept at the end; for streamed input, a row source that fails half way.
 */
#include <stdio.h>
#include <string.h>

#include "net.c" /* with it, for what is static there */

#include "expected.h"

static uint32_t noise = 1;

static uint8_t next_byte(void) {
  noise = noise * 1664525u + 1013904223u;
  return (uint8_t)(noise >> 24);
}

static uint32_t hashed(uint32_t hash, const uint8_t *bytes, uint32_t size) {
  for (uint32_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * 16777619u;
  return hash;
}

#if STREAMED
static int32_t rows_until_failure = -1; /* none, if negative */

static int next_row(void *context, uint32_t y, void *row, uint32_t size) {
  (void)context;
  (void)y;
  if (rows_until_failure == 0) return 1;
  if (rows_until_failure > 0) rows_until_failure--;
  for (uint32_t i = 0; i < size; i++) ((uint8_t *)row)[i] = next_byte();
  return 0;
}

static void fill_input(void) {}
#else
static void fill_input(void) {
  for (uint32_t i = 0; i < NET_INPUT_0_SIZE; i++) net_input(0)[i] = (int8_t)next_byte();
}
#endif

/* Runs some steps; the outputs of all of them go into the hash. */
static msf_status run(uint32_t steps, uint32_t *hash) {
  msf_status status = MSF_OK;
  for (uint32_t step = 0; status == MSF_OK && step < steps; step++) {
    fill_input();
    status = net_invoke();
    for (uint32_t i = 0; i < NET_OUTPUT_COUNT; i++) {
      *hash = hashed(*hash, (const uint8_t *)net_output(i), net_output_size(i));
    }
  }
  return status;
}

static uint32_t hash_of_states(void) {
  uint32_t hash = 2166136261u;
  for (uint32_t i = 0, k = 0; i < BLOCK_COUNT; i++) {
    const uint32_t size = msf_state_size(blocks[i].program, blocks[i].program_size);
    if (size == 0) continue;
    hash = hashed(hash, (const uint8_t *)net_arena + states[k] + 4, size - 4);
    k++;
  }
  return hash;
}

static int differs(const char *what, uint32_t got, uint32_t expected) {
  if (got == expected) return 0;
  printf("%s: %08lx instead of %08lx\n", what, (unsigned long)got, (unsigned long)expected);
  return 1;
}

int main(void) {
  uint32_t hash = 2166136261u;
  int wrong;
#if STREAMED
  net_set_row_source(next_row, 0);
#endif
  wrong = differs("init", net_init(), MSF_OK);
  wrong += differs("first half", run(STEPS / 2, &hash), MSF_OK);
  wrong += differs("outputs of the first half", hash, FIRST_HALF);
  wrong += differs("state after the first half", hash_of_states(), STATE_OF_FIRST_HALF);
  net_reset();
  hash = 2166136261u;
  wrong += differs("second half", run(STEPS - STEPS / 2, &hash), MSF_OK);
  wrong += differs("outputs of the second half", hash, SECOND_HALF);
  wrong += differs("state after the second half", hash_of_states(), STATE_OF_SECOND_HALF);
#if STREAMED
  rows_until_failure = 0;
  wrong += differs("a source that fails", net_invoke(), MSF_SOURCE_FAILED);
  rows_until_failure = -1;
  wrong += differs("after that", net_invoke(), MSF_STATE_LOST);
  wrong += differs("and again", net_invoke(), MSF_STATE_LOST);
#endif
  net_reset();
  noise = 1;
  hash = 2166136261u;
  wrong += differs("once more", run(STEPS / 2, &hash), MSF_OK);
  wrong += differs("outputs once more", hash, FIRST_HALF);
  printf("%d wrong\n", wrong);
  return wrong != 0;
}
