# make demo | test | test-all | bench | lint | format | clean. Everything goes into .venv and build/.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TFLM_MSF_MODELS ?= ../shared/models
export TFLM_MSF_MODELS

# What the compiled package depends on; Python sources are used in place (pip install -e).
NATIVE := $(shell find tflm_kernels/src -name '*.[ch]') tflm_msf/runtime/wheel_adapter.c
C_SOURCES := $(shell find tflm_kernels/src platformio benchmarks -name '*.[ch]' -o -name '*.cc') tflm_msf/runtime/wheel_adapter.c

.PHONY: demo test test-all bench emulators lint format clean venv

venv: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml setup.py MANIFEST.in $(NATIVE)
	@PYTHON='$(PYTHON)' tools/make_venv.sh '$(VENV)'
	TFLM_MSF_STRICT_BUILD=1 $(BIN)/pip install --quiet -e '.[test]'
	@touch $@

demo: venv
	PATH="$(CURDIR)/$(BIN):$$PATH" samples/demo.sh

# Without root the tests on emulated boards are skipped unless the emulators are there; they say so.
emulators:
	@if [ "$$(id -u)" = 0 ]; then tools/install_emulators.sh; fi

test: lint emulators
	$(BIN)/pytest -n auto -m 'not slow'

test-all: lint emulators
	$(BIN)/pytest -n auto

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
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find tflm_msf tests -name __pycache__ -prune -exec rm -rf {} +
	find tflm_msf/runtime -name '_kernels*.so' -delete
