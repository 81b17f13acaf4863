"""Limits and figures are those of the target: by name, by board, or, if nothing is named, of every build."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from testing.corpus import corpus_file, corpus_model
from tflm_msf.arena import ANY_TFLM, TARGETS, Target
from tflm_msf.cli import main
from tflm_msf.planner import Planner
from tflm_msf.request import Request

BOTH = re.compile(
    r"#ifdef TF_LITE_STATIC_MEMORY.*\n"
    r"constexpr \w+ kArenaSize = (\d+);.*\n#else.*\nconstexpr \w+ kArenaSize = (\d+);.*\n#endif"
)


@pytest.fixture(scope="module")
def person() -> Path:
    return corpus_file("tflm__person_detect.tflite")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def rewritten(model: Path, output: Path, *arguments: object) -> dict[str, Any]:
    done = run("rewrite", model, "-o", output / "out.tflite", *arguments, "--json")
    assert done.exit_code == 0, done.output
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_without_a_name_both_constants_are_printed_and_the_limit_holds_for_both(person: Path, tmp_path: Path) -> None:
    report = rewritten(person, tmp_path, "--ram-limit", 14_500)
    assert report["target"]["name"] == "arm-static-2024"
    assert report["arena"]["plan"]["total"] == 14_196
    assert report["needed"] == {"static": 14_208, "dynamic": 14_352}  # a faster plan, since there is room
    assert report["overhead"] == 1.0
    printed = BOTH.search(run("rewrite", person, "-o", tmp_path / "out.tflite").stdout)
    assert printed and printed.groups() == ("14016", "14160")
    assert rewritten(person, tmp_path, "--ram-limit", 14_159)["overhead"] > 1


def test_a_named_target_counts_alone(person: Path, tmp_path: Path) -> None:
    report = rewritten(person, tmp_path, "--target", "arm-static-2024", "--ram-limit", 14_016)
    assert report["needed"] == {"static": 14_016, "dynamic": 14_016}
    shown = run("rewrite", person, "-o", tmp_path / "out.tflite", "--target", "arm-static-2024").stdout
    assert "constexpr int kArenaSize = 14016;  // arm-static-2024" in shown
    assert "#ifdef" not in shown


def test_a_board_counts_as_its_library(person: Path, tmp_path: Path) -> None:
    report = rewritten(person, tmp_path, "--board", "nano33ble", "--stream-input")
    assert report["target"] == {
        "name": "arm-dynamic-2023",
        "about": "32-bit Arm, TFLM of 2023, dynamic memory",
        "pointer_bytes": 4,
        "enum_bytes": 1,
        "static_memory": False,
        "generation": 2023,
    }
    assert report["needed"]["dynamic"] == 12_288


@pytest.mark.parametrize("name", ["esphome__mww_okay_nabu", "esphome__mww_vad", "mlperf__ad01_fc"])
@pytest.mark.parametrize("target", ANY_TFLM, ids=lambda target: target.name)
def test_a_named_target_takes_no_more_than_without_a_name(name: str, target: Target) -> None:
    """Models whose head is small take more to start than to run, and blocks are what makes the difference."""
    model = corpus_model(f"stateful/{name}" if "mww" in name else name)
    (unnamed,) = Planner.of(model, name).front
    (named,) = Planner.of(model, name, Request(target=target)).front
    anyhow = unnamed.arena_on(target)
    assert anyhow is not None
    assert named.needed <= anyhow.minimum


def test_exported_c_is_limited_by_its_own_arena(person: Path, tmp_path: Path) -> None:
    done = run("export", person, "--format", "c", "--ram-limit", 14_000, "--without-kernels", "-o", tmp_path / "c")
    assert done.exit_code == 0, done.output
    assert "#define TFLM_PERSON_DETECT_ARENA_SIZE 13520u" in (tmp_path / "c" / "tflm_person_detect.h").read_text()
    assert rewritten(person, tmp_path, "--target", "c", "--ram-limit", 13_520)["overhead"] == 1.0


def test_exported_headers_hold_what_each_build_needs(person: Path, tmp_path: Path) -> None:
    for board, arguments in (("", ()), ("nano33ble", ("--board", "nano33ble"))):
        out = tmp_path / f"t{board}"
        done = run("export", person, "--format", "tflm", *arguments, "--name", "person", "-o", out)
        assert done.exit_code == 0, done.output
        header = (out / "person.h").read_text()
        if board:
            (size,) = re.findall(r"kArenaSize = (\d+);", header)
            assert 14_352 <= int(size) <= 14_352 + 64  # a faster plan, since the board has room
        else:
            static, dynamic = (int(size) for size in BOTH.search(header).groups())  # type: ignore[union-attr]
            assert 14_016 <= static < 14_160 <= dynamic <= 14_160 + 64


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--target", "arm-dynamic-2022"), "did you mean"),
        (("--target", "c", "--format", "tflm"), "--target c does not run what is exported"),
        (("--target", "arm-static-2024", "--format", "c"), "--target arm-static-2024 does not run what is exported"),
    ],
)
def test_a_target_that_cannot_be_is_refused(
    person: Path, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    kind = () if "--format" in arguments else ("--format", "tflm")
    done = run("export", person, *kind, *arguments, "-o", tmp_path / "out")
    assert done.exit_code == 2
    assert told in done.stderr
    assert not (tmp_path / "out").exists()


def test_every_target_is_documented() -> None:
    text = (Path(__file__).parent.parent / "docs" / "TARGETS.md").read_text()
    for word in {part for name in TARGETS for part in name.split("-")}:
        assert f"`{word}`" in text, word
