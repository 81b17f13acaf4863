# make demo | test | test-all | emulated | fuzz | bench | lint | format | clean. Everything goes into .venv and build/.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TFLM_MSF_MODELS ?= ../shared/models
export TFLM_MSF_MODELS

# What the compiled package depends on; Python sources are used in place (pip install -e).
NATIVE := $(shell find tflm_kernels/src -name '*.[ch]') tflm_msf/runtime/wheel_adapter.c
C_SOURCES := $(shell find tflm_kernels/src platformio benchmarks tests \( -name '*.[ch]' -o -name '*.cpp' \) -not -path '*/.pio/*') tflm_msf/runtime/wheel_adapter.c

.PHONY: demo test test-all fuzz bench emulators emulated lint format clean venv

venv: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml setup.py MANIFEST.in $(NATIVE)
	@PYTHON='$(PYTHON)' tools/make_venv.sh '$(VENV)'
	TFLM_MSF_STRICT_BUILD=1 $(BIN)/pip install --quiet -e '.[test,emulated]'
	@touch $@

demo: venv
	PATH="$(CURDIR)/$(BIN):$$PATH" samples/demo.sh

# Without root the tests on emulated boards are skipped unless the emulators are there; they say so.
emulators:
	@if [ "$$(id -u)" = 0 ]; then tools/install_emulators.sh; fi

# Real models through PlatformIO on all emulated boards, without network. Part of `make test` too.
emulated: venv emulators
	tools/emulated.sh '$(VENV)'

test: lint emulators
	$(BIN)/pytest -n auto -m 'not slow'

test-all: lint emulators
	$(BIN)/pytest -n auto

# Coverage-guided, for as long as one likes; what it finds stays in FUZZ_DIR. Needs clang (Debian: clang).
FUZZ_SECONDS ?= 60
FUZZ_DIR ?= build/fuzz
FUZZ_SOURCES := tests/fuzz/fuzz_program.c tests/kernels/fuzz_case.c $(wildcard tflm_kernels/src/*.c)

fuzz: venv
	@command -v clang >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get install -y --no-install-recommends clang; } || \
	  { echo 'make fuzz needs clang' >&2; exit 1; }
	mkdir -p '$(FUZZ_DIR)/corpus'
	$(BIN)/python -m tests.kernels.seeds '$(FUZZ_DIR)/seeds'
	clang -std=c99 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Itflm_kernels/src \
	  -Itests/kernels $(FUZZ_SOURCES) -o '$(FUZZ_DIR)/fuzz_program'
	cd '$(FUZZ_DIR)' && ./fuzz_program -max_total_time=$(FUZZ_SECONDS) -timeout=20 -max_len=8192 \
	  -print_final_stats=1 corpus seeds

bench: venv
	tools/install_emulators.sh
	$(BIN)/python -m benchmarks.bench -o benchmarks/results.json

lint: venv
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run -Werror $(C_SOURCES)

format: venv
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/clang-format -i $(C_SOURCES)

clean:
	rm -rf $(VENV) build platformio/*/.pio dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find tflm_msf tests -name __pycache__ -prune -exec rm -rf {} +
	find tflm_msf/runtime -name '_kernels*.so' -delete
