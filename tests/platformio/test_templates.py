"""The board projects' own sources, on emulated boards; and that their data are what they say."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import numpy as np
import pytest

from tests.platformio.pio import EMULATED, ROOT, make_project, need_emulators, program, run_pio
from tflm_msf.boards import find_board

OPTIONS = (
    f"custom_tflm_msf_model = {ROOT}/samples/digits/digits_int8.tflite\ncustom_tflm_msf_format = c\n"
    f"build_flags = -I{ROOT}/platformio/shared"
)
ARDUINO = """#pragma once
#include <stdint.h>
#include <stdio.h>
struct Printer {
  void begin(int) {}
  void print(const char *text) { printf("%s", text); }
  void print(long value) { printf("%ld", value); }
  void print(int value) { print(static_cast<long>(value)); }
  void print(unsigned long value) { printf("%lu", value); }
  void println(const char *text) { printf("%s\\n", text); }
};
static Printer Serial;
static inline unsigned long micros() { return 0; }
static inline void delay(unsigned long) {}
"""
SKETCH_MAIN = "void setup();\nvoid loop();\nint main() {\n  setup();\n  loop();\n  return 0;\n}\n"


def run(project: Path, board: str) -> str:
    done = run_pio(project, "run")
    assert done.returncode == 0, done.stdout + done.stderr
    firmware = project / ".pio" / "build" / "it" / "firmware.elf"
    qemu = [sys.executable, str(EMULATED / "scripts" / "run.py"), board, str(firmware)]
    ran = subprocess.run(qemu, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


def test_riscv_project_on_emulated_rv32(tmp_path: Path) -> None:
    need_emulators()
    program("tflm-msf")
    main = (ROOT / "platformio" / "riscv" / "src" / "main.c").read_text()
    project = make_project(tmp_path / "project", OPTIONS, main, board="rv32")
    assert "digit 3 (right)" in run(project, "rv32")


def test_stm32_project_on_emulated_cortex_m4(tmp_path: Path) -> None:
    need_emulators()
    program("tflm-msf")
    project = make_project(tmp_path / "project", OPTIONS, "")
    (project / "src" / "main.c").unlink()
    (project / "src" / "start.cpp").write_text(SKETCH_MAIN)
    (project / "include").mkdir()
    (project / "include" / "Arduino.h").write_text(ARDUINO)
    shutil.copy(ROOT / "platformio" / "stm32" / "src" / "main.cpp", project / "src")
    assert "digit 3 (right)" in run(project, "m4")


def test_picture_is_the_sample() -> None:
    header = (ROOT / "platformio" / "shared" / "digit.h").read_text()
    body = header[header.index("{") : header.index("};")]
    values = np.array([int(value) for value in re.findall(r"-?\d+", body)], np.int8)
    label = re.search(r"DIGIT_LABEL (\d)", header)
    assert label is not None
    assert values.tobytes() == (ROOT / "samples" / "digits" / "images" / f"digit_{label[1]}.bin").read_bytes()


@pytest.mark.parametrize("family", ["stm32", "esp32", "riscv"])
def test_every_environment_is_a_known_board(family: str) -> None:
    config = ConfigParser(interpolation=None)
    config.read(ROOT / "platformio" / family / "platformio.ini")
    environments = [section for section in config.sections() if section.startswith("env:")]
    assert len(environments) >= 3
    for section in environments:
        board = find_board(config[section]["custom_tflm_msf_board"])
        shared = {**config["env"], **(config["idf"] if config[section].get("extends") == "idf" else {})}
        options = {**shared, **config[section]}
        assert section == f"env:{board.name}"
        place = board.platformio
        assert (options["board"], options["platform"], options["framework"]) == (
            place.board,
            place.platform,
            place.framework,
        )
        assert (
            options["lib_deps"].split()[0] == "symlink://../../tflm_kernels" or "${env.lib_deps}" in options["lib_deps"]
        )
        assert (options.get("custom_tflm_msf_format") == "c") == (board.tflm == "")
