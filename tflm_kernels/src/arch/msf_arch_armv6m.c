/* For Armv6-M (Cortex-M0, M0+): what compilers make of plain C runs out of the eight registers that products come in. */
#include "arch/msf_arch_portable.h"

#ifdef MSF_HAS_SEGMENT_OF_ONE

#include "arch/msf_assembly.h"

/* clang-format off */

/* Four values (r4 to r7) times a word of weights (at r1 or r2), added to a sum. */
#define FOUR_PRODUCTS(weights, sum)                             \
  "ldm " weights "!, {r0}\n\t"                                  \
  "sxtb r3, r0\n\t"                                             \
  "muls r3, r4, r3\n\t"                                         \
  "add " sum ", r3\n\t"                                         \
  "lsls r3, r0, #16\n\t"                                        \
  "asrs r3, r3, #24\n\t"                                        \
  "muls r3, r5, r3\n\t"                                         \
  "add " sum ", r3\n\t"                                         \
  "lsls r3, r0, #8\n\t"                                         \
  "asrs r3, r3, #24\n\t"                                        \
  "muls r3, r6, r3\n\t"                                         \
  "add " sum ", r3\n\t"                                         \
  "asrs r0, r0, #24\n\t"                                        \
  "muls r0, r7, r0\n\t"                                         \
  "add " sum ", r0\n\t"

#define SIGNED_BYTE(to, at)                                     \
  "ldrb " to ", [r3, " at "]\n\t"                               \
  "sxtb " to ", " to "\n\t"

/* Pushes all registers and the address of four sums (r0), which come into r8 to r11. The fifth argument is at #40. */
#define ENTER                                                   \
  "push {r4-r7, lr}\n\t"                                        \
  "mov r4, r8\n\t"                                              \
  "mov r5, r9\n\t"                                              \
  "mov r6, r10\n\t"                                             \
  "mov r7, r11\n\t"                                             \
  "push {r0, r4-r7}\n\t"                                        \
  "ldm r0!, {r4-r7}\n\t"                                        \
  "mov r8, r4\n\t"                                              \
  "mov r9, r5\n\t"                                              \
  "mov r10, r6\n\t"                                             \
  "mov r11, r7\n\t"

#define LEAVE                                                   \
  "pop {r0}\n\t"                                                \
  "mov r4, r8\n\t"                                              \
  "mov r5, r9\n\t"                                              \
  "mov r6, r10\n\t"                                             \
  "mov r7, r11\n\t"                                             \
  "stm r0!, {r4-r7}\n\t"                                        \
  "pop {r4-r7}\n\t"                                             \
  "mov r8, r4\n\t"                                              \
  "mov r9, r5\n\t"                                              \
  "mov r10, r6\n\t"                                             \
  "mov r11, r7\n\t"                                             \
  "pop {r4-r7, pc}\n"

FUNCTION("msf_add_segment_of_one", /* stack: 40 */
         ENTER
         "ldr r4, [sp, #40]\n\t"
         "adds r4, r4, r3\n\t"
         "mov lr, r4\n"
         "1:\n\t"
         SIGNED_BYTE("r4", "#0")
         SIGNED_BYTE("r5", "#1")
         SIGNED_BYTE("r6", "#2")
         SIGNED_BYTE("r7", "#3")
         "adds r3, #4\n\t"
         "mov r12, r3\n\t"
         FOUR_PRODUCTS("r1", "r8")
         FOUR_PRODUCTS("r1", "r9")
         FOUR_PRODUCTS("r2", "r10")
         FOUR_PRODUCTS("r2", "r11")
         "mov r3, r12\n\t"
         "cmp r3, lr\n\t"
         "bne 1b\n\t"
         LEAVE);

/* The product of byte `shift` / 8 of r4 and r5, added to a sum. */
#define PRODUCT(shift, sum)                                     \
  "lsls r6, r4, #" shift "\n\t"                                 \
  "lsls r7, r5, #" shift "\n\t"                                 \
  "asrs r6, r6, #24\n\t"                                        \
  "asrs r7, r7, #24\n\t"                                        \
  "muls r6, r7, r6\n\t"                                         \
  "add " sum ", r6\n\t"

FUNCTION("msf_add_taps", /* stack: 40 */
         ENTER
         "ldr r4, [sp, #40]\n\t"
         "lsls r4, r4, #2\n\t"
         "adds r4, r4, r2\n\t"
         "mov r12, r4\n"
         "1:\n\t"
         "ldm r2!, {r4}\n\t"
         "ldm r1!, {r5}\n\t"
         "ldr r4, [r4, r3]\n\t"
         "sxtb r6, r4\n\t"
         "sxtb r7, r5\n\t"
         "muls r6, r7, r6\n\t"
         "add r8, r6\n\t"
         PRODUCT("16", "r9")
         PRODUCT("8", "r10")
         "asrs r4, r4, #24\n\t"
         "asrs r5, r5, #24\n\t"
         "muls r4, r5, r4\n\t"
         "add r11, r4\n\t"
         "cmp r2, r12\n\t"
         "bne 1b\n\t"
         LEAVE);

/* clang-format on */

#endif /* MSF_HAS_SEGMENT_OF_ONE */
