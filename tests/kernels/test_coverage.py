"""How much of the kernels the tests reach."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.kernels.sanitized import ROOT, compiler

PROGRAMS = ("test_programs.py", "test_refused_programs.py", "test_fast_places.py")
QUICK_TESTS = (
    "tests/adapter",
    *(f"tests/kernels/{name}" for name in PROGRAMS),
    "tests/test_operators.py",
    "-m",
    "not slow",
)
LEAST = 95.0
"""Per cent of the lines in tflm_kernels/src, headers and the adapter included."""


@pytest.mark.slow
def test_nearly_all_lines_are_reached() -> None:
    compiler("g++")
    command = [str(ROOT / "tools" / "kernel_coverage.sh"), sys.executable, *QUICK_TESTS]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Some tests failed" not in done.stdout, done.stdout
    assert float(done.stdout.split()[-2]) >= LEAST, done.stdout
