/* What operators ask when they prove that they stay inside params and workspace. */
#ifndef MSF_FITS_H_
#define MSF_FITS_H_

#include "kernel/msf_operator.h"

#ifdef __cplusplus
extern "C" {
#endif

/* True if count elements of size bytes at a byte offset, which must be a multiple of size, lie inside limit bytes. */
static inline int msf_fits(uint32_t offset, uint64_t count, uint32_t size, uint32_t limit) {
  return offset % size == 0 && offset <= limit && count <= (limit - offset) / size;
}

static inline int msf_shift_in_range(int32_t shift) { return shift >= -31 && shift <= 30; }

/* True if an output pixel is made from the same pixel of an input of the same size. */
int msf_is_pointwise(const msf_stage_shape *shape);

/* True if an output pixel is made from the same pixel of two inputs, of which the second may be a single one. */
int msf_fits_two(const msf_stage_shape *shape);

/* True if bias, multipliers and shifts for channels outputs lie in params, and all shifts are ones msf_rescale takes. */
static inline int msf_fits_requantization(const msf_stage_shape *shape, uint32_t channels) {
  const msf_stage *s = shape->stage;
  const uint32_t scales = s->flags & MSF_UNIFORM ? 1 : channels;
  if (!msf_fits(s->bias, channels, 4, shape->params_size) || !msf_fits(s->multipliers, scales, 4, shape->params_size) ||
      !msf_fits(s->shifts, scales, 1, shape->params_size)) {
    return 0;
  }
  for (uint32_t o = 0; o < scales; o++) {
    if (!msf_shift_in_range((int8_t)shape->params[s->shifts + o])) return 0;
  }
  return 1;
}

/* True if int32 accumulators for channels outputs lie in the workspace, behind what the engine owns. */
static inline int msf_fits_accumulators(const msf_stage_shape *shape, uint32_t channels) {
  return shape->stage->accumulators >= shape->reserved_size &&
         msf_fits(shape->stage->accumulators, channels, 4, shape->workspace_size);
}

#ifdef __cplusplus
}
#endif

#endif /* MSF_FITS_H_ */
