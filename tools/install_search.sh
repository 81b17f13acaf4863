#!/usr/bin/env bash
# install_search.sh PYTHON: what samples/codesign and Keras models need, for an environment with this package: 2 GB, which
# only `make test` asks for. With TFLM_MSF_LOCKED=1 the packages of tools/requirements-search.txt.
set -euo pipefail
python=$1
cd "$(dirname "${BASH_SOURCE[0]}")/.."
"$python" -c 'import importlib.util, sys
sys.exit(not all(map(importlib.util.find_spec, ("optuna", "sklearn", "tensorflow"))))' && exit
wanted=(-e '.[models]' optuna)
[[ ${TFLM_MSF_LOCKED:-} != 1 ]] || wanted=(--only-binary :all: --require-hashes --no-deps -r tools/requirements-search.txt)
"$python" -m pip install --quiet "${wanted[@]}" || {
  echo "TensorFlow, scikit-learn and Optuna could not be installed; tests of Keras models and of samples/codesign are skipped." >&2
  exit 1
}
