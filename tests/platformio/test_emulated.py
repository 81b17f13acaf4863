"""Real models on all emulated boards through PlatformIO; and that a board which proves nothing fails."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.emulator import CORES, SIMULATED
from tests.platformio.pio import EMULATED, ROOT, need_emulators, program, programs, run_pio

MODELS = ROOT / "build" / "platformio" / "models"


def test_all_boards_agree_with_tflm() -> None:
    """What `make emulated` does."""
    need_emulators(simulators=True)
    program("pio")
    command = [str(ROOT / "tools" / "emulated.sh"), sys.prefix]
    done = subprocess.run(command, env={**os.environ, "PATH": programs()}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.findall(r"^(\S+): \S+ \[(\w+)\]", done.stdout, re.M) or done.stdout
    count = len((*CORES, *SIMULATED)) * len(list(MODELS.glob("*.tflite")))
    assert f"{count} test cases: {count} succeeded" in done.stdout, passed


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The emulated project with cases of its own: no model, unless a test writes some."""
    need_emulators()
    program("pio")
    made = tmp_path / "project"
    for part in ("src", "include", "test", "scripts", "boards"):
        shutil.copytree(EMULATED / part, made / part)
    options = (EMULATED / "platformio.ini").read_text()
    options = options.replace("packages_dir = packages", f"packages_dir = {EMULATED}/packages")
    options = options.replace("platforms_dir = ..", f"platforms_dir = {EMULATED.parent}")
    options = options.replace("symlink://../..", f"symlink://{ROOT}")
    options = re.sub(r"^custom_.*\n", "", options, flags=re.M)
    (made / "platformio.ini").write_text(options.replace("-I../../build/platformio", f"-I{tmp_path}"))
    return made


def write_model(directory: Path, expected: int, cases: int = 1) -> None:
    """A model that is no network: it always says 7."""
    (directory / "cases.inc").write_text(f"""
static int8_t value = 7;
static uint32_t size(uint32_t i) {{ return i == 0; }}
static int8_t *input(uint32_t i) {{ static int8_t in; return i == 0 ? &in : 0; }}
static const int8_t *output(uint32_t i) {{ return i == 0 ? &value : 0; }}
static msf_status run(void) {{ return MSF_OK; }}
static const int8_t expected[] = {{{expected}}};
const model_cases all_models[] = {{{{"seven", 1, run, input, size, output, size, run, {cases}, expected, expected}}}};
const uint32_t model_count = {1 if cases else 0};
""")


def run_tests(project: Path) -> tuple[bool, str]:
    done = run_pio(project, "test", "-e", "m4")
    return done.returncode == 0, done.stdout + done.stderr


def test_right_byte_passes(project: Path, tmp_path: Path) -> None:
    write_model(tmp_path, expected=7)
    ok, told = run_tests(project)
    assert ok, told
    assert "1 test cases: 1 succeeded" in told


def test_wrong_byte_fails(project: Path, tmp_path: Path) -> None:
    write_model(tmp_path, expected=8)
    ok, told = run_tests(project)
    assert not ok
    assert "1 of 1 output bytes differ" in told


def test_no_case_fails(project: Path, tmp_path: Path) -> None:
    write_model(tmp_path, expected=7, cases=0)
    ok, told = run_tests(project)
    assert not ok
    assert "ran no test at all" in told


def test_silent_firmware_fails(project: Path) -> None:
    shutil.rmtree(project / "src")
    (project / "src").mkdir()
    (project / "test" / "test_models" / "test_main.c").write_text("int main(void) { return 0; }\n")
    ok, told = run_tests(project)
    assert not ok
    assert "ran no test at all" in told
