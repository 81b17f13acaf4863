"""Operators that give channels another order: GATHER, REVERSE_V2, TRANSPOSE, and STRIDED_SLICE that skips channels."""

from __future__ import annotations

from random import Random

import pytest

from testing.layers import Geometry, Weighting
from testing.operators import MoreLayers
from tests.exactness import assert_every_block_exact
from tflm_msf.network.units import build_network
from tflm_msf.ops import StageOp


@pytest.mark.parametrize(("channels", "groups"), [(2, 2), (6, 2), (6, 3), (12, 4), (5, 1), (5, 5), (64, 8)])
def test_channel_shuffle(channels: int, groups: int) -> None:
    layers = MoreLayers(Random(channels))
    x = layers.conv(layers.input(1, 5, 4, 3), channels, Geometry(), Weighting())
    x = layers.channel_shuffle(x, groups)
    model = layers.model([layers.depthwise(x, 1, Geometry(), Weighting())])
    assert_every_block_exact(model)


def test_a_shuffled_network_is_one_block() -> None:
    layers = MoreLayers(Random(1))
    x = layers.conv(layers.input(1, 8, 8, 3), 8, Geometry(), Weighting())
    for _ in range(2):
        y = layers.channel_shuffle(layers.grouped(x, 2, 4, Geometry((1, 1)), Weighting()), 2)
        y = layers.depthwise(y, 1, Geometry(), Weighting())
        x = layers.add(x, layers.grouped(y, 2, 4, Geometry((1, 1)), Weighting()))
    assert all(unit.stage for unit in build_network(layers.model([x]).main).units)


@pytest.mark.parametrize("shape", [(1, 6, 5, 4), (1, 1, 3, 8), (1, 7, 1, 2), (6, 5, 4)])
def test_transpose_of_columns_and_channels(shape: tuple[int, ...]) -> None:
    layers = MoreLayers(Random(len(shape)))
    order = [*range(len(shape) - 2), len(shape) - 1, len(shape) - 2]
    x = layers.transpose(layers.relu(layers.input(*shape)), order)
    if len(shape) == 4:
        assert_every_block_exact(layers.model([layers.relu(x)]))
    else:
        assert build_network(layers.model([x]).main).units[-1].stage is None


@pytest.mark.parametrize("places", [[0], [5], [3, 1], [0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [2, 2, 2], [0, 5] * 9])
def test_gather_of_channels(places: list[int]) -> None:
    layers = MoreLayers(Random(len(places)))
    x = layers.conv(layers.input(1, 5, 4, 3), 6, Geometry(), Weighting())
    x = layers.gather(x, 3, places)
    assert_every_block_exact(layers.model([layers.conv(x, 2, Geometry(), Weighting())]))


@pytest.mark.parametrize("axis", [1, 2])
@pytest.mark.parametrize("places", [[0], [3], [1, 2, 3], [0, 2, 4], [1, 4]])
def test_gather_of_rows_and_columns(axis: int, places: list[int]) -> None:
    layers = MoreLayers(Random(axis))
    x = layers.gather(layers.relu(layers.input(1, 5, 5, 3)), axis, places)
    model = layers.model([layers.conv(x, 2, Geometry(), Weighting())])
    assert_every_block_exact(model)
    ops = {unit.stage.op for unit in build_network(model.main).units if unit.stage}
    assert StageOp.SLICE in ops


@pytest.mark.parametrize("places", [[4, 0], [2, 2], [1, 2, 4]])
def test_gather_of_columns_in_any_order(places: list[int]) -> None:
    layers = MoreLayers(Random(7))
    x = layers.gather(layers.relu(layers.input(1, 5, 5, 3)), 2, places)
    assert_every_block_exact(layers.model([layers.conv(x, 2, Geometry(), Weighting())]))


@pytest.mark.parametrize("axis", [2, 3])
def test_reverse(axis: int) -> None:
    layers = MoreLayers(Random(axis))
    x = layers.reverse(layers.relu(layers.input(1, 4, 5, 6)), axis)
    assert_every_block_exact(layers.model([layers.conv(x, 2, Geometry(), Weighting())]))


@pytest.mark.parametrize("step", [2, 3, 4])
@pytest.mark.parametrize("rows", [1, 2])
def test_a_slice_that_skips_channels(step: int, rows: int) -> None:
    layers = MoreLayers(Random(step))
    x = layers.relu(layers.input(1, 6, 5, 9))
    x = layers.strided_slice(x, [0, 1, 0, 1], [1, 6, 5, 9], [1, rows, 1, step])
    assert_every_block_exact(layers.model([layers.conv(x, 2, Geometry(), Weighting())]))


def test_what_would_need_the_whole_map_stays() -> None:
    layers = MoreLayers(Random(1))
    x = layers.relu(layers.input(1, 5, 4, 2))
    results = [layers.transpose(x, [0, 3, 1, 2]), layers.reverse(x, 1), layers.gather(x, 1, [4, 0])]
    network = build_network(layers.model(results).main)
    reasons = [unit.reason for unit in network.units[1:]]
    assert reasons == [
        *["it moves values from row to row, so that it needs its whole input"] * 2,
        "it takes rows or columns in no regular steps",
    ]
