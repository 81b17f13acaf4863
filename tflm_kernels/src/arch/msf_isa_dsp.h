/* Arm cores with the DSP extension: see msf_isa.h. They read and write words at any address. */
#ifndef MSF_ISA_DSP_H_
#define MSF_ISA_DSP_H_

#define MSF_ROOM 64

#define MSF_COPIES_WORDS 1
#define MSF_WIDENS 1
#define MSF_HAS_DOT 1
#define MSF_HAS_COLUMNS 1

#include "arch/msf_high_arm.h"
#include "arch/msf_plain_memory.h"
#include "arch/msf_plain_taps.h"

#endif /* MSF_ISA_DSP_H_ */
