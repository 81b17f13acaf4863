"""Networks of many kinds: the bits and the bytes of real TFLM at three plans of each, and with streamed input."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from testing.layers import RELU, Geometry, Weighting
from tests.exactness import Original, pareto_paths, random_path
from tests.export.test_export_c import load, run
from tests.kinds import KINDS, PLAIN, POINT, Kinds, network, u_net_aligned
from tflm_msf.export import export_c
from tflm_msf.format import CUSTOM_CODE
from tflm_msf.graph import Model
from tflm_msf.inputs import make_inputs
from tflm_msf.network.units import Network
from tflm_msf.planner import Planner
from tflm_msf.request import Request
from tflm_msf.rewrite import rewrite_file
from tflm_msf.runtime import Session
from tflm_msf.search.edge import Edge
from tflm_msf.tflite_io import read_model, write_model
from tflm_msf.verify import verify

PLANS = 3

STAY_BUILTIN = {"float_ends": {"QUANTIZE"}}
"""Operators that are not fused; of all other networks, every operator is."""


def three_plans(network: Network) -> list[tuple[Edge, ...]]:
    """The ends and the middle of the front; where it is shorter, plans that no search would choose."""
    random = Random(0)
    paths = dict.fromkeys(pareto_paths(network, most=PLANS))
    while len(paths) < PLANS:
        paths[random_path(network, random)] = None
    return list(paths)


@pytest.mark.parametrize("name", KINDS)
def test_three_plans_are_exact(name: str) -> None:
    original = Original(network(name))
    unfused = {original.model.main.ops[unit.ops[0]].builtin for unit in original.network.units if unit.stage is None}
    assert unfused == STAY_BUILTIN.get(name, set())
    for path in three_plans(original.network):
        original.assert_exact(path)


@pytest.mark.parametrize("name", [name for name in KINDS if name != "two_inputs"])
def test_rows_of_the_input_may_be_streamed(name: str) -> None:
    original = write_model(network(name))
    rewritten = rewrite_file(original, name, Request(stream_input=True)).data
    report = verify(original, rewritten, runs=3)
    assert report.passed, (report.mismatches, report.problems)
    assert read_model(rewritten, name).main.inputs == ()


def test_a_u_net_with_aligned_corners_takes_less_than_a_quarter() -> None:
    layers = Kinds(Random(0))
    model = layers.model(u_net_aligned(layers, size=60, width=16))
    report = rewrite_file(write_model(model), "a U-Net").report
    assert 4 * report["arena"]["plan"]["total"] <= report["arena"]["original"]["total"]


def test_an_eegnet_of_22_electrodes_takes_less_than_4500_bytes() -> None:
    """Strips, an output over an input of one image row by row, and chunks in rings."""
    layers = Kinds(Random(0))
    x = layers.conv(layers.input(1, 22, 128, 1), 8, Geometry((1, 64)), PLAIN)
    x = layers.depthwise(x, 2, Geometry((22, 1), same=False), PLAIN)
    x = layers.average_pool(layers.activation("LEAKY_RELU", x), Geometry((1, 4), (1, 4), same=False))
    x = layers.conv(layers.depthwise(x, 1, Geometry((1, 16)), PLAIN), 16, POINT, PLAIN)
    x = layers.average_pool(layers.activation("LEAKY_RELU", x), Geometry((1, 8), (1, 8), same=False))
    original = write_model(layers.model([layers.softmax(layers.dense(x, 4, PLAIN))]))
    result = rewrite_file(original, "an EEGNet")
    assert result.report["arena"]["plan"]["total"] < 4_500
    assert verify(original, result.data, runs=3).passed


def gated_over_width_then_height() -> Model:
    """Squeeze-and-excite whose mean is taken over one axis at a time."""
    layers = Kinds(Random(0))
    x = layers.separable(layers.stem(8, 48, 40, 3), 16)
    means = layers.mean(layers.mean(x, keep_dims=True, axes=(2,)), keep_dims=True, axes=(1,))
    hidden = layers.conv(means, 4, POINT, Weighting(RELU))
    gate = layers.activation("LOGISTIC", layers.conv(hidden, 16, POINT, PLAIN))
    return layers.model([layers.classes(layers.conv(layers.mul(x, gate), 8, POINT, PLAIN), 4)])


def test_a_gate_over_width_then_height_is_kept_or_recomputed() -> None:
    """At no more MACs its map is kept; for less arena it is made twice, at both prices with TFLM's bits."""
    original = write_model(gated_over_width_then_height())
    front = Planner.of(original, "gated").front
    recomputes = [any(block.candidate.recomputes for block in choice.plan.blocks) for choice in front]
    assert not recomputes[0] and recomputes[-1]
    assert front[-1].needed < 0.8 * front[0].needed
    for choice in (front[0], front[-1]):
        assert {op.custom_code for op in choice.model.main.ops} == {CUSTOM_CODE}
        assert verify(original, write_model(choice.model), runs=3).passed
    streamed = rewrite_file(original, "gated", Request(stream_input=True))
    assert verify(original, streamed.data, runs=3).passed


@pytest.mark.parametrize("name", ["shuffled_groups", "u_net_aligned", "electrodes", "gated"])
def test_networks_that_are_blocks_alone_run_in_c(name: str, tmp_path: Path) -> None:
    """The largest value of each map, grouped convolutions and shuffles, aligned corners, gates over one axis."""
    model = gated_over_width_then_height() if name == "gated" else network(name)
    loaded = load(export_c(Planner.of(write_model(model), name).choose().model, name), tmp_path, name)
    session = Session(write_model(model))
    for values in make_inputs(model.main, runs=3, seed=0):
        assert run(loaded, name, values[0].tobytes()) == session.run(values)[0].tobytes()
