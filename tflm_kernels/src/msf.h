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
  MSF_STATE_LOST = 8,     /* an invocation before this one failed half way: the state has to be reset */
  MSF_FAST_MISSING = 9,   /* the model was made for two memories, and no fast one was handed over */
  MSF_FAST_TOO_SMALL = 10,
  MSF_FAST_MISALIGNED = 11,
  MSF_FAST_OVERLAPS = 12 /* the fast memory and an operand that lies elsewhere share bytes */
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
 * inference; those below the last one that the network looks at are not asked for. Of a model that was rewritten with
 * --rescan, they are asked for in order several times, from row 0 again for each strip of the image: the source must give
 * the same bytes each time.
 * Returns 0, or anything else to give the inference up.
 */
typedef int (*msf_row_source)(void *context, uint32_t y, void *row, uint32_t size);

/* Whose an entry of a list is; the kernels' own. */
typedef struct msf_of_model {
  const uint8_t *model;
  uint32_t model_size;
  struct msf_of_model *next;
} msf_of_model;

/* The row source of one model. It belongs to the caller and stays where it is; only msf_attach_rows writes to it. */
typedef struct {
  msf_of_model of;
  msf_row_source source;
  void *context;
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

/*
 * Fast memory for the model that lies at `model`: whoever hands it over owns it and the entry, and keeps both as long as
 * the model runs. Nothing in it survives an inference, so that models which run in turn may have the same.
 */
typedef struct {
  msf_of_model of;
  void *buffer;
  uint32_t size;
} msf_fast_memory;

/*
 * Hands fast memory to one model, before msf_place_operands. A second call with the same entry takes the place of the
 * first.
 * model, model_size: the .tflite model in memory, or whatever holds its programs; it is not read.
 * buffer: `size` bytes, 16-byte aligned, beside the arena; NULL takes it away again.
 */
void msf_attach_fast_memory(msf_fast_memory *entry, const void *model, uint32_t model_size, void *buffer,
                            uint32_t size);

/* Fast memory of all other models that were made for two memories, NULL for none; likewise. */
void msf_set_fast_memory(void *buffer, uint32_t size);

/* Bytes of fast memory that a program asks for, 0 if none: what the model asks for is the most of any of its programs. */
uint32_t msf_fast_size(const void *program, uint32_t program_size);

/*
 * Fills in those of a program's operands that lie in fast memory, in the places that it names; the others are left as
 * they are. To be called before msf_prepare and before msf_invoke by whoever got operands from elsewhere. Where the
 * program has none there, or is damaged so that msf_prepare will refuse it, nothing is filled in.
 * operands: as many as operand_count, the others filled in already, as far as they are known.
 * Returns MSF_OK, or the MSF_FAST_ status that says what is wrong with the memory.
 */
msf_status msf_place_operands(const void *program, uint32_t program_size, msf_operand *operands,
                              uint32_t operand_count);

/*
 * Says beforehand whether memory that is not the model's fast one, such as a piece of the arena, is in it nevertheless:
 * MSF_FAST_OVERLAPS if so. MSF_OK for programs that have nothing in fast memory.
 */
msf_status msf_check_beside(const void *program, uint32_t program_size, const void *piece, uint32_t piece_size);

/* A short sentence for a status, never NULL. */
const char *msf_status_text(msf_status status);

#ifdef __cplusplus
}
#endif

#endif /* MSF_H_ */
