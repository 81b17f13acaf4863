"""Each piece of advice, followed, gives what it promised."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from testing.corpus import corpus_model, model_paths
from testing.layers import Geometry, Layers, Weighting
from tests.simplify.habits import Habits
from tests.test_cli import assert_refused, network, run, run_json
from tflm_msf.advice import advise
from tflm_msf.boards import find_board
from tflm_msf.errors import MsfError
from tflm_msf.graph import DType, Model, Op
from tflm_msf.network.changes import without
from tflm_msf.planner import Planner
from tflm_msf.report.tables import advice_text
from tflm_msf.request import Limits, Request
from tflm_msf.tflite_io import write_model


def with_float_ends(model: Model) -> Model:
    """The model with a QUANTIZE behind a float input and a DEQUANTIZE before a float output."""
    graph = model.main
    (source,), (result,) = graph.inputs, graph.outputs
    ends = [
        replace(graph.tensors[t], name=f"float {t}", dtype=DType.FLOAT32, quantization=None) for t in (source, result)
    ]
    first, last = len(graph.tensors), len(graph.tensors) + 1
    ops = (Op("QUANTIZE", (first,), (source,)), *graph.ops, Op("DEQUANTIZE", (result,), (last,)))
    made = replace(graph, tensors=(*graph.tensors, *ends), ops=ops, inputs=(first,), outputs=(last,))
    return replace(model, graphs=(made,))


@pytest.fixture(name="model")
def _model(tmp_path: Path) -> Path:
    path = tmp_path / "net.tflite"
    path.write_bytes(write_model(with_float_ends(network())))
    return path


def assert_kept(model: Path, asked: tuple[str, ...], advice: dict[str, Any]) -> None:
    """Follows a piece of advice."""
    report = run_json("rewrite", model, "--no-advice", *asked, *advice["options"])
    assert max(report["needed"].values()) == advice["arena"]
    assert report["overhead"] == advice["overhead"]


@pytest.mark.parametrize(
    "asked", [(), ("--int8-io",), ("--max-overhead", "1.2"), ("--stream-input",), ("--ram-limit", "8k")]
)
def test_every_piece_of_advice_gives_what_it_promised(model: Path, asked: tuple[str, ...]) -> None:
    report = run_json("rewrite", model, *asked)
    advice = report["advice"]
    assert report.pop("advice") or asked == ("--stream-input",)  # its float output costs no copy
    assert run_json("rewrite", model, *asked, "--no-advice") == {**report, "advice": []}
    for entry in advice:
        assert entry["arena"] < max(report["needed"].values()) or entry["overhead"] < report["overhead"]
        assert_kept(model, asked, entry)
    if not asked:
        options = [set(entry["options"]) for entry in advice]
        assert {"--int8-io"} in options
        assert {"--stream-input", "--int8-io"} in options


def test_at_most_three_lines_are_shown(model: Path) -> None:
    advice = run_json("rewrite", model)["advice"]
    assert run("rewrite", model).stdout.count("Would help: ") == len(advice) == 3
    assert len(advice_text(advice * 2)) == 3


def test_a_refusal_ends_with_what_would_help(model: Path) -> None:
    advice = {tuple(entry["options"]): entry["arena"] for entry in run_json("rewrite", model)["advice"]}
    limit = advice["--int8-io",]
    done = run("rewrite", model, "--ram-limit", str(limit))
    assert_refused(done, "; with ", "--int8-io")
    report = run_json("rewrite", model, "--ram-limit", str(limit), "--int8-io")
    assert max(report["needed"].values()) <= limit
    done = run("rewrite", model, "--ram-limit", "100", "--json")
    assert_refused(done, "still ")


@pytest.mark.slow
@pytest.mark.parametrize("name", [path.stem for path in model_paths()] or ["absent"])
def test_over_the_corpus(name: str, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(corpus_model(name))
    try:
        Planner.of(path.read_bytes(), name)
    except MsfError:
        pytest.skip("cannot be rewritten")
    for entry in run_json("rewrite", path)["advice"]:
        if entry["options"]:
            assert_kept(path, (), entry)


@pytest.mark.slow
def test_the_biggest_saving_of_a_model_with_float_ends_is_named(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(corpus_model("tinyengine__vww"))
    report = run_json("rewrite", path)
    advice = {tuple(entry["options"]): entry["arena"] for entry in report["advice"]}
    assert max(report["needed"].values()) > 75_000
    assert advice["--int8-io",] < 24_000
    assert advice["--stream-input", "--int8-io"] < 16_000


@pytest.mark.slow
def test_more_compute_is_advised_where_it_saves_memory(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(corpus_model("mlperf__ic_resnet8"))
    assert any("--max-overhead" in entry["options"] for entry in run_json("rewrite", path)["advice"])


def test_a_plan_that_computes_less_than_the_original_gets_no_advice_to_compute_more(tmp_path: Path) -> None:
    layers = Layers(Random(1))
    x = layers.conv(layers.input(1, 7, 7, 2), 4, Geometry(), Weighting())
    x = layers.max_pool(x, Geometry((2, 2), (2, 2), same=False))  # of the last row and column nothing is read
    path = tmp_path / "net.tflite"
    path.write_bytes(write_model(layers.model([x])))
    report = run_json("rewrite", path)
    assert report["overhead"] < 1
    assert not any("--max-overhead" in entry["options"] for entry in report["advice"])


def with_transposes(seed: int, *, count: int) -> Model:
    """Convolutions of a square map, after which rows become columns so often; the same shapes without that."""
    layers = Habits(Random(seed))
    x = layers.conv(layers.input(1, 16, 16, 2), 8, Geometry(), Weighting())
    for _ in range(count):
        x = layers.transpose(x, [0, 2, 1, 3])
        x = layers.conv(x, 8, Geometry(), Weighting())
    for _ in range(2 - count):
        x = layers.conv(x, 8, Geometry(), Weighting())
    return layers.model([layers.conv(x, 2, Geometry((3, 3), (2, 2)), Weighting())])


def test_what_an_operator_costs_that_ends_blocks_is_said(tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(write_model(with_transposes(1, count=2)))
    (advice,) = (entry for entry in run_json("rewrite", path)["advice"] if entry["change"])
    assert advice["change"] == "without TRANSPOSE (1, 3)"
    assert (advice["operators"], advice["options"]) == ([1, 3], [])
    assert "Would help: without TRANSPOSE (1, 3) (" in run("rewrite", path).stdout
    path.write_bytes(write_model(with_transposes(1, count=0)))
    assert max(run_json("rewrite", path)["needed"].values()) == advice["arena"]


def test_only_what_leaves_a_tensor_as_large_can_be_thought_away() -> None:
    graph = with_transposes(2, count=1).main
    reduced = without(graph, [1])
    assert reduced is not None
    assert [op.name for op in reduced.ops] == ["CONV_2D"] * 4
    assert without(graph, [0]) is None, "it changes the number of channels"
    layers = Habits(Random(3))
    x = layers.transpose(layers.conv(layers.input(1, 8, 8, 2), 8, Geometry(), Weighting()), [0, 2, 1, 3])
    assert without(layers.model([x]).main, [1]) is None, "it makes an output"


def padded_network(seed: int, *, same: bool) -> Model:
    """A pooling with a PAD before it, or with a padding of its own."""
    layers = Layers(Random(seed))
    x = layers.conv(layers.input(1, 24, 24, 2), 16, Geometry(), Weighting())
    x = x if same else layers.pad(x, 1, 1, 1, 1)
    x = layers.max_pool(x, Geometry((3, 3), (1, 1), same=same))
    return layers.model([layers.conv(x, 16, Geometry((3, 3), (2, 2)), Weighting())])


def test_what_a_padding_costs_is_said(tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(write_model(padded_network(1, same=False)))
    (advice,) = (entry for entry in run_json("rewrite", path)["advice"] if entry["change"])
    assert advice["change"] == "with the padding of PAD (1) in what reads it"
    path.write_bytes(write_model(padded_network(1, same=True)))
    assert max(run_json("rewrite", path)["needed"].values()) == advice["arena"]


def test_refusals_have_advice_unless_nobody_wants_it(model: Path) -> None:
    refused = run("rewrite", model, "--ram-limit", "3000")
    assert_refused(refused, "; with ")
    alone = run("rewrite", model, "--ram-limit", "3000", "--no-advice")
    assert_refused(alone, "does not fit 3,000 bytes")
    assert "--int8-io" not in alone.stderr
    assert_refused(
        run("export", model, "--format", "tflm", "-o", model.with_name("o"), "--ram-limit", "3000"), "; with "
    )


def test_a_board_that_analyze_refuses_comes_with_advice(tmp_path: Path) -> None:
    layers = Layers(Random(1))
    x = layers.conv(layers.input(1, 120, 120, 1), 8, Geometry(), Weighting())
    path = tmp_path / "net.tflite"
    path.write_bytes(write_model(layers.model([layers.conv(x, 2, Geometry((3, 3), (8, 8)), Weighting())])))
    assert_refused(run("analyze", path, "--board", "hifive1-revb"), "; with --stream-input ")


def test_the_second_memory_of_a_board_is_advised_where_the_first_does_not_suffice(tmp_path: Path) -> None:
    layers = Layers(Random(1))
    x = layers.conv(layers.input(1, 600, 600, 1), 4, Geometry((3, 3), (8, 8)), Weighting())
    path = tmp_path / "net.tflite"
    path.write_bytes(write_model(layers.model([x])))
    board = find_board("esp32-s3-devkitc-1")
    found = advise(Planner.of(path.read_bytes(), "net", Request(board=board)))
    (advice,) = (entry for entry in found if "--fast-ram" in entry.options)
    assert advice.keeps_limits
    assert_kept(path, ("--board", board.name), advice.to_json())
    assert_refused(run("rewrite", path, "--board", board.name), f"with --fast-ram {board.usable_ram} ")
    limited = Request(board=board, limits=Limits(ram=200_000))
    assert not any("--fast-ram" in entry.options for entry in advise(Planner.of(path.read_bytes(), "net", limited)))
