/* Functions in assembly, one instruction a line. */
#ifndef MSF_ASSEMBLY_H_
#define MSF_ASSEMBLY_H_

/* clang-format off */

/* A function that the linker may leave out like any other. */
#define FUNCTION(name, body)                                    \
  __asm__(".section .text." name ",\"ax\",%progbits\n\t"        \
          ".syntax unified\n\t"                                 \
          ".thumb\n\t"                                          \
          ".p2align 2\n\t"                                      \
          ".hidden " name "\n\t"                                \
          ".global " name "\n\t"                                \
          ".type " name ", %function\n\t"                       \
          ".thumb_func\n"                                       \
          name ":\n\t" body                                     \
          ".size " name ", .-" name "\n\t"                      \
          ".text\n")

/* clang-format on */

#endif /* MSF_ASSEMBLY_H_ */
