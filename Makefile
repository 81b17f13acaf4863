# make demo | test | test-all | soak | emulated | fuzz | docs | bench | lint | format | dist | clean. Everything goes into .venv and build/.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TFLM_MSF_MODELS ?= ../shared/models
export TFLM_MSF_MODELS

C_SOURCES := $(shell find tflm_kernels/src tflm_msf/core platformio benchmarks tests \( -name '*.[ch]' -o -name '*.cpp' \) -not -path '*/.pio/*') tflm_msf/runtime/wheel_adapter.c

.PHONY: demo test test-all soak fuzz docs bench emulators simulators checkers browser searching emulated lint format dist clean venv

venv: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml setup.py MANIFEST.in requirements-ci.txt tools/make_venv.sh
	@PYTHON='$(PYTHON)' tools/make_venv.sh '$(VENV)'
	@touch $@

# No more than the tool itself needs, unless everything is there already.
$(VENV)/.demo: pyproject.toml setup.py tools/make_venv.sh
	@[ -e $(VENV)/.installed ] || PYTHON='$(PYTHON)' tools/make_venv.sh '$(VENV)' ''
	@touch $@

demo: $(VENV)/.demo
	PATH="$(CURDIR)/$(BIN):$$PATH" samples/demo.sh

# Without root the tests on emulated boards are skipped unless the emulators are there; they say so.
emulators:
	@if [ "$$(id -u)" = 0 ]; then tools/install_emulators.sh; fi

# Cores that are simulated to the cycle. Without root, what is missing is said, and their tests are skipped.
simulators: venv
	@tools/install_simulators.sh '$(BIN)/python' || [ "$$(id -u)" != 0 ]

# Without root, fuzzing with feedback and cppcheck are skipped unless they are there.
checkers:
	@if [ "$$(id -u)" = 0 ]; then tools/install_checkers.sh; fi

# Real models through PlatformIO on all emulated boards, without network. Part of `make test` too.
emulated: venv emulators simulators
	tools/emulated.sh '$(VENV)'

# Without root, what is missing to open pages is said, and their tests are skipped.
browser:
	@tools/install_browser.sh || [ "$$(id -u)" != 0 ]

# What cannot be installed is said, and its tests are skipped; not where packages are locked, as in CI.
searching: venv
	@tools/install_search.sh '$(BIN)/python' || [ "$(TFLM_MSF_LOCKED)" != 1 ]

test: lint emulators simulators checkers browser searching
	$(BIN)/pytest -n auto -m 'not slow'

test-all: lint emulators simulators checkers browser searching
	$(BIN)/pytest -n auto

# Coverage-guided, for as long as one likes; what it finds stays in FUZZ_DIR. Needs clang with libFuzzer.
FUZZ_SECONDS ?= 60
FUZZ_RUNS ?= -1
FUZZ_DIR ?= build/fuzz
FUZZ_SOURCES := tests/fuzz/fuzz_program.c tests/kernels/fuzz_case.c tests/kernels/fuzz_generate.c \
  tests/kernels/fuzz_makers.c $(shell find tflm_kernels/src -name '*.c')

fuzz: venv
	@! command -v dpkg-query >/dev/null || tools/install_checkers.sh
	mkdir -p '$(FUZZ_DIR)/corpus'
	$(BIN)/python -m tests.kernels.seeds '$(FUZZ_DIR)/seeds'
	clang -std=c99 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -DMSF_CHECK_ACCESS \
	  -Itflm_kernels/src -Itests/kernels $(FUZZ_SOURCES) -o '$(FUZZ_DIR)/fuzz_program'
	cd '$(FUZZ_DIR)' && ./fuzz_program -max_total_time=$(FUZZ_SECONDS) -runs=$(FUZZ_RUNS) -timeout=5 -max_len=16384 \
	  -print_final_stats=1 corpus seeds

# What takes hours: see CONTRIBUTING.md.
soak: test-all
	$(MAKE) fuzz FUZZ_SECONDS=0 FUZZ_RUNS=1000000
	$(BIN)/python -m tests.fuzz.fuzz_generated --count 10000000
	$(BIN)/python -m tests.fuzz.fuzz_models --count 200000
	tools/kernel_coverage.sh $(CURDIR)/$(BIN)/python

# The documentation site, in build/site.
docs: venv
	$(BIN)/mkdocs build --strict --quiet

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

# What would be published. Needs the package index.
dist: venv
	tools/dist.sh '$(BIN)/python'

clean:
	rm -rf $(VENV) build platformio/*/.pio dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find tflm_msf tests -name __pycache__ -prune -exec rm -rf {} +
