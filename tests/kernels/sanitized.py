"""The C harness, compiled with sanitizers, and what it counts."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "tflm_kernels" / "src"
HERE = Path(__file__).parent
WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror")
SANITIZE = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")
CHECKED = ("-DMSF_CHECK_ACCESS",)
"""Every access to a map is compared with what its operator declares that it reads."""


@dataclass(frozen=True)
class Library:
    """A library that kernels can be compiled for: here a double, in a directory below ``doubles``."""

    name: str
    macro: str

    @property
    def flags(self) -> tuple[str, ...]:
        """What the kernels and the double are compiled with."""
        return (f"-D{self.macro}", f"-I{DOUBLES}", f"-I{DOUBLES / self.name}")

    @property
    def sources(self) -> list[Path]:
        """The double's C files."""
        return [*sorted(DOUBLES.glob("*.c")), *sorted((DOUBLES / self.name).glob("*.c"))]


DOUBLES = HERE / "doubles"
CMSIS_NN = Library("cmsis_nn", "MSF_CMSIS_NN")
ESP_NN = Library("esp_nn", "MSF_ESP_NN")


class Counts(NamedTuple):
    """What became of the programs of a run: rejected by prepare; refused by invoke; too long to run; run."""

    rejected: int
    refused: int
    too_long: int
    ran: int


def compiler(name: str = "gcc") -> str:
    """Path of a compiler. Skips the test where there is none."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def kernel_sources() -> list[Path]:
    return sorted(SOURCES.rglob("*.c"))


def build_harness(sources: Path = SOURCES, library: Library | None = None) -> Path:
    """The harness with the kernels in ``sources``, compiled once for each state of all files."""
    files = [*sorted(HERE.glob("fuzz_*.[ch]")), *sorted(sources.rglob("*.[ch]")), *(library.sources if library else ())]
    flags = (*CHECKED, *(library.flags if library else ()))
    digest = hashlib.sha256(repr(flags).encode() + b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
    target = ROOT / "build" / "sanitized" / f"fuzz_harness-{digest}"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(f".{os.getpid()}")
    units = [str(file) for file in files if file.suffix == ".c"]
    command = [compiler(), "-std=c99", "-D_POSIX_C_SOURCE=200809L", *SANITIZE, *flags, f"-I{sources}"]
    subprocess.run([*command, *units, "-o", str(partial)], check=True)
    partial.replace(target)
    return target


def run_harness(harness: Path, mode: str, *arguments: str | Path) -> Counts:
    """Runs the harness to its end. Fails the test, with the sanitizer's report, if it does not get there."""
    return Counts(*map(int, _output_of(harness, mode, *arguments).split()))


def run_generated(harness: Path, first: int, count: int) -> tuple[Counts, dict[str, int]]:
    """Runs programs made from nothing. Returns also how many accepted ones have each operator, or keep rows."""
    total, *operators = _output_of(harness, "generate", str(first), str(count)).splitlines()
    by_operator = dict(line.split() for line in operators)
    return Counts(*map(int, total.split())), {name: int(number) for name, number in by_operator.items()}


def _output_of(harness: Path, mode: str, *arguments: str | Path) -> str:
    options = {"ASAN_OPTIONS": "quarantine_size_mb=16", "UBSAN_OPTIONS": "abort_on_error=1"}
    environment = {**os.environ, **options}
    command = [str(harness), mode, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-6000:]
    return done.stdout
