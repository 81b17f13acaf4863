"""Each piece of advice, followed, gives what it promised."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from testing.corpus import corpus_model, model_paths
from testing.layers import Geometry, Layers, Weighting
from tests.test_cli import assert_refused, network, run, run_json
from tflm_msf.errors import MsfError
from tflm_msf.graph import DType, Model, Op
from tflm_msf.planner import Planner
from tflm_msf.report.tables import advice_text
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
