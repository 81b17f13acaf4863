/*
 * Measuring under QEMU: marks that the counting plugin (count.c) sees, and the stack that a call needed.
 */
#ifndef PROBE_H_
#define PROBE_H_

#include <stdint.h>

#define PROBE_STACK_BYTES 8192u /* painted below the caller; a call that needs more is reported as needing all */
#define PROBE_PAINT 0xA5u

/* Instructions that do nothing and that no compiler emits. The board files name the same bytes. */
#if defined(PROBE_PORT) /* a simulated core that sees stores instead of instructions */
#define PROBE_BEGIN() (*(volatile uint32_t *)PROBE_PORT = 1)
#define PROBE_END() (*(volatile uint32_t *)PROBE_PORT = 0)
#define PROBE_STACK_POINTER(pointer) __asm__ volatile("mv %0, sp" : "=r"(pointer))
#elif defined(__arm__)
#define PROBE_BEGIN() __asm__ volatile("mov r10, r10" ::: "memory")
#define PROBE_END() __asm__ volatile("mov r11, r11" ::: "memory")
#define PROBE_STACK_POINTER(pointer) __asm__ volatile("mov %0, sp" : "=r"(pointer))
#elif defined(__riscv)
#define PROBE_BEGIN() __asm__ volatile("slti x0, x0, 0x7f1" ::: "memory")
#define PROBE_END() __asm__ volatile("slti x0, x0, 0x7f2" ::: "memory")
#define PROBE_STACK_POINTER(pointer) __asm__ volatile("mv %0, sp" : "=r"(pointer))
#elif defined(__XTENSA__)
/* "or a14, a14, a14" and a15, as bytes because the assembler shortens them. */
#define PROBE_BEGIN() __asm__ volatile(".byte 0xe0, 0xee, 0x20" ::: "memory")
#define PROBE_END() __asm__ volatile(".byte 0xf0, 0xff, 0x20" ::: "memory")
#define PROBE_STACK_POINTER(pointer) __asm__ volatile("mov %0, a1" : "=a"(pointer))
#else
#error "no marks for this processor"
#endif

/* QEMU 7.2 tells plugins nothing of an instruction four bytes before the end of a page. No mark is there in here. */
#define PROBE_AWAY_FROM_PAGE_END __attribute__((aligned(256)))

/*
 * Calls function between the marks. stack_bytes: from the stack pointer at the call down to the lowest byte that was
 * written. There are no interrupts, so nothing else writes there.
 */
static __attribute__((noinline, unused)) PROBE_AWAY_FROM_PAGE_END int probe_call(int (*function)(void),
                                                                                 uint32_t *stack_bytes) {
  volatile uint8_t *top, *bottom, *p;
  int result;
  PROBE_STACK_POINTER(top);
  bottom = top - PROBE_STACK_BYTES;
  for (p = bottom; p < top; p++) *p = PROBE_PAINT;
  PROBE_BEGIN();
  result = function();
  PROBE_END();
  for (p = bottom; p < top && *p == PROBE_PAINT; p++) {
  }
  *stack_bytes = (uint32_t)(top - p);
  return result;
}

#endif /* PROBE_H_ */
