/*
 * The program of a fusion block, exactly as it lies in custom_options (SPEC.md describes every byte).
 * All fields are little-endian and naturally aligned; the structures are read in place, so they carry no padding.
 */
#ifndef MSF_PROGRAM_H_
#define MSF_PROGRAM_H_

#include <stdint.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tflm-msf programs are little-endian and read in place"
#endif

#define MSF_MAGIC 0x3146534Du /* "MSF1" */
#define MSF_VERSION 1u
#define MSF_NONE 0xFFFFu   /* no tensor, no group */
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
} msf_program;

/* Flag of a program: the model takes its input from a row source. */
#define MSF_STREAMED 1u

enum { MSF_WHOLE = 0, MSF_RING = 1, MSF_CHUNK = 2 };

typedef struct {
  uint16_t h, w, c;
  uint16_t producer; /* group that makes it, or MSF_NONE for an operand that is only read */
  uint8_t operand;
  uint8_t kind;
  uint16_t reserved;
  uint32_t offset; /* of its first pixel in the operand */
  uint32_t pixels; /* pixels kept: all, or the size of the ring or chunk */
} msf_tensor;

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
} msf_stage;

/* Flag of a stage: one multiplier and one shift serve all output channels. */
#define MSF_UNIFORM 1u

/*
 * How the weights and scales of a convolution lie. Blocked: weights in blocks of two output channels (CONV_2D) or four
 * (DEPTHWISE_CONV_2D), and scales for short arithmetic: see msf_scales.
 */
#define MSF_LAYOUT_PLAIN 0u
#define MSF_LAYOUT_BLOCKED 1u
#define MSF_MAX_SHORT_SHIFT 22

/* MSF_GROUP_SOURCE: one stage, MSF_OP_SOURCE, which makes whole rows. */
enum { MSF_GROUP_ROWS = 0, MSF_GROUP_REDUCE = 1, MSF_GROUP_SOURCE = 2 };

/* Consecutive stages that share a grid of pixels and run chunk by chunk; the last one makes the group's tensor. */
typedef struct {
  uint16_t first_stage;
  uint16_t stage_count;
  uint16_t chunk; /* pixels */
  uint16_t kind;
} msf_group;

typedef char msf_check_program_size[sizeof(msf_program) == 52 ? 1 : -1];
typedef char msf_check_tensor_size[sizeof(msf_tensor) == 20 ? 1 : -1];
typedef char msf_check_stage_size[sizeof(msf_stage) == 72 ? 1 : -1];
typedef char msf_check_group_size[sizeof(msf_group) == 8 ? 1 : -1];

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
