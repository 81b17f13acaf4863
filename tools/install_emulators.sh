#!/usr/bin/env bash
# Installs QEMU and the cross compilers that run whole models on emulated Arm, RISC-V and Xtensa cores.
# Does nothing where they are there already. Without root, says what to type.
set -euo pipefail

packages=(
  qemu-system-arm qemu-system-misc
  gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib
  gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf
  gcc-xtensa-lx106 picolibc-xtensa-lx106-elf
)
missing=()
for package in "${packages[@]}"; do
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null) == installed ]] || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0
if [[ $EUID -ne 0 ]] || ! command -v apt-get > /dev/null; then
  echo "For the emulated boards, install: sudo apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 1
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
