/* Armv6-M, which multiplies words only and loads none that is not aligned: see msf_isa.h. */
#ifndef MSF_ISA_ARMV6M_H_
#define MSF_ISA_ARMV6M_H_

#define MSF_ROOM 1

#define MSF_HAS_COLUMNS 1

#if defined(__GNUC__) /* assembly in msf_arch_armv6m.c */
#define MSF_HAS_SEGMENT_OF_ONE 1
#define MSF_HAS_TAPS 1
#endif

#include <stdint.h>

#include "arch/msf_high_halves.h"
#include "arch/msf_plain_memory.h"
#include "arch/msf_plain_taps.h"

#endif /* MSF_ISA_ARMV6M_H_ */
