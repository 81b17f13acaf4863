#!/usr/bin/env bash
# Writes the library's example `digits` anew, from the committed model. To be run when kernels or export have changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
tflm-msf export samples/digits/digits_int8.tflite --format arduino --name digits \
  --input samples/digits/images/digit_7.bin -o "$directory/made"
mkdir -p tflm_kernels/examples/digits
cp "$directory"/made/digits/* tflm_kernels/examples/digits/
