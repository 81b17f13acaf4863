/* The operators by number. */
#ifndef MSF_OPERATORS_H_
#define MSF_OPERATORS_H_

#include "kernel/msf_operator.h"

extern const msf_operator *const msf_operators[MSF_OP_COUNT];

/* The operator of a stage, whose number must be one. */
static inline const msf_operator *msf_operator_of(const msf_stage *s) { return msf_operators[s->op]; }

#endif /* MSF_OPERATORS_H_ */
