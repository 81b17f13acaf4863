"""Rewritten networks give the bits of stock TFLM and take the bytes that were predicted, whatever the schedule."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from testing.layers import Geometry, Layers, Weighting
from testing.networks import random_network
from tests.exactness import Original, assert_every_block_exact, blocks_to, pareto_paths, random_path
from tflm_msf.blocks.block import OWN_OPERANDS
from tflm_msf.errors import MsfError
from tflm_msf.format.limits import MAX_OPERANDS
from tflm_msf.graph import Model
from tflm_msf.search.edge import Edge

POINTWISE = Geometry((1, 1))


def assert_all_schedules_exact(model: Model, random: Random) -> None:
    """The Pareto front, and blocks and strips that no search would choose."""
    original = Original(model)
    paths = [*pareto_paths(original.network, most=5), *(random_path(original.network, random) for _ in range(3))]
    for path in dict.fromkeys(paths):
        original.assert_exact(path)


def assert_random_network_exact(seed: int) -> None:
    random = Random(seed)
    try:
        assert_all_schedules_exact(random_network(random), random)
    except (AssertionError, MsfError) as error:
        raise AssertionError(f"random_network(Random({seed})): {error}") from error


@given(st.integers(0, 2**32 - 1))
@settings(derandomize=True, max_examples=250, deadline=None, phases=[Phase.generate])  # smaller seeds are not simpler
def test_networks(seed: int) -> None:
    assert_random_network_exact(seed)


@pytest.mark.slow
@pytest.mark.parametrize("first_seed", range(0, 2000, 50))
def test_many_networks(first_seed: int) -> None:
    for seed in range(first_seed, first_seed + 50):
        assert_random_network_exact(seed)


def test_a_block_has_no_more_operands_than_the_kernels_take() -> None:
    layers = Layers(Random(1))
    inputs = [layers.input(1, 2, 2, 1) for _ in range(30)]
    total = inputs[0]
    for added in inputs[1:]:
        total = layers.add(total, added)
    original = Original(layers.model([total]))
    blocks = list(blocks_to(original.network, last=28))
    assert max(len(edge.block.inputs) for edge in blocks if edge.block) == MAX_OPERANDS - OWN_OPERANDS
    for path in pareto_paths(original.network, most=3):
        original.assert_exact(path)


def squeeze_excite(layers: Layers, x: int, hidden: int) -> int:
    y = layers.mean(x, keep_dims=True)
    y = layers.conv(y, hidden, POINTWISE, Weighting())
    y = layers.conv(y, layers.shape(x)[3], POINTWISE, Weighting())
    return layers.mul(x, y)


def test_a_map_that_is_scaled_by_its_own_mean_is_kept_whole() -> None:
    layers = Layers(Random(1))
    x = layers.depthwise(layers.input(1, 9, 7, 4), 1, Geometry(), Weighting())
    y = squeeze_excite(layers, x, hidden=2)
    assert_every_block_exact(layers.model([layers.conv(y, 3, Geometry(), Weighting())]))


@pytest.mark.parametrize("height", [1, 2, 3, 4])
def test_windows_higher_than_the_map(height: int) -> None:
    layers = Layers(Random(10 + height))
    x = layers.relu(layers.input(1, height, 21, 2))
    x = layers.pad(layers.depthwise(x, 1, Geometry((5, 5)), Weighting()), 1, 1, 1, 1)
    x = layers.depthwise(x, 1, Geometry((5, 3)), Weighting())
    y = layers.depthwise(layers.conv(x, 2, POINTWISE, Weighting()), 1, Geometry((3, 3)), Weighting())
    assert_every_block_exact(layers.model([layers.add(x, y)]))


def test_a_residual_connection_that_needs_the_whole_map_at_once() -> None:
    layers = Layers(Random(15))
    x = layers.relu(layers.input(1, 6, 24, 5))
    y = layers.conv(x, 8, Geometry(dilation=(2, 1)), Weighting())
    y = layers.depthwise(y, 1, Geometry((3, 1), dilation=(2, 1)), Weighting())
    y = layers.conv(y, 5, Geometry((5, 3), dilation=(2, 1)), Weighting())
    assert_every_block_exact(layers.model([layers.add(x, y)]))


def test_padding_in_front_of_a_dense_layer_on_pixels() -> None:
    layers = Layers(Random(2))
    x = layers.pad(layers.input(1, 4, 5, 3), 1, 2, 1, 0)
    assert_every_block_exact(layers.model([layers.dense(x, 4, Weighting(), keep_dims=True)]))


def test_padding_in_front_of_several_convolutions_is_theirs() -> None:
    layers = Layers(Random(31))
    x = layers.pad(layers.relu(layers.input(1, 5, 6, 3)), 1, 0, 0, 1)
    y = layers.depthwise(x, 1, Geometry(), Weighting())
    z = layers.conv(x, 3, Geometry(same=False), Weighting())
    model = layers.model([layers.conv(y, 2, Geometry((3, 3), (2, 2)), Weighting()), z])
    assert [len(unit.ops) for unit in Original(model).network.units] == [1, 2, 2, 1]
    assert_every_block_exact(model)


def test_padding_in_front_of_a_reshape() -> None:
    layers = Layers(Random(3))
    x = layers.reshape(layers.pad(layers.input(1, 4, 5, 3), 1, 2, 1, 0), 1, 6, 7, 3)
    assert_every_block_exact(layers.model([layers.conv(x, 4, Geometry(), Weighting())]))


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 1, 1, 9), (1, 1, 2, 15)])
def test_networks_smaller_than_a_workspace(shape: tuple[int, ...]) -> None:
    layers = Layers(Random(4))
    x = layers.mean(layers.input(*shape), keep_dims=True)
    model = layers.model([layers.dense(x, 9, Weighting())])
    assert_all_schedules_exact(model, Random(4))
    assert_every_block_exact(model)


def test_columns_that_only_see_padding() -> None:
    layers = Layers(Random(5))
    x = layers.pad(layers.relu(layers.input(1, 2, 2, 2)), 1, 1, 1, 1)
    x = layers.conv(x, 2, Geometry((1, 1), (3, 3), same=False), Weighting())
    assert_every_block_exact(layers.model([layers.conv(x, 2, POINTWISE, Weighting())]))


def test_rows_that_no_reader_needs() -> None:
    layers = Layers(Random(6))
    x = layers.relu(layers.input(1, 2, 6, 2))
    a, b = (
        layers.conv(layers.pad(x, 3, 0, 0, 0), 2, Geometry((1, 1), (6, 1), same=False), Weighting()) for _ in range(2)
    )
    assert_every_block_exact(layers.model([layers.add(a, b)]))


def test_strips_and_whole_rows_are_both_tried() -> None:
    layers = Layers(Random(7))
    x = layers.conv(layers.input(1, 12, 12, 3), 6, Geometry(), Weighting())
    x = layers.conv(x, 6, Geometry(stride=(2, 2)), Weighting())
    network = Original(layers.model([x])).network
    widths = {edge.block.schedule.tile_w for edge in blocks_to(network, 1) if edge.block}
    assert widths == {6, 3, 2, 1}
    assert len({path for seed in range(20) for path in [random_path(network, Random(seed))]}) > 4


def test_a_path_that_is_no_cover_is_not_exact() -> None:
    layers = Layers(Random(8))
    x = layers.conv(layers.input(1, 6, 6, 3), 6, Geometry(), Weighting())
    other = Layers(Random(9))
    y = other.conv(other.input(1, 6, 6, 3), 6, Geometry(), Weighting())
    original, stranger = Original(layers.model([x])), Original(other.model([y]))
    original.expected = stranger.expected
    path: tuple[Edge, ...] = (next(blocks_to(original.network, 0)),)
    with pytest.raises(AssertionError, match="output 0: "):
        original.assert_exact(path)
