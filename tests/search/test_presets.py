"""Presets restrict the space and nothing else: their plans run, bit for bit, and the full space is never worse."""

from __future__ import annotations

from random import Random

import pytest

from testing.layers import Geometry, Layers, Weighting
from testing.networks import random_network
from tests.exactness import BLOCK_TAIL_BYTES, Original
from tflm_msf.graph import Model
from tflm_msf.network.units import Network
from tflm_msf.plan import make_plan
from tflm_msf.search.edge import Edge
from tflm_msf.search.front import pareto_front
from tflm_msf.search.presets import Preset, preset_edges
from tflm_msf.search.shortest import Point

POINTWISE = Geometry((1, 1))


def front(network: Network, preset: Preset) -> list[Point]:
    return pareto_front(preset_edges(network, preset), len(network.units), BLOCK_TAIL_BYTES)


def chain() -> Model:
    """Two inverted bottlenecks, the first one halving the map."""
    layers = Layers(Random(1))
    x = layers.conv(layers.input(1, 24, 24, 3), 8, Geometry(stride=(2, 2)), Weighting())
    for stride in (2, 1):
        x = layers.conv(x, 18, POINTWISE, Weighting())
        x = layers.depthwise(x, 1, Geometry(stride=(stride, stride)), Weighting())
        x = layers.conv(x, 6, POINTWISE, Weighting())
    return layers.model([x])


def width(network: Network, edge: Edge) -> int:
    stage = network.units[edge.last].stage
    assert stage is not None
    return stage.output_map.w


@pytest.mark.parametrize("preset", Preset)
def test_every_plan_of_a_preset_is_exact(preset: Preset) -> None:
    original = Original(chain())
    for point in front(original.network, preset):
        original.assert_exact(point.edges)


@pytest.mark.parametrize("preset", Preset)
@pytest.mark.parametrize("seed", range(8))
def test_presets_of_random_networks_are_exact(preset: Preset, seed: int) -> None:
    original = Original(random_network(Random(seed)))
    points = front(original.network, preset)
    for point in (points[0], points[-1]):
        original.assert_exact(point.edges)


def test_layerwise_fuses_nothing() -> None:
    network = Original(chain()).network
    (point,) = front(network, Preset.LAYERWISE)
    assert all(edge.first == edge.last for edge in point.edges)
    assert point.macs == network.macs


@pytest.mark.parametrize(("preset", "least_strips"), [(Preset.MCUNETV2, 2), (Preset.STREAMNET, 1)])
def test_one_head_and_the_rest_layer_by_layer(preset: Preset, least_strips: int) -> None:
    network = Original(chain()).network
    points = front(network, preset)
    assert len(points) > 1
    for point in points:
        for edge in point.edges:
            assert edge.block is not None
            if edge.first != edge.last:
                assert edge.first == 0
                assert -(-width(network, edge) // edge.block.schedule.tile_w) >= least_strips
            else:
                assert edge.block.schedule.tile_w == width(network, edge)
    assert any(edge.last > edge.first for point in points for edge in point.edges)


def test_streamnet_saves_at_no_overhead_where_mcunetv2_cannot() -> None:
    network = Original(chain()).network
    streamnet, mcunetv2 = (front(network, preset)[0] for preset in (Preset.STREAMNET, Preset.MCUNETV2))
    assert streamnet.macs == mcunetv2.macs == network.macs
    assert streamnet.head < mcunetv2.head


def test_msf_cnn_blocks_are_one_column_wide() -> None:
    network = Original(chain()).network
    blocks = [edge for point in front(network, Preset.MSF_CNN) for edge in point.edges if edge.last > edge.first]
    assert blocks
    assert all(edge.block is not None and edge.block.schedule.tile_w == 1 for edge in blocks)


@pytest.mark.parametrize("preset", [preset for preset in Preset if preset is not Preset.FULL])
def test_output_beside_input_in_the_plan_that_is_made(preset: Preset) -> None:
    network = Original(chain()).network
    for point in front(network, preset):
        plan = make_plan(network, point.edges)
        for block in plan.blocks:
            assert block.candidate.overlap_input is None
            (source,), output = block.candidate.inputs, block.candidate.output
            start, end = plan.offsets[source], plan.offsets[source] + network.nbytes(source)
            assert plan.offsets[output] >= end or plan.offsets[output] + network.nbytes(output) <= start
        assert plan.head == point.head


@pytest.mark.parametrize("preset", Preset)
@pytest.mark.parametrize("seed", range(100, 106))
def test_no_preset_beats_the_full_space(preset: Preset, seed: int) -> None:
    network = Original(random_network(Random(seed))).network
    full = front(network, Preset.FULL)

    def total(point: Point) -> int:
        return point.head + BLOCK_TAIL_BYTES * len(point.edges)

    for point in front(network, preset):
        assert min(total(other) for other in full if other.macs <= point.macs) <= total(point)
