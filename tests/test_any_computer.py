"""Computers without the TFLM wheel, or without a C compiler: every command ends well, or in a sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from testing.corpus import corpus_file
from tflm_msf.cli import COMMANDS as COMMANDS_OF_THE_TOOL

ROOT = Path(__file__).parents[1]
DIGITS = ROOT / "samples" / "digits" / "digits_int8.tflite"
KEEPS_AN_OPERATOR = "haverland__dig_class100_s1.tflite"

WITHOUT_WHEEL = "import sys; sys.modules['tflite_micro'] = None; from tflm_msf.cli import main; main()"
WITH_WHEEL = "from tflm_msf.cli import main; main()"
NO_TFLM = "`tflite-micro`"
NO_COMPILER = "there is no C compiler here"


@dataclass(frozen=True)
class Computer:
    """What a computer has."""

    wheel: bool
    compiler: bool

    def run(self, arguments: Sequence[object], cache: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        path = os.environ["PATH"] if self.compiler else str(cache / "nowhere")
        environment = {"PATH": path, "TFLM_MSF_CACHE": str(cache), "PYTHONPATH": str(ROOT), **variables}
        code = WITH_WHEEL if self.wheel else WITHOUT_WHEEL
        command = [sys.executable, "-c", code, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)

    def missing(self, needs: str) -> str:
        """What is said to be missing where a command needs the wheel (which needs a compiler) or only a compiler."""
        if needs == "tflm":
            return "" if self.wheel and self.compiler else NO_COMPILER if self.wheel else NO_TFLM
        return "" if needs == "nothing" or self.compiler else NO_COMPILER


COMPUTERS = [Computer(False, False), Computer(False, True), Computer(True, False)]
COMMANDS: dict[str, tuple[str, list[str]]] = {
    "advise": ("nothing", ["advise", "MODEL"]),
    "analyze": ("nothing", ["analyze", "MODEL"]),
    "boards": ("nothing", ["boards"]),
    "check": ("nothing", ["check", "MODEL", "--limits", "LIMITS"]),
    "compare": ("nothing", ["compare", "MODEL"]),
    "fits": ("nothing", ["fits", "MODEL"]),
    "inspect": ("nothing", ["inspect", "MODEL"]),
    "operators": ("nothing", ["operators"]),
    "plan": ("nothing", ["plan", "MODEL"]),
    "report": ("nothing", ["report", "MODEL", "-o", "OUT"]),
    "rewrite": ("nothing", ["rewrite", "MODEL", "-o", "OUT"]),
    "verify": ("tflm", ["verify", "MODEL", "MODEL"]),
    "export c": ("compiler", ["export", "MODEL", "--format", "c", "-o", "OUT"]),
    "export arduino": ("compiler", ["export", "MODEL", "--format", "arduino", "-o", "OUT"]),
    "export platformio": ("compiler", ["export", "MODEL", "--format", "platformio", "-o", "OUT"]),
    "export tflm": ("nothing", ["export", "MODEL", "--format", "tflm", "-o", "OUT"]),
    "export, no kernels": ("nothing", ["export", "MODEL", "--format", "c", "--without-kernels", "-o", "OUT"]),
    "export, no check": ("nothing", ["export", "MODEL", "--format", "arduino", "--no-self-check", "-o", "OUT"]),
}


def test_every_command_is_here() -> None:
    assert {name.split()[0].rstrip(",") for name in COMMANDS} == set(COMMANDS_OF_THE_TOOL)


@pytest.mark.parametrize("computer", COMPUTERS, ids=["neither", "no_wheel", "no_compiler"])
@pytest.mark.parametrize("name", COMMANDS)
def test_ends_well_or_in_a_sentence(name: str, computer: Computer, tmp_path: Path) -> None:
    needs, arguments = COMMANDS[name]
    output = tmp_path / "out"
    limits = tmp_path / "limits.toml"
    limits.write_text('[there]\narena = "60KiB"\n')
    given = [
        {"MODEL": str(DIGITS), "OUT": str(output), "LIMITS": str(limits)}.get(argument, argument)
        for argument in arguments
    ]
    done = computer.run(given, tmp_path / "cache")
    missing = computer.missing(needs)
    if missing:
        assert done.returncode == 2, done.stdout + done.stderr
        assert missing in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        assert not output.exists()
    else:
        assert done.returncode == 0, done.stdout + done.stderr
        assert output.exists() == ("OUT" in arguments)


def test_the_kernels_alone_give_what_tflm_gives(tmp_path: Path) -> None:
    """Without the wheel the self-check has the same inputs and the same outputs."""
    for streamed in ((), ("--stream-input", "--pixel-format", "uint8")):
        arguments = ["export", DIGITS, "--format", "c", "--name", "digits", *streamed, "-o"]
        here, there = (tmp_path / f"{side}{len(streamed)}" for side in ("here", "there"))
        assert Computer(True, True).run([*arguments, here], tmp_path / "cache").returncode == 0
        assert Computer(False, True).run([*arguments, there], tmp_path / "cache").returncode == 0
        assert (here / "digits_case.c").read_text() == (there / "digits_case.c").read_text()
        printed = subprocess.run(["make", "-s", "CFLAGS=-O1"], cwd=there, capture_output=True, text=True, check=True)
        assert "PASS (0 of 10 output bytes differ from the kernels)" in printed.stdout


def test_an_operator_that_stays_has_no_self_check_without_tflm(tmp_path: Path) -> None:
    arguments = ["export", corpus_file(KEEPS_AN_OPERATOR), "--format", "arduino", "-o", tmp_path / "out"]
    done = Computer(False, True).run(arguments, tmp_path / "cache")
    assert done.returncode == 2
    assert "which only TFLM runs. Use --no-self-check" in done.stderr
    assert not (tmp_path / "out").exists()
    assert Computer(False, False).run([*arguments, "--no-self-check"], tmp_path / "cache").returncode == 0


def test_a_compiler_that_fails_is_a_sentence(tmp_path: Path) -> None:
    done = Computer(True, True).run(["verify", DIGITS, DIGITS], tmp_path / "cache", CC="false")
    assert done.returncode == 2
    assert "false cannot compile the kernels of tflm-msf: it does not say why." in done.stderr
    done = Computer(True, True).run(["verify", DIGITS, DIGITS], tmp_path / "cache", CC="no-such-compiler -O2")
    assert "('no-such-compiler', which CC names, was looked for)" in done.stderr


def test_what_was_compiled_is_kept(tmp_path: Path) -> None:
    assert Computer(True, True).run(["verify", DIGITS, DIGITS, "--runs", "1"], tmp_path).returncode == 0
    kept = {path.name.split("-")[0] for path in tmp_path.iterdir()}
    assert {"kernels"} <= kept
    assert Computer(True, False).run(["verify", DIGITS, DIGITS, "--runs", "1"], tmp_path).returncode == 0


def test_a_damaged_file_is_a_sentence(tmp_path: Path) -> None:
    assert Computer(True, True).run(["verify", DIGITS, DIGITS, "--runs", "1"], tmp_path).returncode == 0
    for path in tmp_path.glob("kernels-*"):
        path.write_bytes(b"\x7fELF")
    done = Computer(True, True).run(["verify", DIGITS, DIGITS], tmp_path)
    assert done.returncode == 2
    assert "delete it, and it is made again" in done.stderr
