/*
 * Convolutions in MSF_LAYOUT_PLAIN by a library for the chip, where the kernels are compiled for one: -DMSF_CMSIS_NN or
 * -DMSF_ESP_NN, with the library's headers on the include path. All others, and every call that does not fit, go
 * through the plain loops; the bits are the same.
 *
 * A library sees a band: the input rows under one row of output pixels, with their padding in place. The bias holds
 * what the zero point of the input adds, so that the library's input offset is 0.
 */
#ifndef MSF_LIBRARY_H_
#define MSF_LIBRARY_H_

#include "kernel/msf_kernel.h"

#if defined(MSF_CMSIS_NN) && defined(MSF_ESP_NN)
#error "MSF_CMSIS_NN and MSF_ESP_NN exclude each other: define the one whose library is linked"
#endif

#if defined(MSF_CMSIS_NN)
#define MSF_LIBRARY 1
#define MSF_LIBRARY_ALIGNED 0
#elif defined(MSF_ESP_NN)
#define MSF_LIBRARY 1
#define MSF_LIBRARY_ALIGNED 1 /* its vector code drops the low bits of addresses instead of failing */
#endif

#ifdef __cplusplus
extern "C" {
#endif

#if defined(MSF_LIBRARY)

/*
 * Bytes of static memory for a band, its scales, and the library's own buffer. What does not fit goes through the plain
 * loops. For Helium, CMSIS-NN takes more than 4 KiB itself for a depthwise 3x3 of any number of channels.
 */
#if defined(MSF_LIBRARY_SCRATCH)
/* as asked */
#elif defined(__ARM_FEATURE_MVE)
#define MSF_LIBRARY_SCRATCH 8192
#else
#define MSF_LIBRARY_SCRATCH 4096
#endif

/*
 * One row of outputs. Rows of the input follow each other whatever the stage's dilation; columns are as far apart as it
 * says. Nothing is padding.
 */
typedef struct {
  const msf_stage *stage;
  int32_t depth; /* multiplier of a depthwise convolution; 0 for CONV_2D */
  int32_t in_w, in_c, out_w, out_c;
  int32_t stride_w, dilation_w; /* 1 where it makes no difference */
  const int8_t *in;             /* kernel_h rows of in_w pixels */
  const int8_t *weights;
  const int32_t *bias;
  const int32_t *multipliers, *shifts; /* one for each output channel */
  int8_t *out;
  void *buffer; /* 16-byte aligned */
  int32_t buffer_size;
} msf_band;

/* Convolves as the stage of a call says, CONV_2D or DEPTHWISE_CONV_2D. Returns 0 if the call has to be run otherwise. */
int msf_library_convolve(const msf_call *call);

/* Bytes that the library's buffer for a band takes, of which only sizes are known; negative if it does not take it. */
int32_t msf_library_buffer_size(const msf_band *band);

/* Fills the outputs. Returns 0 if the library refused. */
int msf_library_run(const msf_band *band);

#else

static inline int msf_library_convolve(const msf_call *call) {
  (void)call;
  return 0;
}

#endif

#ifdef __cplusplus
}
#endif

#endif /* MSF_LIBRARY_H_ */
