"""Several images at once: blocks for one after the other, with TFLM's bits and the bytes that are foretold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest

from testing.corpus import corpus_model
from testing.layers import Geometry, Weighting
from testing.networks import random_network
from testing.operators import MoreLayers
from testing.wide_networks import random_wide_network
from tests.batches import batched
from tests.export.test_export_c import load, run
from tests.kinds import KINDS, network
from tflm_msf.errors import MsfError
from tflm_msf.export import export_c
from tflm_msf.format import CUSTOM_CODE
from tflm_msf.graph import DType, Graph, Model
from tflm_msf.inputs import make_inputs
from tflm_msf.planner import Planner
from tflm_msf.request import Request
from tflm_msf.rewrite import rewrite_file
from tflm_msf.runtime import Session
from tflm_msf.simplify import simplify
from tflm_msf.simplify.images import SAYS, by_image
from tflm_msf.tflite_io import read_model, write_model
from tflm_msf.verify import verify

LEFT_ALONE = {"u_net_aligned"}
"""Class numbers are int32, which no block joins."""

STAY_BUILTIN = {"float_ends": {"QUANTIZE"}, "uint8_ends": {"QUANTIZE"}}
"""At the ends, on all images together."""

RANDOM_NETWORKS = 24


def assert_exact(model: Model, request: Request | None = None) -> Graph:
    """The rewritten graph. TFLM's bits and bytes are those of the model and of the prediction."""
    original = write_model(model)
    rewritten = rewrite_file(original, "a batch", request or Request()).data
    report = verify(original, rewritten, runs=3)
    assert report.passed, (report.mismatches, report.problems)
    assert report.arena_rewritten is not None
    return read_model(rewritten, "a batch").main


@pytest.mark.parametrize("name", KINDS)
def test_networks_of_all_kinds_are_blocks_for_each_image(name: str) -> None:
    graph = assert_exact(batched(network(name), 2))
    if name not in LEFT_ALONE:
        assert {op.builtin for op in graph.ops if op.custom_code != CUSTOM_CODE} == STAY_BUILTIN.get(name, set())


@pytest.mark.parametrize("seed", range(RANDOM_NETWORKS))
def test_random_networks(seed: int) -> None:
    random = Random(f"images {seed}")
    model = batched((random_network if seed % 2 else random_wide_network)(random), random.randint(2, 4))
    try:
        Session(write_model(model))
    except MsfError:
        pytest.skip("TFLM refuses it")
    assert_exact(model)


def test_a_real_network_takes_little_more_than_its_images_and_one_network() -> None:
    one = corpus_model("mlperf__kws_dscnn")
    four = batched(read_model(one, "kws"), 4)
    graph = assert_exact(four)
    assert {op.custom_code for op in graph.ops} == {CUSTOM_CODE}
    alone = rewrite_file(one, "kws").report["arena"]["plan"]["total"]
    report = rewrite_file(write_model(four), "kws").report["arena"]
    assert report["plan"]["total"] < alone + 3 * four.main.tensors[four.main.inputs[0]].nbytes // 4 + 3 * 160
    assert 9 * report["plan"]["total"] < report["original"]["total"]


def test_a_batch_in_c(tmp_path: Path) -> None:
    model = batched(network("inverted_residuals"), 3)
    loaded = load(export_c(Planner.of(write_model(model), "m").choose().model, "batch"), tmp_path, "batch")
    session = Session(write_model(model))
    for values in make_inputs(model.main, runs=3, seed=1):
        assert run(loaded, "batch", values[0].tobytes()) == session.run(values)[0].tobytes()


def test_a_streamed_batch_is_held() -> None:
    """Rows of the first image come first; the networks begin when all are there."""
    assert_exact(batched(network("shuffled_groups"), 2), Request(stream_input=True))


def test_a_batch_is_no_window_of_time() -> None:
    with pytest.raises(MsfError, match="batch of 1"):
        Planner.of_model(batched(network("audio_along_time"), 2), "m", Request(stateful=1))


Change = Callable[[MoreLayers, int], int]
MIXED: dict[str, Change] = {
    "an average over images": lambda layers, x: layers.mean(x, keep_dims=True, axes=(0, 1)),
    "a value for each image": lambda layers, x: layers.add(x, layers.constant(2, 1, 1, layers.shape(x)[3])),
    "an unknown operator": lambda layers, x: layers.sum(x, axes=(1,)),
}


@pytest.mark.parametrize("what", MIXED)
def test_what_mixes_images_is_left_alone(what: str) -> None:
    layers = MoreLayers(Random(what))
    x = layers.conv(layers.input(1, 6, 7, 2), 3, Geometry(), Weighting())
    layers.tensors[:] = [t if t.is_constant else replace(t, shape=(2, *t.shape[1:])) for t in layers.tensors]
    graph = layers.model([MIXED[what](layers, x)]).main
    assert by_image(graph, tuple(range(len(graph.ops)))) is None


def test_one_image_and_what_is_fusable_as_it_stands_are_left_alone() -> None:
    one = network("residual_prelu")
    assert not any(change.says == SAYS for change in simplify(one).changes)
    layers = MoreLayers(Random(0))
    rows = layers.model([layers.dense(layers.input(5, 16), 4, Weighting())])
    assert not any(change.says == SAYS for change in simplify(rows).changes)
    assert any(change.says == SAYS for change in simplify(batched(one, 2)).changes)


def test_images_of_a_float_input_are_quantised_together() -> None:
    model = batched(network("float_ends"), 2)
    simplified = simplify(model)
    quantised = [op for op in simplified.model.main.ops if op.builtin == "QUANTIZE"]
    types = {simplified.model.main.tensors[op.inputs[0]].dtype for op in quantised}
    assert types == {DType.FLOAT32} and len(quantised) == 1
    values = make_inputs(model.main, runs=1, seed=0)
    assert np.isfinite(values[0][0]).all()
