#!/usr/bin/env bash
# Rewrites a model, then runs both in TFLM: the same answers out of a smaller arena.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

model=${TFLM_MSF_MODELS:-../shared/models}/mlperf__vww_96.tflite
[[ -f $model ]] || model=$(find samples -name '*.tflite' | sort | head -n 1)
mkdir -p build
tflm-msf rewrite "$model" -o build/demo.tflite
tflm-msf verify "$model" build/demo.tflite
