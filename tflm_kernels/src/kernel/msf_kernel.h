/*
 * What a row kernel sees: views of its tensors, and the arithmetic that every kernel shares.
 *
 * A kernel computes pixels x0 to x1 of row y of one stage's output. The engine has made every input pixel that the
 * stage's window covers available through the views; pixels outside the tensor are padding and must not be read. What an
 * operator reads it also declares (msf_operator.reads), and msf_prepare proves from that that it stays inside.
 * Output pixels are contiguous, and so are the input pixels of a stage whose window is a single pixel; the pixels of
 * larger windows may wrap around the end of a ring. Kernels keep no state, allocate nothing and use no floating point.
 */
#ifndef MSF_KERNEL_H_
#define MSF_KERNEL_H_

#include "arch/msf_isa.h"
#include "kernel/msf_fits.h"
#include "kernel/msf_geometry.h"
#include "kernel/msf_operator.h"
#include "kernel/msf_requantize.h"
#include "kernel/msf_view.h"

#endif /* MSF_KERNEL_H_ */
