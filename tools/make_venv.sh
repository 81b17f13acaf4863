#!/usr/bin/env bash
# make_venv.sh DIRECTORY: a virtual environment for development, and the C compiler that building the kernels needs.
set -euo pipefail
venv=$1
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
