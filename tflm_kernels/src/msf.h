/*
 * tflm-msf kernels: run one fusion block.
 *
 * A block is described by a *program* (see SPEC.md), a few hundred constant bytes that may stay in flash, and works
 * on *operands*: the tensors that its operator was given. This API needs nothing but a C99 compiler: no TFLM, no
 * heap, no floating point.
 */
#ifndef MSF_H_
#define MSF_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What went wrong; MSF_OK is 0. */
typedef enum {
  MSF_OK = 0,
  MSF_BAD_PROGRAM = 1,    /* not a program, cut short, or damaged (checksum) */
  MSF_BAD_VERSION = 2,    /* written for newer kernels than these */
  MSF_BAD_OPERAND = 3,    /* an operand is missing, too small, misaligned, or placed where it may not be */
  MSF_BAD_GEOMETRY = 4,   /* an offset, size or index in the program points outside its operand */
  MSF_UNSUPPORTED = 5,    /* an operator or layout that these kernels were built without */
  MSF_SOURCE_FAILED = 6,  /* the row source returned an error */
  MSF_SOURCE_MISSING = 7, /* the model's input is streamed, and no row source is set */
  MSF_STATE_LOST = 8      /* an invocation before this one failed half way: the state has to be reset */
} msf_status;

/*
 * One tensor given to a block: the operator's inputs in order, then its outputs in order, then the state if it has any.
 * data: owned by the caller, 4-byte aligned; may be NULL for msf_prepare, except for the params operand.
 * size: bytes that may be touched from data on.
 */
typedef struct {
  void *data;
  uint32_t size;
} msf_operand;

/*
 * Bytes that a program keeps from one invocation to the next, 0 if none: the size of its last operand, which belongs to
 * the block alone. Its first four bytes have to be 0 before the first invocation, and may be set to 0 before any other:
 * the program then starts anew.
 */
uint32_t msf_state_size(const void *program, uint32_t program_size);

/* Makes every block of every model start anew, as before its first invocation. */
void msf_reset_state(void);

/*
 * Checks that a program is whole, known and cannot leave its operands whatever values they hold. To be called once
 * before msf_invoke; reads the program and the params operand only.
 * program: 4-byte aligned, must outlive every later call.
 */
msf_status msf_prepare(const void *program, uint32_t program_size, const msf_operand *operands, uint32_t operand_count);

/*
 * Runs a program that msf_prepare accepted, on operands of the same count and sizes. Writes the output operands, the
 * workspace operand and the state, nothing else. If it fails, the state has to be reset before the next invocation.
 */
msf_status msf_invoke(const void *program, const msf_operand *operands, uint32_t operand_count);

/*
 * Fills row y of the input image with `size` bytes: its pixels from left to right, channels innermost, in the format that
 * the model was rewritten for (--pixel-format). `row` need not be aligned. Rows are asked for in order, each once an
 * inference; those below the last one that the network looks at are not asked for.
 * Returns 0, or anything else to give the inference up.
 */
typedef int (*msf_row_source)(void *context, uint32_t y, void *row, uint32_t size);

/* The row source of one model. It belongs to the caller and stays where it is; only msf_attach_rows writes to it. */
typedef struct msf_attachment {
  msf_row_source source;
  void *context;
  const uint8_t *model;
  uint32_t model_size;
  struct msf_attachment *next;
} msf_attachment;

/*
 * Gives one model a row source, before msf_check_source. A second call with the same `rows` takes the place of the first.
 * model, model_size: the .tflite model in memory, or whatever holds its programs; it is not read.
 * source: NULL takes it away again. context: handed to the source as it is.
 */
void msf_attach_rows(msf_attachment *rows, const void *model, uint32_t model_size, msf_row_source source,
                     void *context);

/* Where all other streamed models get their rows from, NULL for nowhere: enough for a firmware with one camera. */
void msf_set_row_source(msf_row_source source, void *context);

/*
 * Says before the first inference whether a program that msf_prepare accepted has the row source that it needs:
 * MSF_SOURCE_MISSING if not.
 */
msf_status msf_check_source(const void *program);

/* A short sentence for a status, never NULL. */
const char *msf_status_text(msf_status status);

#ifdef __cplusplus
}
#endif

#endif /* MSF_H_ */
