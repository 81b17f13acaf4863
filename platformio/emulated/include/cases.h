/* Models and the outputs that TensorFlow Lite Micro gave for some inputs; cases.inc (made by prepare.py) has them. */
#ifndef CASES_H_
#define CASES_H_

#include <stdint.h>

#include "msf.h"

typedef struct {
  const char *name;
  uint32_t arena_size;
  msf_status (*init)(void);
  int8_t *(*input)(uint32_t index);
  uint32_t (*input_size)(uint32_t index);
  const int8_t *(*output)(uint32_t index);
  uint32_t (*output_size)(uint32_t index);
  msf_status (*invoke)(void);
  uint32_t case_count;
  const int8_t *inputs; /* of all cases, one behind the other */
  const int8_t *outputs;
} model_cases;

extern const model_cases all_models[];
extern const uint32_t model_count;

typedef struct {
  msf_status status;
  uint32_t cases;    /* run to their end */
  uint32_t compared; /* output bytes */
  uint32_t differing;
} case_result;

/* Runs a model on all its cases and compares every output byte. Stops at the first case that fails. */
case_result run_cases(const model_cases *model);

/* Whether all cases ran, at least one byte was compared, and none was wrong. */
int all_right(const model_cases *model, const case_result *result);

#endif /* CASES_H_ */
