"""AVERAGE_POOL_2D, MAX_POOL_2D, MEAN and PAD alone, over their geometry."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from testing.layers import Geometry, Layers, Weighting
from tests.exactness import assert_each_exact, assert_every_block_exact

SIZES = [(9, 8), (1, 12), (11, 1), (5, 3), (1, 1)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (3, 1), (1, 3)])
@pytest.mark.parametrize("kernel", [(1, 1), (2, 2), (3, 3), (1, 5), (5, 4)])
def test_windows(kernel: tuple[int, int], stride: tuple[int, int], size: tuple[int, int]) -> None:
    layers = Layers(Random(f"{kernel} {stride} {size}"))
    x = layers.input(1, *size, 3)
    results = []
    for same, activation in product((True, False), range(4)):
        geometry = Geometry(kernel, stride, same=same)
        if min(geometry.output(size[0], 0), geometry.output(size[1], 1)) > 0:
            results += [layers.average_pool(x, geometry, activation), layers.max_pool(x, geometry, activation)]
    assert_each_exact(layers.model(results))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("activation", range(4))
def test_pooling_of_the_whole_map(size: tuple[int, int], same: bool, activation: int) -> None:
    layers = Layers(Random(f"{size} {same} {activation}"))
    x = layers.input(1, *size, 5)
    geometry = Geometry(size, size, same=same)
    assert_each_exact(
        layers.model([layers.average_pool(x, geometry, activation), layers.max_pool(x, geometry, activation)])
    )


@pytest.mark.parametrize("size", [*SIZES, (24, 24), (2, 2), (1, 7), (16, 16), (3, 43)])
@pytest.mark.parametrize("axes", [(1, 2), (2, 1), (-3, -2), (-2, 1)])
def test_mean(size: tuple[int, int], axes: tuple[int, int]) -> None:
    layers = Layers(Random(f"{size} {axes}"))
    x = layers.input(1, *size, 5)
    results = [layers.mean(x, keep_dims, axes) for _ in range(6) for keep_dims in (True, False)]
    assert_each_exact(layers.model(results))


@pytest.mark.parametrize("size", [*SIZES, (2, 200), (255, 2)])
@pytest.mark.parametrize("axes", [(1,), (2,), (-1,), (0, 2), (0, -3)])
def test_mean_over_one_axis(size: tuple[int, int], axes: tuple[int, ...]) -> None:
    layers = Layers(Random(f"{size} {axes}"))
    x = layers.input(1, *size, 5)
    results = [layers.mean(x, keep_dims, axes) for _ in range(4) for keep_dims in (True, False)]
    assert_each_exact(layers.model(results))


@pytest.mark.parametrize("size", [*SIZES, (2, 200)])
@pytest.mark.parametrize("axes", [(1, 2), (-2, 1), (1,), (2,), (0, 2)])
def test_reduce_max(size: tuple[int, int], axes: tuple[int, ...]) -> None:
    layers = Layers(Random(f"max {size} {axes}"))
    x = layers.input(1, *size, 5)
    assert_each_exact(layers.model([layers.reduce_max(x, keep_dims, axes) for keep_dims in (True, False)]))


@pytest.mark.parametrize("size", [*SIZES, (2, 200)])
@pytest.mark.parametrize("axes", [(1, 2), (-2, 1), (1,), (2,), (0, 2)])
def test_reduce_min(size: tuple[int, int], axes: tuple[int, ...]) -> None:
    layers = Layers(Random(f"min {size} {axes}"))
    x = layers.relu(layers.input(1, *size, 5))
    results = [layers.reduce_min(x, keep_dims, axes) for keep_dims in (True, False)]
    assert_each_exact(layers.model(results))


@pytest.mark.parametrize("keep_dims", [True, False])
@pytest.mark.parametrize("axes", [(1, 2), (2, 1)])
def test_mean_over_one_axis_and_then_the_other(axes: tuple[int, int], keep_dims: bool) -> None:
    """Both are reducing stages that a block can hold with what comes before and behind."""
    layers = Layers(Random(f"{axes} {keep_dims}"))
    x = layers.conv(layers.input(1, 9, 7, 3), 6, Geometry(), Weighting())
    y = layers.mean(x, keep_dims, (axes[0],))
    y = layers.mean(y, keep_dims, (axes[1] if keep_dims or axes[1] < axes[0] else 1,))
    assert_every_block_exact(layers.model([layers.dense(y, 4, Weighting())]))


@pytest.mark.parametrize("amounts", [(0, 0, 0, 0), (1, 1, 1, 1), (0, 2, 3, 0), (4, 0, 0, 5)])
@pytest.mark.parametrize("size", SIZES)
def test_pad(amounts: tuple[int, int, int, int], size: tuple[int, int]) -> None:
    layers = Layers(Random(f"{amounts} {size}"))
    x = layers.pad(layers.input(1, *size, 3), *amounts)
    assert_every_block_exact(layers.model([layers.pad(x, 1, 0, 0, 1)]))
