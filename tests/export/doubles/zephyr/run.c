/* Stands in for Zephyr: time passes, and the program ends when it has waited twice. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "zephyr/kernel.h"
#include "zephyr/sys/printk.h"

int64_t k_uptime_ticks(void) {
  static int64_t now;
  return now += 10;
}

uint64_t k_ticks_to_us_floor64(uint64_t ticks) { return ticks * 100; }

int32_t k_msleep(int32_t milliseconds) {
  static int calls;
  (void)milliseconds;
  if (++calls == 2) exit(0);
  return 0;
}

void printk(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
}
