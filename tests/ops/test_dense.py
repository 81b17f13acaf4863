"""FULLY_CONNECTED alone: on one vector, on several, and on a map that arrives row by row."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from testing.layers import Layers, Weighting
from tests.exactness import Original, assert_each_exact, assert_every_block_exact, blocks_to


@pytest.mark.parametrize("keep_dims", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (1, 1, 1, 7), (1, 5, 4, 3), (1, 1, 9, 2), (1, 9, 1, 2), (6, 5)])
@pytest.mark.parametrize("outputs", [1, 11])
def test_shapes(shape: tuple[int, ...], outputs: int, keep_dims: bool) -> None:
    layers = Layers(Random(f"{shape} {outputs} {keep_dims}"))
    x = layers.input(*shape)
    weightings = [Weighting(*choice) for choice in product(range(4), (True, False), (True, False))]
    results = [layers.dense(x, outputs, weighting, keep_dims) for weighting in weightings]
    assert_each_exact(layers.model(results))


@pytest.mark.parametrize("per_channel", [False, True])
def test_enough_values_to_show_the_last_bit_of_a_multiplier(per_channel: bool) -> None:
    for seed in range(10):
        layers = Layers(Random(seed))
        x = layers.input(1, 64, 64, 6)
        weighting = Weighting(per_channel=per_channel, bias=False)
        results = [layers.dense(x, 64, weighting, keep_dims=True) for _ in range(6)]
        original = Original(layers.model(results))
        original.assert_exact(tuple(next(blocks_to(original.network, unit)) for unit in range(len(results))))


@pytest.mark.parametrize("shape", [(1, 5, 4, 3), (1, 1, 1, 20), (1, 6, 1, 4)])
def test_on_a_map_made_in_the_same_block(shape: tuple[int, ...]) -> None:
    layers = Layers(Random(str(shape)))
    x = layers.relu(layers.input(*shape))
    x = layers.dense(layers.reshape(x, 1, layers.tensors[x].elements), 6, Weighting())
    assert_every_block_exact(layers.model([layers.dense(x, 4, Weighting())]))
