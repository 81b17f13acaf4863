#!/usr/bin/env bash
# emulated.sh VENV: real models on emulated boards through PlatformIO, without network where the kernel lets us.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH=$(cd "$1/bin" && pwd):$PATH
export PLATFORMIO_SETTING_ENABLE_TELEMETRY=no PLATFORMIO_DISABLE_UPGRADE_CHECK=true PLATFORMIO_DISABLE_PROGRESSBAR=true

offline=()
if unshare --map-root-user --net true 2> /dev/null; then
  offline=(unshare --map-root-user --net)
else
  echo "Network namespaces are not allowed here, so this runs with the network there is." >&2
fi

python platformio/emulated/scripts/prepare.py
cd platformio/emulated
rm -rf .pio/tflm_msf # models are made again: the tool may have changed under the same version
"${offline[@]}" pio run --silent
"${offline[@]}" pio test
