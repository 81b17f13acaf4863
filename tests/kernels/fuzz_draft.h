/*
 * A program in the making, and what makes a stage of each operator.
 *
 * Most of what is drawn is consistent, so that programs get past msf_prepare and run; here and there a value is a little
 * off, which msf_prepare has to notice where it matters.
 */
#ifndef FUZZ_DRAFT_H_
#define FUZZ_DRAFT_H_

#include "engine/msf_operators.h"
#include "engine/msf_tile.h"
#include "fuzz_case.h"

#define DRAFT_TENSORS 32u
#define DRAFT_STAGES 12u
#define DRAFT_GROUPS 4u
#define DRAFT_PARAMS 8192u

typedef struct {
  msf_program header;
  msf_tensor tensors[DRAFT_TENSORS];
  msf_stage stages[DRAFT_STAGES];
  msf_group groups[DRAFT_GROUPS];
  uint8_t params[DRAFT_PARAMS];
  msf_fast fast[MSF_MAX_OPERANDS];
  uint32_t sizes[MSF_MAX_OPERANDS];
  uint32_t *random;
} fuzz_draft;

/* A stage in the making. The maker sets what its operator needs, among it the channels of the output. */
typedef struct {
  fuzz_draft *draft;
  msf_stage *stage;
  const msf_tensor *in; /* the first input, if there is one */
  msf_tensor *out;
  uint16_t group;
  int is_free;    /* rows and columns of the output are the maker's to say; otherwise they are given */
  int is_in_step; /* the input is a chunk: pixel by pixel, or it will be refused */
} fuzz_making;

typedef struct {
  const char *name;
  void (*make)(fuzz_making *m);
} fuzz_maker;

/* By operator. One without a maker ends the generator. */
extern const fuzz_maker fuzz_makers[MSF_OP_COUNT];

/* A number from 0 on and below limit, which is not 0. */
uint32_t fuzz_below(fuzz_draft *d, uint32_t limit);

/* True once in n times. */
int fuzz_once_in(fuzz_draft *d, uint32_t n);

/* Room for random bytes in params. Returns its offset. */
uint32_t fuzz_put_params(fuzz_draft *d, uint32_t size, uint32_t alignment);

/* Room in the workspace, likewise. */
uint32_t fuzz_take_workspace(fuzz_draft *d, uint32_t size, uint32_t alignment);

/* Gives a stage its second input: one with these rows, columns and channels (0: any), or a constant if there is none. */
const msf_tensor *fuzz_find_second(fuzz_making *m, uint16_t h, uint16_t w, uint16_t c);

#endif /* FUZZ_DRAFT_H_ */
