/*
 * Lets the TFLM interpreter of the `tflite-micro` Python wheel run MSF_BLOCK operators.
 *
 * The wheel comes without headers, so the few structures that a kernel sees are declared here, as they lie in memory
 * on 64-bit Linux. Nothing is written to the wheel's memory before its layout was checked, see register_op.
 */
#define _GNU_SOURCE /* dladdr */
#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "format/msf_program.h"
#include "msf.h"

enum { STATUS_OK = 0, STATUS_ERROR = 1, BUILTIN_CUSTOM = 32, MAX_OPERANDS = MSF_MAX_OPERANDS };

typedef struct Context Context; /* opaque: its fields differ between wheels */

typedef struct {
  int size;
  int data[];
} IntArray;

typedef struct {
  void *data;
  const IntArray *dims;
  int32_t type;
} EvalTensor;

typedef struct {
  const IntArray *inputs, *outputs, *intermediates;
  void *user_data, *builtin_data;
  const void *custom_initial_data;
  int custom_initial_data_size;
} Node;

typedef struct {
  void *(*init)(Context *, const char *, size_t);
  void (*free)(Context *, void *);
  int (*prepare)(Context *, Node *);
  int (*invoke)(Context *, Node *);
  void (*reset)(Context *, void *);
  int32_t builtin_code;
  const char *custom_name;
} Registration;

enum { RESOLVER_CAPACITY = 200 };
typedef struct {
  void *const *vtable; /* [0] find an operator by builtin code, [1] by custom name */
  Registration registrations[RESOLVER_CAPACITY];
  uint32_t count;
} Resolver;
typedef const Registration *(*FindByCode)(const Resolver *, int32_t);
typedef const Registration *(*FindByName)(const Resolver *, const char *);

_Static_assert(sizeof(void *) == 8, "the wheel exists for 64-bit computers only");
_Static_assert(sizeof(EvalTensor) == 24 && offsetof(EvalTensor, type) == 16, "EvalTensor layout");
_Static_assert(sizeof(Node) == 56 && offsetof(Node, user_data) == 24, "Node layout");
_Static_assert(offsetof(Node, custom_initial_data_size) == 48, "Node layout");
_Static_assert(sizeof(Registration) == 56 && offsetof(Registration, custom_name) == 48, "Registration layout");
_Static_assert(offsetof(Resolver, count) == 0x2bc8, "Resolver layout");

static EvalTensor *(*get_eval_tensor)(const Context *, int);
static void *(*allocate_persistent_buffer)(Context *, size_t);

/* dlsym gives object pointers, C wants function pointers: POSIX says that the bits are the same. */
static void copy_function_pointer(void *to, void *const *from) { memcpy(to, from, sizeof(void *)); }

static uint32_t element_size(int32_t type) {
  switch (type) {
    case 1: /* float32 */
    case 2: /* int32 */ return 4;
    case 7: /* int16 */ return 2;
    case 3: /* uint8 */
    case 6: /* bool */
    case 9: /* int8 */ return 1;
    default: return 0;
  }
}

/* Size of a tensor in bytes; 0 if it has an unknown type or no sensible shape, which no program accepts. */
static uint32_t tensor_size(const EvalTensor *tensor) {
  uint64_t size = element_size(tensor->type);
  if (tensor->dims == NULL) return 0;
  for (int i = 0; i < tensor->dims->size; i++) {
    if (tensor->dims->data[i] < 0) return 0;
    size *= (uint64_t)tensor->dims->data[i];
    if (size > UINT32_MAX) return 0;
  }
  return (uint32_t)size;
}

static uint32_t length(const IntArray *indices) { return indices == NULL ? 0 : (uint32_t)indices->size; }

static void add_operands(const Context *context, const IntArray *indices, msf_operand *operands) {
  for (uint32_t i = 0; i < length(indices); i++) {
    const int index = indices->data[i];
    const EvalTensor *tensor = index < 0 ? NULL : get_eval_tensor(context, index);
    operands[i].data = tensor == NULL ? NULL : tensor->data;
    operands[i].size = tensor == NULL ? 0 : tensor_size(tensor);
  }
}

/* Fills operands with the node's inputs, then outputs. Returns their number, or 0 if there are too many. */
static uint32_t collect_operands(const Context *context, const Node *node, msf_operand operands[MAX_OPERANDS]) {
  const uint32_t inputs = length(node->inputs);
  const uint32_t outputs = length(node->outputs);
  if (inputs > MAX_OPERANDS || outputs > MAX_OPERANDS - inputs) return 0;
  add_operands(context, node->inputs, operands);
  add_operands(context, node->outputs, operands + inputs);
  return inputs + outputs;
}

/* The states that were allocated last, for tests and for `verify` to look into. */
enum { MAX_STATES = 256 };
static void *states[MAX_STATES];
static uint32_t state_count;

/* Copies the addresses of the states that were allocated since the last call, in order, and returns their number. */
uint32_t TflmMsfTakeStates(void *to[], uint32_t room);
uint32_t TflmMsfTakeStates(void *to[], uint32_t room) {
  const uint32_t count = state_count < room ? state_count : room;
  for (uint32_t i = 0; i < count; i++) to[i] = states[i];
  state_count = 0;
  return count;
}

/* What a node keeps as its user data: the program's address, which stays in the model; or, if it has one, the state. */
static void *block_init(Context *context, const char *program, size_t size) {
  const uint32_t state_size = msf_state_size(program, (uint32_t)size);
  if (state_size == 0) return size == 0 ? NULL : (void *)(uintptr_t)program;
  void *state = allocate_persistent_buffer(context, state_size);
  if (state == NULL) return NULL;
  memset(state, 0, sizeof(uint32_t));
  if (state_count < MAX_STATES) states[state_count++] = state;
  return state;
}

/* Adds the state, if there is one, to the operands of a node. Returns how many there are then; 0 if they are too many. */
static uint32_t add_state(const Node *node, msf_operand operands[MAX_OPERANDS], uint32_t count) {
  if (node->user_data == node->custom_initial_data || count == 0) return count;
  if (count == MAX_OPERANDS) return 0;
  operands[count].data = node->user_data;
  operands[count].size = msf_state_size(node->custom_initial_data, (uint32_t)node->custom_initial_data_size);
  return count + 1;
}

/* All operands of a node in their places. Returns how many there are; 0 if they are too many. */
static uint32_t find_operands(const Context *context, const Node *node, msf_operand operands[MAX_OPERANDS],
                              msf_status *status) {
  const uint32_t count = add_state(node, operands, collect_operands(context, node, operands));
  const uint32_t size = (uint32_t)node->custom_initial_data_size;
  *status = msf_place_operands(node->custom_initial_data, size, operands, count);
  return count;
}

static int report(msf_status status) {
  if (status == MSF_OK) return STATUS_OK;
  fprintf(stderr, "MSF_BLOCK: %s\n", msf_status_text(status));
  return STATUS_ERROR;
}

static int block_prepare(Context *context, Node *node) {
  msf_operand operands[MAX_OPERANDS];
  msf_status status;
  if (node->user_data == NULL) return report(MSF_BAD_PROGRAM);
  const uint32_t count = find_operands(context, node, operands, &status);
  if (count == 0) {
    fprintf(stderr, "MSF_BLOCK: the operator has no tensors, or more than %d\n", MAX_OPERANDS);
    return STATUS_ERROR;
  }
  const uint32_t size = (uint32_t)node->custom_initial_data_size;
  if (status == MSF_OK) status = msf_check_beside(node->custom_initial_data, size, node, sizeof *node);
  if (status != MSF_OK) return report(status);
  return report(msf_prepare(node->custom_initial_data, size, operands, count));
}

static int block_invoke(Context *context, Node *node) {
  msf_operand operands[MAX_OPERANDS];
  msf_status status;
  const uint32_t count = find_operands(context, node, operands, &status);
  if (status != MSF_OK) return report(status);
  return report(msf_invoke(node->custom_initial_data, operands, count));
}

/* A block with a state starts anew; others keep their program's address, which begins with the magic number. */
static void block_reset(Context *context, void *user_data) {
  uint32_t mark = MSF_MAGIC;
  (void)context;
  if (user_data != NULL) memcpy(&mark, user_data, sizeof mark);
  if (mark != MSF_MAGIC) memset(user_data, 0, sizeof mark);
}

/*
 * True if the object is the resolver class that Resolver describes. Its capacity is part of the mangled name of its
 * methods, so that asking for the name comes before reading past the vtable pointer. `library` is set to the file
 * that holds the class.
 */
static bool is_known_resolver(const Resolver *resolver, const char **library) {
  for (int i = 0; i < 2; i++) {
    Dl_info info;
    if (dladdr(resolver->vtable[i], &info) == 0 || info.dli_sname == NULL) return false;
    if (strstr(info.dli_sname, "5micro22MicroMutableOpResolverILj200EE6FindOpE") == NULL) return false;
    *library = info.dli_fname;
  }
  return true;
}

/*
 * Appends MSF_BLOCK to the resolver's operators. The wheel exports no function for it, so this writes the array
 * itself, once it has seen that every operator in it is found, by the wheel's own search, where the layout says.
 */
static bool register_op(Resolver *resolver) {
  static const Registration block = {
      .init = block_init,
      .prepare = block_prepare,
      .invoke = block_invoke,
      .reset = block_reset,
      .builtin_code = BUILTIN_CUSTOM,
      .custom_name = "MSF_BLOCK",
  };
  FindByCode find_code;
  FindByName find_name;
  copy_function_pointer(&find_code, &resolver->vtable[0]);
  copy_function_pointer(&find_name, &resolver->vtable[1]);
  if (resolver->count == 0 || resolver->count >= RESOLVER_CAPACITY) return false;
  for (uint32_t i = 0; i < resolver->count; i++) {
    const Registration *entry = &resolver->registrations[i];
    const bool custom = entry->builtin_code == BUILTIN_CUSTOM;
    if ((custom ? find_name(resolver, entry->custom_name) : find_code(resolver, entry->builtin_code)) != entry) {
      return false;
    }
  }
  Registration *added = &resolver->registrations[resolver->count];
  *added = block;
  resolver->count++;
  return find_name(resolver, block.custom_name) == added;
}

/* The services of a context that a block needs; false if the library has others. */
static bool find_services(void *library) {
  void *tensor = dlsym(library, "_ZN6tflite5micro25MicroContextGetEvalTensorEPKNS0_13TfLiteContextEi");
  void *memory = dlsym(library, "_ZN6tflite5micro36MicroContextAllocatePersistentBufferEPNS0_13TfLiteContextEm");
  copy_function_pointer(&get_eval_tensor, &tensor);
  copy_function_pointer(&allocate_persistent_buffer, &memory);
  return tensor != NULL && memory != NULL;
}

/* What the wheel's interpreter calls, by name, with its operator resolver. */
bool TflmMsfRegister(void *resolver);
bool TflmMsfRegister(void *resolver) {
  const char *library = NULL;
  if (is_known_resolver(resolver, &library)) {
    void *handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
    if (handle != NULL && find_services(handle) && register_op(resolver)) return true;
  }
  fprintf(stderr, "MSF_BLOCK: this version of the tflite-micro wheel is not one that tflm-msf knows\n");
  return false;
}
