"""Squeeze-and-excite blocks that make their map twice: the same bits, the bytes as predicted, MACs counted in full."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from testing.layers import Geometry, Weighting
from testing.operators import MoreLayers
from tests.exactness import Original, assert_every_block_exact, blocks_to
from tflm_msf.blocks.recompute import MOST_GATES, find_gates
from tflm_msf.graph import Model
from tflm_msf.network.units import Network, build_network
from tflm_msf.plan import make_plan
from tflm_msf.planner import Planner
from tflm_msf.program.assemble import assemble
from tflm_msf.request import Request
from tflm_msf.search.edge import Edge
from tflm_msf.search.presets import Preset, preset_edges
from tflm_msf.tflite_io import write_model
from tflm_msf.verify import verify

POINTWISE = Geometry((1, 1))
Gate = Callable[[MoreLayers, int], int]


def mean_and_convolutions(layers: MoreLayers, x: int) -> int:
    y = layers.conv(layers.mean(x, keep_dims=True), 3, POINTWISE, Weighting(activation=1))
    return layers.activation("LOGISTIC", layers.conv(y, layers.shape(x)[3], POINTWISE, Weighting()))


def pool_and_hard_swish(layers: MoreLayers, x: int) -> int:
    _, h, w, c = layers.shape(x)
    y = layers.average_pool(x, Geometry((h, w), (h, w), same=False))
    return layers.activation("HARD_SWISH", layers.conv(y, c, POINTWISE, Weighting()))


def mean_and_dense(layers: MoreLayers, x: int) -> int:
    channels = layers.shape(x)[3]
    y = layers.dense(layers.mean(x, keep_dims=False), 3, Weighting(activation=1))
    y = layers.activation("LOGISTIC", layers.dense(y, channels, Weighting()))
    return layers.reshape(y, 1, 1, 1, channels)


def requantized_before_the_pool(layers: MoreLayers, x: int) -> int:
    return layers.mean(layers.quantize(x), keep_dims=True)


GATES = [mean_and_convolutions, pool_and_hard_swish, mean_and_dense, requantized_before_the_pool]


def bottleneck(layers: MoreLayers, x: int, gate: Gate, size: int = 8, stride: int = 1) -> int:
    """Expansion, depthwise convolution, gate, projection; with a residual connection where the size remains."""
    channels = layers.shape(x)[3]
    y = layers.conv(x, size, POINTWISE, Weighting())
    y = layers.depthwise(y, 1, Geometry((3, 3), (stride, stride)), Weighting())
    y = layers.activation("HARD_SWISH", y)
    y = layers.conv(layers.mul(y, gate(layers, y)), channels, POINTWISE, Weighting())
    return layers.add(x, y) if stride == 1 else y


def gated(*gates: Gate, seed: int = 1, stride: int = 1, size: int = 8, width: int = 9) -> Model:
    layers = MoreLayers(Random(seed))
    x = layers.conv(layers.input(1, width, width - 2, 2), 3, Geometry(), Weighting())
    for gate in gates:
        x = bottleneck(layers, x, gate, size, stride)
    return layers.model([x])


def recomputing_to(network: Network, last: int) -> list[Edge]:
    return [edge for edge in blocks_to(network, last) if edge.block and edge.block.recomputes]


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("gate", GATES)
def test_every_block_around_a_gate_is_exact(gate: Gate, stride: int) -> None:
    model = gated(gate, seed=stride, stride=stride, width=6)
    network = build_network(model.main)
    assert len(find_gates(network)) == 1
    assert {edge.first for edge in recomputing_to(network, len(network.units) - 1)} == {0, 1, 2, 3}
    assert_every_block_exact(model)


def test_gates_in_a_row_are_exact() -> None:
    original = Original(gated(mean_and_convolutions, pool_and_hard_swish, mean_and_dense, seed=3, width=6))
    last = len(original.network.units) - 1
    alone = [next(blocks_to(original.network, unit)) for unit in range(last + 1)]
    for edge in recomputing_to(original.network, last):
        original.assert_exact((*alone[: edge.first], edge))


def test_more_pools_of_one_map_than_may_have_copies_of_it() -> None:
    layers = MoreLayers(Random(5))
    x = y = layers.conv(layers.input(1, 5, 4, 2), 3, Geometry(), Weighting())
    for _ in range(MOST_GATES + 1):
        y = layers.mul(y, layers.mean(x, keep_dims=True))
    network = build_network(layers.model([layers.add(y, x)]).main)
    assert len(find_gates(network)) == MOST_GATES + 1
    assert not recomputing_to(network, len(network.units) - 1)


def test_a_branch_with_a_gate_and_one_without_are_exact() -> None:
    layers = MoreLayers(Random(4))
    x = layers.conv(layers.input(1, 7, 8, 2), 4, Geometry(), Weighting())
    y = layers.conv(x, 5, Geometry(), Weighting())
    z = layers.depthwise(layers.add(y, layers.conv(x, 5, Geometry((5, 1)), Weighting())), 1, Geometry(), Weighting())
    model = layers.model([layers.add(layers.mul(z, mean_and_convolutions(layers, z)), y)])
    network = build_network(model.main)
    assert recomputing_to(network, len(network.units) - 1)
    assert_every_block_exact(model)


def test_the_map_is_counted_for_every_time_that_it_is_made() -> None:
    network = build_network(gated(mean_and_convolutions, mean_and_convolutions).main)
    macs = [unit.stage.macs if unit.stage else 0 for unit in network.units]
    first, second = (gate.pool for gate in find_gates(network))
    blocks = {edge.first: edge for edge in recomputing_to(network, len(network.units) - 1)}
    assert blocks[first + 1].macs == sum(macs[first + 1 :]) + sum(macs[first + 4 : second])
    thrice, twice, gate = sum(macs[:first]), sum(macs[first + 4 : second]), sum(macs[first : first + 4])
    assert blocks[0].macs == 3 * thrice + gate + 2 * twice + sum(macs[second:])


def test_the_front_offers_the_choice() -> None:
    data = write_model(gated(mean_and_convolutions, stride=2, size=40, width=32))
    front = Planner.of(data, "gated").front
    kept, rerun = front[0], front[-1]
    assert kept.plan.overhead == 1
    assert 1 < rerun.plan.overhead < 2
    assert rerun.needed < 0.7 * kept.needed, [(c.needed, c.plan.overhead) for c in front]
    run_again = [op for block in rerun.plan.to_json(rerun.network)["blocks"] for op in block["again"]]
    added = sum(unit.stage.macs for unit in rerun.network.units if unit.stage and set(unit.ops) <= set(run_again))
    assert rerun.plan.macs == kept.plan.macs + added


@pytest.mark.parametrize("preset", [preset for preset in Preset if preset is not Preset.FULL])
def test_prior_art_keeps_the_map(preset: Preset) -> None:
    network = build_network(gated(mean_and_convolutions, width=3).main)
    assert not any(edge.block.recomputes for edge in preset_edges(network, preset) if edge.block)


def test_a_streamed_input_is_read_once_and_kept_for_the_second_time() -> None:
    model = gated(mean_and_convolutions, pool_and_hard_swish)
    planner = Planner.of(write_model(model), "gated", Request(stream_input=True))
    whole = [edge for edge in recomputing_to(planner.network, len(planner.network.units) - 1) if edge.first == 0]
    assert whole
    for edge in whole:
        rewritten = assemble(planner.model, planner.network, make_plan(planner.network, (edge,)))
        report = verify(write_model(model), write_model(rewritten), runs=2)
        assert report.passed, (report.mismatches, report.problems)
