/* Start-up for QEMU's sim machine, and the two calls to the emulator that stdio and exit need. */
#define SIM_EXIT 1
#define SIM_WRITE 4
#define STDOUT 1

    .section .reset, "ax"
    .global _reset
_reset:
    j 1f
    .align 4
.Lentry:
    .word _start
    .align 4
1:  l32r a0, .Lentry
    jx a0

    .section .text.start, "ax"
    .global _start
    .align 4
    .literal_position
_start:
    movi a1, _stack_top
    movi a2, _bss_start
    movi a3, _bss_end
    movi a4, 0
1:  bgeu a2, a3, 2f
    s32i a4, a2, 0
    addi a2, a2, 4
    j 1b
2:  call0 main
    .global _exit
    .global exit
_exit:
exit:                   /* a2 = status */
    mov a3, a2
    movi a2, SIM_EXIT
    simcall
3:  j 3b

    .global sim_write
    .align 4
sim_write:              /* a2 = bytes, a3 = how many */
    mov a5, a3
    mov a4, a2
    movi a3, STDOUT
    movi a2, SIM_WRITE
    simcall
    ret.n
