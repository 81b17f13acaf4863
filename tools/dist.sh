#!/usr/bin/env bash
# dist.sh PYTHON: what would be published, in dist/, checked as strictly as the index does. Its tools are not kept.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$1" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet build twine
rm -rf dist
"$work/venv/bin/python" -m build --outdir dist . > "$work/log" || { cat "$work/log" >&2; exit 1; }
ls dist/*-py3-none-any.whl > /dev/null
"$work/venv/bin/twine" check --strict dist/*
