#!/usr/bin/env bash
# kernel_coverage.sh PYTHON [PYTEST ARGUMENTS]: which lines of tflm_kernels/src the tests reach, by gcov, file by file.
# Works on a copy of the repository, so that nothing here is compiled anew. PYTHON has the packages that the tests need.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=$1
shift
tests=("$@")
if [[ ${#tests[@]} -eq 0 ]]; then
  tests=(tests/adapter tests/kernels tests/ops tests/runtime tests/test_exact.py tests/test_operators.py tests/test_corpus.py)
  tests+=(-m "not slow")
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -C "$root" -c --exclude=.venv --exclude=.pio --exclude=build --exclude=.git . | tar -C "$work" -x
export TFLM_MSF_MODELS=${TFLM_MSF_MODELS:-$root/../shared/models}
cd "$work"

export TFLM_MSF_CACHE=$work/cache PYTHONPATH=$work
library=$("$python" -c 'from tflm_msf.runtime.native import kernels_recipe; print(kernels_recipe().file)')
mkdir objects
for source in "$work"/tflm_kernels/src/*/*.c "$work"/tflm_msf/runtime/wheel_adapter.c; do
  name=$(basename "$source" .c)
  gcc -std=c99 -O0 --coverage -fPIC -Itflm_kernels/src -c "$source" -o "objects/$name.o"
done
gcc -shared --coverage objects/*.o -ldl -o "$library"

# The adapter to TFLM is compiled by its own tests.
mkdir bin
cat > bin/g++ << EOF
#!/bin/sh
case "\$*" in *adapter.cpp*|*adapter.o*) exec $(command -v g++) --coverage "\$@";; *) exec $(command -v g++) "\$@";; esac
EOF
chmod +x bin/g++

if ! PATH=$work/bin:$PATH "$python" -m pytest -q -p no:cacheprovider --basetemp=tmp "${tests[@]}" > tests.log 2>&1; then
  tail -30 tests.log
  echo "Some tests failed; what they reached counts all the same."
fi

mkdir reports
number=0
for counts in objects/*.gcda $(find tmp -name '*adapter.gcda'); do
  number=$((number + 1))
  mkdir "reports/$number"
  (cd "reports/$number" && gcov "$work/$counts" > /dev/null)
done

# A line may be in several reports: it is reached if it is reached in any of them.
awk -F: '
  FNR == 1 {
    name = FILENAME
    sub(/.*\//, "", name)
    sub(/\.gcov$/, "", name)
    if (!(name in known)) { known[name] = 1; names[++files] = name }
  }
  { count = $1; gsub(/[ *]/, "", count) }
  count != "-" && $2 + 0 > 0 { lines[name, $2 + 0] = $0; if (count !~ /[#=]/) reached[name, $2 + 0] = 1 }
  END {
    for (key in lines) {
      split(key, at, SUBSEP)
      all[at[1]]++
      if (key in reached) { hit[at[1]]++ } else { missed[at[1]] = missed[at[1]] lines[key] "\n" }
    }
    for (i = 1; i <= files; i++) {
      name = names[i]
      printf "%5d of %5d lines  %s\n%s", hit[name], all[name], name, missed[name]
      total += all[name]
      total_hit += hit[name]
    }
    printf "%5d of %5d lines, %.1f %%\n", total_hit, total, 100 * total_hit / total
  }' reports/*/msf*.gcov reports/*/tflm_msf*.gcov
