#!/usr/bin/env bash
# Installs QEMU and the cross compilers that run whole models on emulated Arm, RISC-V and Xtensa cores.
exec "$(dirname "${BASH_SOURCE[0]}")/install_packages.sh" 'the emulated boards' \
  qemu-system-arm qemu-system-misc \
  gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib \
  gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf \
  gcc-xtensa-lx106 picolibc-xtensa-lx106-elf
