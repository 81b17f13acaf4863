/*
 * What an operator is: how it proves that it stays inside its tensors, and how it makes a few pixels of a row.
 */
#ifndef MSF_OPERATOR_H_
#define MSF_OPERATOR_H_

#include "format/msf_program.h"
#include "kernel/msf_view.h"
#include "msf.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  const msf_stage *stage;
  const uint8_t *params; /* 4-byte aligned */
  uint8_t *workspace;
  msf_view in[2];
  msf_view out;
  int32_t y, x0, x1;          /* output pixels; for reducing stages, the input pixels that have arrived */
  const msf_attachment *rows; /* where streamed input comes from */
  msf_status *status;         /* for a kernel that can fail to say so */
} msf_call;

/* What msf_prepare shows an operator: shapes, and how much of params there is. Inputs that it does not have are NULL. */
typedef struct {
  const msf_stage *stage;
  const msf_tensor *in[2];
  const msf_tensor *out;
  const uint8_t *params;
  uint32_t params_size;
  uint32_t workspace_size;
  uint32_t reserved_size; /* workspace bytes at the front that belong to the engine */
} msf_stage_shape;

typedef struct {
  /* Returns 1 if run leaves neither output, params nor workspace, and no input whose pixels it reads as declared. */
  int (*check)(const msf_stage_shape *shape);
  /*
   * Declares what run reads of input k for pixel (y, x) of its group's grid: rows, which depend on y only, and columns,
   * which depend on x only; neither goes back where these go on. Asked only if check was content. msf_prepare refuses a
   * stage that would read what its input does not have, or what its window does not cover: nobody asks for that.
   */
  msf_region (*reads)(const msf_stage_shape *shape, int32_t k, int32_t y, int32_t x);
  void (*run)(const msf_call *call);
  /*
   * Returns 1 if the kernels were made without what run needs (msf_parts.h); NULL if nothing can be lacking. Asked only if
   * check was content.
   */
  int (*lacks)(const msf_stage_shape *shape);
  uint8_t inputs;
  uint8_t layouts; /* the last layout of weights that it knows */
  uint8_t flags;
} msf_operator;

/* Flags of an operator. */
#define MSF_REDUCES 1u       /* consumes its whole input row by row before it has an output */
#define MSF_FETCHES 2u       /* takes its pixels from the row source */
#define MSF_ENLARGES 4u      /* knows windows that stay where they are for several outputs */
#define MSF_BEGINS_INSIDE 8u /* knows windows that begin inside the map: padding below 0 */
#define MSF_HAS_SCRATCH 32u  /* may use scratch of the workspace */
#define MSF_ONLY_PACKED 16u  /* does not know MSF_LAYOUT_PLAIN */

/* Declares the part of the window that lies inside the input, with all channels. */
msf_region msf_reads_window(const msf_stage_shape *shape, int32_t k, int32_t y, int32_t x);

/* Declares all channels of the same pixel, or of the only one in a second input. */
msf_region msf_reads_pixel(const msf_stage_shape *shape, int32_t k, int32_t y, int32_t x);

static inline const int32_t *msf_words(const msf_call *call, uint32_t offset) {
  return (const int32_t *)(const void *)(call->params + offset);
}

/* Of a reducing stage: one for each output channel, kept from call to call. */
static inline int32_t *msf_accumulators(const msf_call *call) {
  return (int32_t *)(void *)(call->workspace + call->stage->accumulators);
}

static inline const int8_t *msf_bytes(const msf_call *call, uint32_t offset) {
  return (const int8_t *)(const void *)(call->params + offset);
}

/* The convolutions' way with MSF_LAYOUT_PLAIN: any window, any scale, no haste. */
void msf_run_conv_2d_plain(const msf_call *call);
void msf_run_depthwise_conv_2d_plain(const msf_call *call);

extern const msf_operator msf_source;
extern const msf_operator msf_conv_2d;
extern const msf_operator msf_depthwise_conv_2d;
extern const msf_operator msf_conv_2d_packed; /* without the way for MSF_LAYOUT_PLAIN */
extern const msf_operator msf_depthwise_conv_2d_packed;
extern const msf_operator msf_add;
extern const msf_operator msf_sub;
extern const msf_operator msf_mul;
extern const msf_operator msf_average_pool_2d;
extern const msf_operator msf_max_pool_2d;
extern const msf_operator msf_table;
extern const msf_operator msf_pad;
extern const msf_operator msf_global_pool;
extern const msf_operator msf_fully_connected;
extern const msf_operator msf_maximum;
extern const msf_operator msf_minimum;
extern const msf_operator msf_prelu;
extern const msf_operator msf_softmax;
extern const msf_operator msf_concatenation;
extern const msf_operator msf_slice;
extern const msf_operator msf_space_to_depth;
extern const msf_operator msf_depth_to_space;
extern const msf_operator msf_resize_nearest_neighbor;
extern const msf_operator msf_resize_bilinear;
extern const msf_operator msf_transpose_conv;
extern const msf_operator msf_gather;
extern const msf_operator msf_grouped_conv_2d;
extern const msf_operator msf_table_of_words;
extern const msf_operator msf_arg_max;
extern const msf_operator msf_squared_difference;

#ifdef __cplusplus
}
#endif

#endif /* MSF_OPERATOR_H_ */
