/*
 * The few inline functions that every instruction set has its own way for: how bytes are copied, how a sum is multiplied
 * and how the addresses under a window are found. Each of msf_isa_*.h brings
 *
 *   msf_copy, msf_copy_pieces, msf_fill
 *   msf_high
 *   MSF_ROOM      words of the stack that are scratch for convolutions of 1x1, at least 1
 *   msf_tap_rows, msf_tap_rows_of, msf_find_row, msf_find_row_outside
 *
 * by itself or from msf_plain_*.h. MSF_MAKES_FOURS says that four channels of a convolution are made together instead of two,
 * MSF_WIDENS that pixels are widened in scratch, MSF_HAS_* which functions of msf_arch.h its files define, so that
 * msf_arch.c leaves them out.
 *
 * Which one is compiled follows from the compiler's target; -DMSF_ARCH_PORTABLE asks for plain C99 everywhere.
 */
#ifndef MSF_ISA_H_
#define MSF_ISA_H_

#if defined(MSF_ARCH_PORTABLE)
/* as asked */
#elif defined(__ARM_FEATURE_MVE)
#define MSF_ARCH_MVE 1
#elif defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
#define MSF_ARCH_DSP 1
#elif defined(__XTENSA__)
#define MSF_ARCH_XTENSA 1
#else
#if defined(__ARM_ARCH_6M__)
#define MSF_ARCH_ARMV6M 1
#endif
#define MSF_ARCH_PORTABLE 1 /* what a set has no files of its own for */
#endif

#if defined(MSF_ARCH_MVE)
#include "arch/msf_isa_mve.h"
#elif defined(MSF_ARCH_DSP)
#include "arch/msf_isa_dsp.h"
#elif defined(MSF_ARCH_XTENSA)
#include "arch/msf_isa_xtensa.h"
#elif defined(MSF_ARCH_ARMV6M)
#include "arch/msf_isa_armv6m.h"
#else
#include "arch/msf_isa_portable.h"
#endif

#endif /* MSF_ISA_H_ */
