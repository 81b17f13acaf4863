/* Vector table and start-up for Cortex-M under QEMU. Input, output and exit go through semihosting (rdimon). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CPACR (*(volatile uint32_t *)0xE000ED88u) /* which coprocessors may be used */
#define FPU_AND_HELIUM (0xFu << 20)
#define SYS_EXIT_EXTENDED 0x20u
#define APPLICATION_EXIT 0x20026u
#define FAULT_STATUS 99u

extern uint8_t _sdata[], _edata[], _sidata[], _sbss[], _ebss[];
extern uint32_t _estack;

extern void initialise_monitor_handles(void);
extern void __libc_init_array(void);
extern int main(void);
void _init(void);
void _fini(void);
void Reset_Handler(void);

void _init(void) {}
void _fini(void) {}

void Reset_Handler(void) {
  CPACR |= FPU_AND_HELIUM;
  __asm volatile("dsb\n\tisb");
  memcpy(_sdata, _sidata, (size_t)(_edata - _sdata));
  memset(_sbss, 0, (size_t)(_ebss - _sbss));
  initialise_monitor_handles();
  __libc_init_array();
  exit(main());
}

/* A fault ends the emulation with a status instead of hanging. */
static void fault(void) {
  static const uint32_t reason[2] = {APPLICATION_EXIT, FAULT_STATUS};
  register uint32_t operation __asm("r0") = SYS_EXIT_EXTENDED;
  register const uint32_t *arguments __asm("r1") = reason;
  __asm volatile("bkpt 0xAB" : : "r"(operation), "r"(arguments) : "memory");
  for (;;) {
  }
}

__attribute__((section(".isr_vector"), used)) static void (*const vectors[16])(void) = {
    (void (*)(void))(uintptr_t)&_estack,
    Reset_Handler,
    fault, /* NMI */
    fault, /* hard fault */
    fault, /* memory management */
    fault, /* bus fault */
    fault, /* usage fault */
    fault, /* secure fault */
    0,
    0,
    0,
    fault, /* SVC */
    fault, /* debug */
    0,
    fault, /* PendSV */
    fault, /* SysTick */
};
