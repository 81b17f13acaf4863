"""PlatformIO as the tests call it: offline, from this environment, with this repository's platform and library."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.emulator import CORES, SIMULATED, missing_tools

ROOT = Path(__file__).parents[2]
EMULATED = ROOT / "platformio" / "emulated"
BIN = Path(sys.executable).parent
ENVIRONMENT = {
    "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no",
    "PLATFORMIO_DISABLE_UPGRADE_CHECK": "true",
    "PLATFORMIO_DISABLE_PROGRESSBAR": "true",
    "PLATFORMIO_NO_ANSI": "true",
}


def programs() -> str:
    """A PATH on which this environment's programs come first."""
    return f"{BIN}{os.pathsep}{os.environ['PATH']}"


def program(name: str) -> str:
    """A program of this environment. Skips the test without it."""
    found = shutil.which(name, path=programs())
    if found is None:
        pytest.skip(f"{name} is not installed: pip install -e '.[emulated]'")
    return found


def need_emulators(simulators: bool = False) -> None:
    """Skips the test without compilers and emulators."""
    missing = missing_tools((*CORES, *SIMULATED) if simulators else CORES)
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (make emulators simulators)")


def run_pio(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs pio in a project."""
    environment = {**os.environ, **ENVIRONMENT, "PATH": programs()}
    command = [program("pio"), *arguments]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True)


def make_project(directory: Path, options: str, main: str, board: str = "m4") -> Path:
    """A project for an emulated board that uses the library."""
    (directory / "src").mkdir(parents=True)
    (directory / "src" / "main.c").write_text(main)
    write_options(directory, options, board)
    return directory


def write_options(directory: Path, options: str, board: str = "m4") -> None:
    """The project's platformio.ini, with further ``options`` for its one environment."""
    (directory / "platformio.ini").write_text(
        f"[platformio]\ncore_dir = .pio/core\npackages_dir = {EMULATED}/packages\nplatforms_dir = {EMULATED.parent}\n"
        f"[env:it]\nplatform = emulated\nboard = {board}\nlib_deps = symlink://{ROOT}/tflm_kernels\n{options}\n"
    )
