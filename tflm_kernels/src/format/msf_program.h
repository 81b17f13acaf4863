/*
 * The program of a fusion block, exactly as it lies in custom_options (SPEC.md describes every byte).
 * All fields are little-endian and naturally aligned; the structures are read in place, so they carry no padding.
 *
 * Records of version 2 begin with those of version 1. In a program of version 1 the fields behind are not there: what
 * steps from record to record asks msf_walk.h for their size, and nothing reads further without a look at the version.
 */
#ifndef MSF_PROGRAM_H_
#define MSF_PROGRAM_H_

#include <stdint.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tflm-msf programs are little-endian and read in place"
#endif

#define MSF_MAGIC 0x3146534Du /* "MSF1" */
#define MSF_VERSION 2u        /* the newest that these kernels know; they run version 1 too */
#define MSF_NONE 0xFFFFu      /* no tensor, no group */
#define MSF_NO_OPERAND 0xFFu
#define MSF_MAX_GROUPS 64u /* so that the engine takes 1 KiB of a workspace at the most */
#define MSF_MAX_OPERANDS 24u

typedef struct {
  uint32_t magic;
  uint16_t version;
  uint16_t header_size;
  uint32_t size;     /* bytes of the whole program */
  uint32_t checksum; /* CRC-32 (IEEE) of the bytes from here to the end */
  uint16_t tensor_count;
  uint16_t stage_count;
  uint16_t group_count;
  uint16_t operand_count;
  uint16_t input_count; /* operands below this are the operator's inputs, the others its outputs */
  uint8_t params_operand;
  uint8_t workspace_operand;
  uint16_t tile_h; /* rows and columns of the output that one tile makes */
  uint16_t tile_w;
  uint32_t workspace_size;
  uint32_t params_size;
  uint16_t overlap_input; /* operand whose rows the output may overwrite, or MSF_NONE */
  uint16_t overlap_output;
  uint32_t overlap_distance; /* bytes by which that input must start behind that output */
  uint16_t flags;
  uint16_t reserved;
  /* from version 2 on */
  uint8_t order;         /* in which steps are taken, MSF_ORDER_...; ring sizes depend on it */
  uint8_t column_bits;   /* of a pixel's number: the columns; the other bits of 32 are for the rows */
  uint8_t state_operand; /* what outlives an invocation; MSF_NO_OPERAND */
  uint8_t overlaps;      /* kept free: 0 */
  uint32_t state_size;
  uint32_t fast_size;     /* bytes of fast memory up to the end of the last operand that lies there; 0 */
  uint32_t fast_operands; /* operands that lie in fast memory: a bit for each, the lowest for operand 0 */
} msf_program;

/* Orders of steps. */
#define MSF_ORDER_CHUNKS 0u /* a group makes whole chunks, even where that is more than it was asked for */
#define MSF_ORDER_ASKED 1u  /* a group never makes more than it was asked for */

/* Flag of a program: the model takes its input from a row source. */
#define MSF_STREAMED 1u

/*
 * MSF_KEPT: a ring in the state, to which each invocation adds the rows of the tensor. MSF_HISTORY: the same ring as its
 * readers see it, the rows of earlier invocations first.
 */
enum { MSF_WHOLE = 0, MSF_RING = 1, MSF_CHUNK = 2, MSF_KEPT = 3, MSF_HISTORY = 4 };

typedef struct {
  uint16_t h, w, c;  /* h: low half of the rows, see msf_height */
  uint16_t producer; /* group that makes it, or MSF_NONE for an operand that is only read */
  uint8_t operand;
  uint8_t kind;
  uint16_t h_high;
  uint32_t offset; /* of its first pixel in the operand */
  uint32_t pixels; /* pixels kept: all, or the size of the ring or chunk */
  /* from version 2 on */
  uint8_t type; /* of values: MSF_INT8 */
  uint8_t flags;
  uint16_t shows;   /* MSF_HISTORY: the MSF_KEPT tensor; else MSF_NONE */
  uint32_t start;   /* MSF_KEPT: byte offset in params of what the ring holds before the first invocation */
  uint32_t place;   /* MSF_KEPT: byte offset in the state of a uint32, the place in the ring of the oldest row */
  uint32_t history; /* rows of earlier invocations that are kept */
} msf_tensor;

#define MSF_INT8 0u

/* Flag of a tensor that is kept: all bytes of the ring start as the one at `start`. */
#define MSF_FILLED 1u

#define MSF_TALLEST 0x3FFFFF /* rows of a map: so that rows times steps are an int32 */
#define MSF_COLUMN_BITS 16u  /* in version 1 and, from version 2 on, at the most */

typedef struct {
  uint8_t op;
  uint8_t layout; /* MSF_LAYOUT_PLAIN, or what else the operator knows */
  int8_t act_min;
  int8_t act_max;
  uint16_t in[2];
  uint16_t out;
  uint16_t kernel_h, kernel_w;
  uint8_t stride_h, stride_w, dilation_h, dilation_w;
  int16_t pad_top, pad_left;
  int8_t in_zero[2];
  int8_t out_zero;
  uint8_t flags;
  uint8_t zoom_h, zoom_w; /* see msf_factor and msf_shift; 0 for all but operators that enlarge */
  uint32_t weights;       /* byte offsets into params */
  uint32_t bias;          /* int32 for each output channel, input zero point folded in */
  uint32_t multipliers;   /* int32 for each output channel */
  uint32_t shifts;        /* int8 for each output channel */
  uint32_t accumulators;  /* byte offset into the workspace, int32 for each output channel */
  int32_t arg[6];         /* what else the operator needs */
  /* from version 2 on */
  uint16_t third;    /* input of an operator that has three; else MSF_NONE */
  int8_t third_zero; /* its zero point */
  uint8_t reserved;
  uint32_t scratch; /* byte offset into the workspace: see MSF_SCRATCH */
  uint32_t scratch_size;
} msf_stage;

/* Flag of a stage: one multiplier and one shift serve all output channels. */
#define MSF_UNIFORM 1u

/* Likewise, not in version 1: it may use scratch_size bytes of the workspace while it runs. */
#define MSF_SCRATCH 2u

/*
 * How the weights and scales of a convolution lie. Packed: weights of two output channels (CONV_2D) or four
 * (DEPTHWISE_CONV_2D) interleaved, and scales for requantisation in the short form: see msf_scales.
 */
#define MSF_LAYOUT_PLAIN 0u
#define MSF_LAYOUT_PACKED 1u
#define MSF_MAX_SHORT_SHIFT 22

/* MSF_GROUP_SOURCE: one stage, MSF_OP_SOURCE, which makes whole rows. */
enum { MSF_GROUP_ROWS = 0, MSF_GROUP_REDUCE = 1, MSF_GROUP_SOURCE = 2 };

/* Consecutive stages that share a grid of pixels and run chunk by chunk; the last one makes the group's tensor. */
typedef struct {
  uint16_t first_stage;
  uint16_t stage_count;
  uint16_t chunk; /* pixels */
  uint16_t kind;
  /* from version 2 on */
  uint32_t more[2]; /* kept free: 0 */
} msf_group;

/* Where in fast memory an operand lies, in bytes: one for each bit of fast_operands, from the lowest on. */
typedef struct {
  uint32_t offset;
  uint32_t size;
} msf_fast;

/* Bytes of each record in version 1. */
#define MSF_PROGRAM_SIZE_1 52u
#define MSF_TENSOR_SIZE_1 20u
#define MSF_STAGE_SIZE_1 72u
#define MSF_GROUP_SIZE_1 8u

typedef char msf_check_program_size[sizeof(msf_program) == 68 ? 1 : -1];
typedef char msf_check_tensor_size[sizeof(msf_tensor) == 36 ? 1 : -1];
typedef char msf_check_stage_size[sizeof(msf_stage) == 84 ? 1 : -1];
typedef char msf_check_group_size[sizeof(msf_group) == 16 ? 1 : -1];
typedef char msf_check_fast_size[sizeof(msf_fast) == 8 ? 1 : -1];

/* The operators of a stage. The numbers are part of the format. */
enum {
  MSF_OP_SOURCE = 0, /* the row source */
  MSF_OP_CONV_2D = 1,
  MSF_OP_DEPTHWISE_CONV_2D = 2,
  MSF_OP_ADD = 3,
  MSF_OP_MUL = 4,
  MSF_OP_AVERAGE_POOL_2D = 5,
  MSF_OP_MAX_POOL_2D = 6,
  MSF_OP_TABLE = 7,
  MSF_OP_PAD = 8,
  MSF_OP_GLOBAL_POOL = 9,
  MSF_OP_FULLY_CONNECTED = 10,
  MSF_OP_SUB = 11,
  MSF_OP_MAXIMUM = 12,
  MSF_OP_MINIMUM = 13,
  MSF_OP_PRELU = 14,
  MSF_OP_SOFTMAX = 15,
  MSF_OP_CONCATENATION = 16,
  MSF_OP_SLICE = 17,
  MSF_OP_SPACE_TO_DEPTH = 18,
  MSF_OP_DEPTH_TO_SPACE = 19,
  MSF_OP_RESIZE_NEAREST_NEIGHBOR = 20,
  MSF_OP_RESIZE_BILINEAR = 21,
  MSF_OP_TRANSPOSE_CONV = 22,
  MSF_OP_GATHER = 23,
  MSF_OP_GROUPED_CONV_2D = 24,
  MSF_OP_TABLE_OF_WORDS = 25,
  MSF_OP_ARG_MAX = 26,
  MSF_OP_SQUARED_DIFFERENCE = 27,
  MSF_OP_COUNT
};

/* arg[0] of MSF_OP_SOURCE: what the row source writes. Also part of the format. */
enum {
  MSF_PIXELS_AS_THEY_ARE = 0, /* values of the output */
  MSF_PIXELS_BYTES = 1,       /* a byte for each of them, to be looked up in a table */
  MSF_PIXELS_RGB565 = 2,      /* red, green and blue in 16 bits, the high byte first; likewise */
  MSF_PIXELS_RGB565_LE = 3    /* the low byte first */
};

#endif /* MSF_PROGRAM_H_ */
