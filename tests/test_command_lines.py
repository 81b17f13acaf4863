"""Whatever is typed, a command ends with success, status 1 (what it had to check is not so) or one sentence, status 2.

Options are found by looking at the commands, so that a new one is driven as well.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.small_models import small_model
from tests.test_cli import network
from tflm_msf.cli import COMMANDS, main
from tflm_msf.cli.request import Size
from tflm_msf.rewrite import rewrite_file
from tflm_msf.tflite_io import write_model

STATUSES = {"verify": (0, 1, 2), "check": (0, 1, 2, 3, 4)}
"""Of commands with others than 0 and 2."""

PROGRESS = re.compile(r" *\d+\.\d s  ")
"""What -v says."""

LONG = "x" * 300
NUMBERS = (
    "0",
    "1",
    "-1",
    "1.5",
    "3",
    "nan",
    "inf",
    "-inf",
    "1e308",
    "-1e308",
    "1e-320",
    "9" * 40,
    "",
    " ",
    "one",
    "1,5",
)
SIZES = ("0", "1", "64KiB", "4k", "-1", "nan", "1e5", "9" * 30, "9" * 5000, "", "64 parsecs", "64 KiB")
WORDS = ("", " ", "pico", "PICO", "esp32dev", "nucleo_f44", "a b", "0", "-", "é", "\x1b[2J", LONG)
INPUTS = (
    "net.tflite",
    "small.tflite",
    "done.tflite",
    "",
    ".",
    "l.toml",
    "folder",
    "empty",
    "text",
    "/dev/zero",
    "/",
    LONG,
)
OUTPUTS = (
    "out",
    "net.tflite",
    "",
    ".",
    "-",
    "folder",
    "no/such/folder",
    "/dev/null",
    "link",
    "loop",
    "out.svg",
    "out.json",
    LONG,
)


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    original = write_model(network())
    Path("net.tflite").write_bytes(original)
    Path("small.tflite").write_bytes(write_model(small_model("xy")))
    Path("done.tflite").write_bytes(rewrite_file(original, "net").data)
    Path("l.toml").write_text('[here]\narena = "64KiB"\nflash = 5000\n')
    Path("folder").mkdir()
    Path("empty").write_bytes(b"")
    Path("text").write_text("no model\n" * 30)
    Path("link").symlink_to("linked")
    Path("loop").symlink_to("loop")


def command(name: str) -> click.Command:
    found = main.get_command(click.Context(main), name)
    assert found is not None
    return found


def values(parameter: click.Parameter) -> st.SearchStrategy[str]:
    """What may be typed for a parameter: what it takes, and what nobody thought of."""
    kind = parameter.type
    if isinstance(kind, click.Choice):
        return st.sampled_from([*map(str, kind.choices), "", "unknown"])
    if isinstance(kind, Size):
        return st.sampled_from(SIZES)
    if isinstance(kind, click.Path):
        is_output = any("-o" in opts or opts in ("--picture", "--dag") for opts in parameter.opts)
        return st.sampled_from(OUTPUTS if is_output else INPUTS)
    if isinstance(kind, (click.types.FloatParamType, click.types.IntParamType, click.Tuple)):
        return st.sampled_from(NUMBERS)
    return st.sampled_from(WORDS)


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    name = draw(st.sampled_from(list(COMMANDS)))
    words = [name]
    for parameter in command(name).params:
        if isinstance(parameter, click.Argument):
            count = draw(st.integers(0, 2)) if parameter.nargs == -1 else 1
            likely = ["net.tflite"] if draw(st.booleans()) else []
            words += (likely or [draw(values(parameter)) for _ in range(count)])[:count]
        elif isinstance(parameter, click.Option) and (parameter.required or draw(st.integers(0, 3)) == 0):
            words.append(parameter.opts[-1])
            if not parameter.is_flag:
                words += [draw(values(parameter)) for _ in range(parameter.nargs)]
    return words


def run(words: Sequence[str], environment: Mapping[str, str] | None = None) -> Result:
    return CliRunner().invoke(main, list(words), env=environment)


def assert_civil(words: Sequence[str], done: Result) -> None:
    assert done.exception is None or isinstance(done.exception, SystemExit), (words, done.exc_info)
    assert done.exit_code in STATUSES.get(words[0], (0, 2)), words
    if done.exit_code in (2, 3):
        said = [line for line in done.stderr.splitlines() if not PROGRESS.match(line)]
        assert len(said) == 1, (words, done.stderr)
        assert said[0].startswith("tflm-msf: "), (words, done.stderr)
        assert said[0].endswith((".", "?")), (words, done.stderr)


def drive(words: list[str]) -> None:
    before = {name: Path(name).read_bytes() for name in ("net.tflite", "small.tflite", "done.tflite")}
    done = run(words)
    assert_civil(words, done)
    is_told_to = "--in-place" in words
    changed = [name for name, content in before.items() if Path(name).read_bytes() != content]
    assert is_told_to or changed == [], words
    for name in changed:
        Path(name).write_bytes(before[name])
    assert Path("link").is_symlink()
    assert not list(Path().glob(".*")), words


@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(command_lines())
def test_no_command_line_ends_in_a_traceback(words: list[str]) -> None:
    drive(words)


@pytest.mark.slow
@settings(max_examples=5_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(command_lines())
def test_more_command_lines(words: list[str]) -> None:
    drive(words)


@pytest.mark.parametrize(
    "words",
    [
        ["rewrite", "."],
        ["rewrite", ""],
        ["rewrite", "/"],
        ["rewrite", "net.tflite", "--stream-input", "--pixel-format", "uint8", "--pixel-range", "-1e308", "1e308"],
        ["verify", "net.tflite", "done.tflite", "--seed", "-1"],
        ["rewrite", "net.tflite", "--ram-limit", "9" * 5000],
        ["rewrite", "net.tflite", "-o", "loop"],
        ["plan", "net.tflite", "--picture", "loop", "--dag", "loop"],
        ["rewrite", "net.tflite", "-o", LONG],
        ["inspect", "/dev/zero"],
        ["plan", "net.tflite", "--dag", "noending"],
        ["plan", "net.tflite", "--picture", "net.bmp"],
    ],
)
def test_what_once_ended_in_a_traceback_is_a_sentence(words: list[str]) -> None:
    assert_civil(words, done := run(words))
    assert done.exit_code == 2


@pytest.mark.parametrize("output", ["net.tflite", "./folder/../net.tflite", "hard", "soft"])
def test_the_original_is_not_written_over_under_any_name(output: str) -> None:
    os.link("net.tflite", "hard")
    Path("soft").symlink_to("net.tflite")
    before = Path("net.tflite").read_bytes()
    done = run(["rewrite", "net.tflite", "-o", output])
    assert done.exit_code == 2
    assert "is what is read, and would be lost" in done.stderr
    assert Path("net.tflite").read_bytes() == before
    done = run(["plan", "net.tflite", "--dag", output])
    assert done.exit_code == 2


def test_in_place_takes_the_originals_place() -> None:
    assert run(["rewrite", "net.tflite", "--in-place"]).exit_code == 0
    assert Path("net.tflite").read_bytes() == Path("done.tflite").read_bytes()
    assert "two places" in run(["rewrite", "small.tflite", "--in-place", "-o", "out"]).stderr


def test_a_link_stays_a_link() -> None:
    assert run(["rewrite", "net.tflite", "-o", "link"]).exit_code == 0
    assert Path("link").is_symlink()
    assert Path("linked").read_bytes() == Path("done.tflite").read_bytes()


def test_only_regular_files_are_written() -> None:
    os.mkfifo("pipe")
    for output, said in (("/dev/null", "no regular file"), ("pipe", "no regular file"), ("folder", "is a directory")):
        done = run(["rewrite", "net.tflite", "-o", output])
        assert_civil(["rewrite"], done)
        assert said in done.stderr
    assert list(Path("folder").iterdir()) == []


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_dash_is_standard_output(options: list[str]) -> None:
    done = run(["rewrite", "net.tflite", "-o", "-", *options])
    assert done.exit_code == 0
    assert done.stdout_bytes == Path("done.tflite").read_bytes()
    assert "overhead" in done.stderr or "F = 1.000" in done.stderr
