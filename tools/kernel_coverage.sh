#!/usr/bin/env bash
# kernel_coverage.sh PYTHON [PYTEST ARGUMENTS]: which lines of tflm_kernels/src the tests reach, by gcov, file by file.
# Works on a copy of the repository, so that nothing here is compiled anew. PYTHON has the packages that the tests need.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=$1
shift
tests=("$@")
if [[ ${#tests[@]} -eq 0 ]]; then
  tests=(tests/kernels tests/ops tests/runtime tests/test_exact.py tests/test_operators.py tests/test_corpus.py)
  tests+=(-m "not slow")
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$root" && cp -r tflm_kernels tflm_msf tests benchmarks pyproject.toml Makefile "$work")
export TFLM_MSF_MODELS=${TFLM_MSF_MODELS:-$root/../shared/models}
cd "$work"

suffix=$("$python" -c 'from importlib.machinery import EXTENSION_SUFFIXES; print(EXTENSION_SUFFIXES[0])')
library=tflm_msf/runtime/_kernels$suffix
rm -f tflm_msf/runtime/_kernels*.so
mkdir objects
for source in tflm_kernels/src/*.c tflm_msf/runtime/wheel_adapter.c; do
  name=$(basename "$source" .c)
  gcc -std=c99 -O0 --coverage -fPIC -Itflm_kernels/src -c "$source" -o "objects/$name.o"
done
gcc -shared --coverage objects/*.o -ldl -o "$library"

if ! "$python" -m pytest -q -p no:cacheprovider "${tests[@]}" > tests.log 2>&1; then
  tail -30 tests.log
  echo "Some tests failed; what they reached counts all the same."
fi

lines=0
reached=0
gcov -o objects objects/*.gcda > gcov.log
for report in *.c.gcov msf*.h.gcov; do
  [[ $report != wheel_adapter* ]] || continue
  all=$(grep -cE '^ *([0-9]+\*?|#####|=====):' "$report" || true)
  missed=$(grep -cE '^ *(#####|=====):' "$report" || true)
  printf '%5d of %5d lines  %s\n' $((all - missed)) "$all" "${report%.gcov}"
  grep -hE '^ *(#####|=====):' "$report" | sed 's/^/        /' || true
  lines=$((lines + all))
  reached=$((reached + all - missed))
done
printf '%5d of %5d lines, %d.%d %%\n' "$reached" "$lines" $((100 * reached / lines)) $((1000 * reached / lines % 10))
