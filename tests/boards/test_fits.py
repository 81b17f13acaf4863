"""Which boards hold a model, and rewriting for one of them, through the command line."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner

from testing.corpus import corpus_file, model_paths
from testing.layers import Geometry, Layers, Weighting
from tflm_msf.arena import predict
from tflm_msf.boards import find_board, load_boards
from tflm_msf.cli import main
from tflm_msf.errors import MsfError
from tflm_msf.fits import find_fits
from tflm_msf.planner import Planner
from tflm_msf.request import Request
from tflm_msf.tflite_io import read_model, write_model


def run(*arguments: str) -> Any:
    done = CliRunner().invoke(main, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two convolutions with 40 kB between them, which the smallest boards hold only rewritten."""
    layers = Layers(Random(1))
    x = layers.conv(layers.input(1, 50, 50, 1), 16, Geometry(), Weighting())
    x = layers.conv(x, 4, Geometry(stride=(3, 3)), Weighting())
    path = tmp_path_factory.mktemp("models") / "wide.tflite"
    path.write_bytes(write_model(layers.model([x])))
    return path


def test_boards_lists_json() -> None:
    listed = run("boards")["boards"]
    (board,) = [board for board in listed if board["name"] == "nucleo_f446re"]
    assert board["platformio"] == {"platform": "ststm32", "board": "nucleo_f446re", "framework": "arduino"}
    assert board["usable_ram"] < board["ram"] == 128 * 1024


def test_fits_says_which_boards_hold_a_model_only_rewritten(wide: Path) -> None:
    boards = {entry["board"]: entry for entry in run("fits", str(wide))["boards"]}
    longan = boards["sipeed-longan-nano"]
    assert not longan["original"]["fits"]
    assert longan["original"]["arena"] > 40_000
    assert longan["rewritten"]["fits"]
    assert longan["rewritten"]["arena"] < longan["usable_ram"]
    assert longan["streamed"]["arena"] < longan["rewritten"]["arena"]
    assert boards["nucleo_f767zi"]["original"]["fits"]
    assert boards["nucleo_f767zi"]["original"]["lacking"] == []
    assert longan["original"]["lacking"][0] == "ram"
    assert boards["bluepill_f103c8"]["original"]["lacking"] == ["ram", "flash"]
    assert not boards["bluepill_f103c8"]["original"]["fits"]


def test_fits_and_rewrite_agree(wide: Path, tmp_path: Path) -> None:
    for entry in run("fits", str(wide))["boards"]:
        output = tmp_path / f"{entry['board']}.tflite"
        done = CliRunner().invoke(main, ["rewrite", str(wide), "-o", str(output), "--board", entry["board"]])
        enough_ram = entry["rewritten"]["arena"] <= entry["usable_ram"]
        assert (done.exit_code == 0) == enough_ram, done.output
        if enough_ram:
            arena = predict(read_model(output.read_bytes(), "it"), find_board(entry["board"]).target)
            assert arena.minimum == entry["rewritten"]["arena"]


def test_limit_above_the_board_is_refused(wide: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.tflite"
    arguments = ["rewrite", str(wide), "-o", str(output), "--board", "bluepill_f103c8", "--ram-limit", "64KiB"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2
    assert "leaves 16,384 bytes" in done.stderr
    assert not output.exists()


def test_person_detection_fits_more_boards() -> None:
    path = corpus_file("tflm__person_detect.tflite")
    boards = {entry["board"]: entry for entry in run("fits", str(path))["boards"]}
    gained = [n for n, entry in boards.items() if entry["rewritten"]["fits"] and not entry["original"]["fits"]]
    assert "nucleo_f303re" in gained
    assert boards["hifive1-revb"]["streamed"]["fits"]


@pytest.mark.slow
@pytest.mark.parametrize("path", model_paths() or [Path("absent")], ids=lambda path: path.stem)
def test_fits_and_rewrite_agree_over_the_corpus(path: Path) -> None:
    data = corpus_file(path.name).read_bytes()
    try:
        fits = find_fits(data, path.stem, load_boards())
    except MsfError:
        pytest.skip("cannot be rewritten")
    for fit in fits:
        if fit.rewritten is None or fit.rewritten.arena is None or fit.rewritten.arena > fit.board.usable_ram:
            continue
        choice = Planner.of(data, path.stem, Request(board=fit.board)).choose()
        assert choice.plan.overhead == fit.rewritten.overhead, fit.board.name
        assert fit.rewritten.arena <= choice.needed <= fit.board.usable_ram, (
            "blocks may be faster with room that is left"
        )
