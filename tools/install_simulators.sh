#!/usr/bin/env bash
# install_simulators.sh PYTHON: cores that are simulated to the cycle, in build/simulators: VexRiscv's Verilog, from the
# Python package that PYTHON has, translated by Verilator; and rp2040js, a model of the RP2040, from npm.
set -euo pipefail
python=$1
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools/install_packages.sh 'the simulated cores' verilator g++ make
command -v npm > /dev/null || tools/install_packages.sh 'the simulated cores' nodejs npm # node may come from elsewhere
sources=platformio/emulated/simulators
made=build/simulators
mkdir -p "$made"

# Made anew where one of the files named changed.
is_current() { [[ -e $1 ]] && for source in "${@:2}"; do [[ ! $source -nt $1 ]] || return 1; done; }

install_rp2040() {
  mkdir -p "$made/rp2040"
  cp "$sources"/rp2040/package*.json "$made/rp2040"
  npm ci --silent --no-audit --no-fund --prefix "$made/rp2040"
  cp "$sources/rp2040/run.js" "$made/rp2040"
}

install_vexriscv() {
  local verilog directory
  verilog=$("$python" -c 'import pythondata_cpu_vexriscv as p; print(p.data_file("VexRiscv_IMAC.v"))')
  directory=$(mktemp -d "$made/tmp-XXXXXX")
  verilator --cc "$verilog" --top-module VexRiscv --exe "$PWD/$sources/vexriscv/main.cpp" --build -O3 --x-assign fast --x-initial fast --noassert \
    -Wno-fatal -CFLAGS '-std=c++14 -O3 -Wall -Wextra' -MAKEFLAGS OPT_FAST=-O3 --Mdir "$directory" -o vexriscv > "$directory/log" 2>&1 ||
    { cat "$directory/log" >&2; exit 1; }
  mkdir -p "$made/vexriscv"
  mv "$directory/vexriscv" "$made/vexriscv/vexriscv"
  rm -rf "$directory"
}

is_current "$made/rp2040/run.js" "$sources"/rp2040/* || install_rp2040
is_current "$made/vexriscv/vexriscv" "$sources"/vexriscv/* || install_vexriscv
