"""How commands behave in a terminal and in a script: -q, -v, --version, colours, 80 columns, completion."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.test_advice import with_float_ends
from tests.test_cli import network, run, run_json
from tflm_msf import __version__
from tflm_msf.cli import COMMANDS
from tflm_msf.cli.values import SCHEMA_VERSION
from tflm_msf.format import VERSION
from tflm_msf.tflite_io import write_model

ROOT = Path(__file__).parents[1]
BOARD = "esp32-s3-devkitc-1"

COMMAND_LINES = {
    "analyze": ["m.tflite"],
    "rewrite": ["m.tflite"],
    "plan": ["m.tflite"],
    "advise": ["m.tflite"],
    "report": ["m.tflite"],
    "verify": ["m.tflite", "done.tflite", "--runs", "1"],
    "check": ["m.tflite", "--limits", "limits.toml"],
    "inspect": ["m.tflite"],
    "compare": ["m.tflite"],
    "fits": ["m.tflite"],
    "export": ["m.tflite", "--format", "tflm", "-o", "out"],
    "boards": [],
    "operators": [],
}


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    Path("m.tflite").write_bytes(write_model(with_float_ends(network())))
    Path("limits.toml").write_text('[somewhere]\narena = "64KiB"\nflash = "1MiB"\n')
    assert run("rewrite", "m.tflite", "-o", "done.tflite").returncode == 0


@pytest.mark.parametrize(("name", "arguments"), COMMAND_LINES.items())
def test_quiet_commands_print_nothing_but_json(name: str, arguments: list[str]) -> None:
    done = run(name, *arguments, "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = run(name, *arguments, "-q", "--json", *(["--force"] if name == "export" else []))
    assert json.loads(done.stdout)["schema"].startswith(f"tflm-msf/{name}/")


def test_every_command_is_driven_here() -> None:
    assert set(COMMAND_LINES) == set(COMMANDS)


def test_errors_stay_when_quiet() -> None:
    assert run("rewrite", "nowhere", "-q").stderr.startswith("tflm-msf: nowhere cannot be read")


def test_verbose_commands_say_what_they_do_on_stderr() -> None:
    done = run("rewrite", "m.tflite", "-v", "--json")
    lines = done.stderr.splitlines()
    assert all(re.match(r" *\d+\.\d s  Searching the fusions of m\.tflite: ", line) for line in lines)
    assert len(lines) >= 2
    assert lines[-1].endswith(": done")
    assert json.loads(done.stdout)["overhead"] == 1
    assert run("rewrite", "m.tflite").stderr == ""


def numbers(value: Any) -> Iterator[int]:
    """Whole numbers of four digits and more in JSON."""
    if isinstance(value, dict):
        for item in value.values():
            yield from numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from numbers(item)
    elif isinstance(value, int) and value >= 1000:
        yield value


@pytest.mark.parametrize(("name", "arguments"), COMMAND_LINES.items())
def test_what_is_printed_fits_80_columns(name: str, arguments: list[str]) -> None:
    shown = run(name, *arguments).stdout
    assert [line for line in shown.splitlines() if len(line.rstrip()) > 80] == []
    assert re.findall(r"^\s*,\d", shown, re.MULTILINE) == [], "no number is broken"


@pytest.mark.parametrize("name", ["fits", "boards", "plan", "inspect", "compare", "rewrite"])
def test_names_and_numbers_stay_whole_in_80_columns(name: str) -> None:
    shown = run(name, *COMMAND_LINES[name]).stdout
    if name in ("fits", "boards"):
        assert BOARD in shown
        return
    report = run_json(name, *COMMAND_LINES[name])
    key = {"plan": "front", "inspect": "operators", "compare": "original", "rewrite": "arena"}[name]
    most = 1 if name == "compare" else 3
    assert len({number for number in numbers(report[key]) if f"{number:,}" in shown}) >= most, shown


@pytest.mark.parametrize("name", ["analyze", "fits", "boards", "plan", "inspect", "compare", "rewrite"])
def test_a_narrow_terminal_breaks_lines_and_leaves_nothing_out(name: str) -> None:
    assert call(name, *COMMAND_LINES[name], COLUMNS="30") == call(name, *COMMAND_LINES[name], COLUMNS="80")


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def call(*words: str, **more: str) -> str:
    command = [sys.executable, "-m", "tflm_msf", *words]
    return subprocess.run(command, env=environment(**more), capture_output=True, text=True, check=True).stdout


def test_colours_are_left_out_where_nobody_wants_them() -> None:
    assert "\x1b[3" in call("verify", "m.tflite", "done.tflite", "--runs", "1", FORCE_COLOR="1", TERM="xterm")
    plain = call("verify", "m.tflite", "done.tflite", "--runs", "1", FORCE_COLOR="1", NO_COLOR="1", TERM="xterm")
    assert not re.search(r"\x1b\[[\d;]*3\d", plain)


def test_the_version_names_kernels_format_and_json() -> None:
    library = json.loads((ROOT / "tflm_kernels" / "library.json").read_text("utf-8"))
    said = f"tflm-msf {__version__}, kernels {library['version']}, program format {VERSION}, JSON {SCHEMA_VERSION}\n"
    assert run("--version").stdout == said


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("tflm-msf re", ["rewrite", "report"]),
        ("tflm-msf rewrite --ma", ["--max-overhead", "--max-slowdown", "--max-rescan"]),
    ],
)
def test_shells_complete_commands_and_options(words: str, wanted: list[str]) -> None:
    code = "import sys; sys.argv = ['tflm-msf']; from tflm_msf.cli import main; main(prog_name='tflm-msf')"
    asked = environment(_TFLM_MSF_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(len(words.split()) - 1))
    done = subprocess.run([sys.executable, "-c", code], env=asked, capture_output=True, text=True, check=False)
    assert [line.split(",")[1] for line in done.stdout.splitlines()] == wanted, done.stderr


def test_shell_scripts_for_completion_are_there() -> None:
    code = "import sys; sys.argv = ['tflm-msf']; from tflm_msf.cli import main; main(prog_name='tflm-msf')"
    for shell in ("zsh", "fish"):
        asked = environment(_TFLM_MSF_COMPLETE=f"{shell}_source")
        done = subprocess.run([sys.executable, "-c", code], env=asked, capture_output=True, text=True, check=False)
        assert "tflm-msf" in done.stdout
