#!/usr/bin/env bash
# Installs what looks for faults in the kernels: clang with libFuzzer, and cppcheck.
exec "$(dirname "${BASH_SOURCE[0]}")/install_packages.sh" 'fuzzing and static analysis' clang libclang-rt-dev cppcheck
