/* Xtensa cores: see msf_isa.h. */
#ifndef MSF_ISA_XTENSA_H_
#define MSF_ISA_XTENSA_H_

#define MSF_ROOM 1

#include "arch/msf_high_halves.h"
#include "arch/msf_plain_memory.h"
#include "arch/msf_plain_taps.h"

#endif /* MSF_ISA_XTENSA_H_ */
