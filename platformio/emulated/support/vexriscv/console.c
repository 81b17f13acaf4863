/* stdout of picolibc, and the end of a program, through two registers of the simulated bus. */
#include <stdint.h>
#include <stdio.h>

#define EXIT (*(volatile uint32_t *)0x90000008u)
#define CONSOLE (*(volatile uint32_t *)0x90000004u)

static int put(char c, FILE *file) {
  (void)file;
  CONSOLE = (uint8_t)c;
  return (unsigned char)c;
}

static FILE out = FDEV_SETUP_STREAM(put, NULL, NULL, _FDEV_SETUP_WRITE);
FILE *const stdout = &out;

__attribute__((noreturn)) void _exit(int status) {
  for (;;) EXIT = (uint32_t)status;
}
