#!/usr/bin/env bash
# Rewrites a model, then runs both in TFLM: the same answers out of a smaller arena.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

model=${TFLM_MSF_MODELS:-../shared/models}/mlperf__vww_96.tflite
inputs=()
if [[ ! -f $model ]]; then
  model=samples/digits/digits_int8.tflite
  inputs=(samples/digits/images/*.bin)
fi
mkdir -p build
tflm-msf rewrite "$model" -o build/demo.tflite
tflm-msf verify "$model" build/demo.tflite "${inputs[@]}"
