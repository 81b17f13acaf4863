#!/usr/bin/env bash
# make_venv.sh DIRECTORY [EXTRAS]: a virtual environment with this package and what EXTRAS name, by default all that its
# tests need; and a C compiler for the kernels, which are compiled when they are first run.
set -euo pipefail
venv=$1
extras=${2-test,emulated}
python=${PYTHON:-python3}

# Installs Debian packages where that is possible without asking anybody; otherwise says what to type.
need() {
  if [[ $EUID -eq 0 ]] && command -v apt-get > /dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" > /dev/null
  else
    echo "Missing: $*. Install with: sudo apt-get install $*" >&2
    exit 1
  fi
}

[[ $python != python3 ]] || command -v python3 > /dev/null || need python3 python3-venv
if ! command -v "$python" > /dev/null; then
  echo "There is no $python here; try: make PYTHON=python3" >&2
  exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
  echo "Python 3.10 or newer is needed, but $python is $("$python" -V); try: make PYTHON=python3.11" >&2
  exit 1
fi
command -v cc > /dev/null || need gcc libc6-dev
"$python" -c 'import ensurepip, venv' 2> /dev/null || need python3-venv
[[ -x $venv/bin/pip ]] || "$python" -m venv "$venv"

# TFLM_MSF_LOCKED=1: nothing but the packages of requirements-ci.txt, each by its hash, where that file is for this Python.
lock_is_for='cpython 3.11 linux x86_64'
this='import platform, sys; v = sys.version_info
print(sys.implementation.name, f"{v[0]}.{v[1]}", sys.platform, platform.machine())'
is=$("$venv/bin/python" -c "$this")
if [[ ${TFLM_MSF_LOCKED:-} == 1 && $is == "$lock_is_for" ]]; then
  "$venv/bin/pip" install --quiet --only-binary :all: --require-hashes -r requirements-ci.txt
  "$venv/bin/pip" install --quiet --no-deps --no-build-isolation -e .
else
  [[ ${TFLM_MSF_LOCKED:-} != 1 ]] || echo "requirements-ci.txt is for $lock_is_for, not $is: packages are not locked." >&2
  "$venv/bin/pip" install --quiet -e ".${extras:+[$extras]}"
fi
