#!/usr/bin/env bash
# Installs what opens the page that `tflm-msf report` writes: headless Chromium; and in build/browser, from npm, what
# drives it (Playwright) and what looks for faults of accessibility (axe).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
command -v chromium chromium-headless-shell > /dev/null ||
  tools/install_packages.sh 'the tests in a browser' chromium-headless-shell
command -v npm > /dev/null || tools/install_packages.sh 'the tests in a browser' nodejs npm
made=build/browser
mkdir -p "$made"
if ! cmp -s tests/browser/package-lock.json "$made/installed"; then
  cp tests/browser/package*.json "$made"
  npm ci --silent --no-audit --no-fund --prefix "$made"
  cp tests/browser/package-lock.json "$made/installed"
fi
