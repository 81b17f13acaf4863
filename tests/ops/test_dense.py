"""FULLY_CONNECTED alone: on one vector, on several, and on a map that arrives row by row."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from tests.exactness import assert_each_exact, assert_every_block_exact
from tests.layers import Layers, Weighting


@pytest.mark.parametrize("keep_dims", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (1, 1, 1, 7), (1, 5, 4, 3), (1, 1, 9, 2), (1, 9, 1, 2), (6, 5)])
@pytest.mark.parametrize("outputs", [1, 11])
def test_shapes(shape: tuple[int, ...], outputs: int, keep_dims: bool) -> None:
    layers = Layers(Random(f"{shape} {outputs} {keep_dims}"))
    x = layers.input(*shape)
    weightings = [Weighting(*choice) for choice in product(range(4), (True, False), (True, False))]
    results = [layers.dense(x, outputs, weighting, keep_dims) for weighting in weightings]
    assert_each_exact(layers.model(results))


@pytest.mark.parametrize("shape", [(1, 5, 4, 3), (1, 1, 1, 20), (1, 6, 1, 4)])
def test_on_a_map_made_in_the_same_block(shape: tuple[int, ...]) -> None:
    layers = Layers(Random(str(shape)))
    x = layers.relu(layers.input(*shape))
    x = layers.dense(layers.reshape(x, 1, layers.tensors[x].elements), 6, Weighting())
    assert_every_block_exact(layers.model([layers.dense(x, 4, Weighting())]))
