/*
 * TFLM's structs that lie in an arena, member by member, as any compiler lays them out. Declared by this test after the
 * layouts that TFLM's libraries have had since 2021; with TF_LITE_STATIC_MEMORY, tensors and nodes have fewer members.
 */
#ifndef STRUCTS_H_
#define STRUCTS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { kNoQuantization = 0, kAffine = 1 } QuantizationType;
typedef enum { kNoType = 0, kFloat32 = 1, kInt8 = 9 } Type;
typedef enum { kMemNone = 0, kArenaRw = 2 } AllocationType;

typedef struct {
  QuantizationType type;
  void *params;
} Quantization;
typedef struct {
  float scale;
  int32_t zero_point;
} QuantizationParams;

typedef struct {
  void *data;
  void *dims;
  Type type;
} EvalTensor;
typedef struct {
  void *scale;
  void *zero_point;
  int32_t quantized_dimension;
} AffineQuantization;

#ifdef TF_LITE_STATIC_MEMORY
typedef struct {
  Quantization quantization;
  QuantizationParams params;
  void *data;
  void *dims;
  size_t bytes;
  Type type;
  AllocationType allocation_type;
  bool is_variable;
} Tensor;
typedef struct {
  void *inputs, *outputs, *intermediates, *user_data, *builtin_data;
  const void *custom_initial_data;
  int custom_initial_data_size;
} Node;
#else
typedef struct {
  Type type;
  void *data;
  void *dims;
  QuantizationParams params;
  AllocationType allocation_type;
  size_t bytes;
  const void *allocation;
  const char *name;
  void *delegate;
  int buffer_handle;
  bool data_is_stale;
  bool is_variable;
  Quantization quantization;
  void *sparsity;
  const void *dims_signature;
} Tensor;
typedef struct {
  void *inputs, *outputs, *intermediates, *temporaries, *user_data, *builtin_data;
  const void *custom_initial_data;
  int custom_initial_data_size;
  void *delegate;
  bool might_have_side_effect;
} Node;
#endif

typedef struct {
  Node node;
  const void *registration;
} NodeAndRegistration;
typedef struct {
  NodeAndRegistration *nodes;
  EvalTensor *tensors;
} SubgraphAllocations;
typedef struct {
  const void *vtable;
  void *allocator;
} BuiltinDataAllocator;
typedef struct {
  void *data;
} ScratchHandle;
typedef struct {
  size_t bytes;
  int node_index;
  int subgraph_index;
} ScratchRequest;
typedef struct {
  size_t bytes;
  void **output;
  int first_created, last_used;
  int32_t offline_offset;
  bool needs_allocating;
} AllocationInfo;

/* The objects at the arena's end; MESSAGES_TO_REPORTER: as they were until October 2022. */
typedef struct {
  const void *persistent_vtable, *temporary_vtable;
#ifdef MESSAGES_TO_REPORTER
  void *error_reporter;
#endif
  uint8_t *buffer_head, *buffer_tail, *head, *tail, *temp;
  intptr_t temp_checksum;
  int temp_count;
} BufferAllocator;
typedef struct {
  const void *vtable;
  int max_buffers, buffer_count;
  void *requirements;
  int *sizes_sorted, *ids_sorted;
  void *entries;
  int next_free, first;
  int *offsets;
  bool must_calculate;
} MemoryPlanner;
typedef struct {
  const void *vtable;
  void *temporary, *persistent, *builtin_data, *planner;
#ifdef MESSAGES_TO_REPORTER
  void *error_reporter;
#endif
  bool is_allocating;
  size_t scratch_requests;
  uint8_t *scratch_head;
  size_t most_in_head;
} Allocator;

#endif /* STRUCTS_H_ */
