/* stdout of picolibc through the emulator. */
#include <stdio.h>

extern void sim_write(const void *bytes, unsigned count);

static int put(char c, FILE *file) {
  (void)file;
  sim_write(&c, 1);
  return (unsigned char)c;
}

static FILE out = FDEV_SETUP_STREAM(put, NULL, NULL, _FDEV_SETUP_WRITE);
FILE *const stdout = &out;
