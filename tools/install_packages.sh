#!/usr/bin/env bash
# install_packages.sh PURPOSE PACKAGE...: installs Debian packages. Does nothing where they are there already. Without
# root, says what to type.
set -euo pipefail
purpose=$1
shift

missing=()
for package in "$@"; do
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null) == installed ]] || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0
if [[ $EUID -ne 0 ]] || ! command -v apt-get > /dev/null; then
  echo "For $purpose, install: sudo apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 1
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
