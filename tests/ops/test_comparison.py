"""MAXIMUM, MINIMUM and PRELU: every pair of values, and every way of broadcasting that is fused."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from testing.operators import MoreLayers
from tests.exactness import Original, blocks_to


@pytest.mark.parametrize("seed", range(6))
def test_every_pair_of_values(seed: int) -> None:
    layers = MoreLayers(Random(seed))
    a, b = layers.input(1, 256, 256, 1), layers.input(1, 256, 256, 1)
    results = [layers.compare("MAXIMUM", a, b), layers.compare("MINIMUM", a, b), layers.prelu(a, b)]
    rows, cols = np.meshgrid(np.arange(-128, 128), np.arange(-128, 128), indexing="ij")
    pairs = [grid.astype(np.int8).reshape(1, 256, 256, 1) for grid in (rows, cols)]
    original = Original(layers.model(results), [pairs])
    original.assert_exact(tuple(next(blocks_to(original.network, unit)) for unit in range(len(results))))


@pytest.mark.parametrize("builtin", ["MAXIMUM", "MINIMUM", "PRELU"])
@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 1, 1, 5), (5,), (1, 6, 7, 5)])
def test_broadcasting(builtin: str, constant: bool, shape: tuple[int, ...]) -> None:
    layers = MoreLayers(Random(f"{builtin} {shape}"))
    x = layers.input(1, 6, 7, 5)
    y = layers.constant(*shape) if constant else layers.input(*shape)
    result = layers.prelu(x, y) if builtin == "PRELU" else layers.compare(builtin, x, y)
    original = Original(layers.model([result]))
    fused = original.network.units[0].stage is not None
    assert fused == (constant or shape[-1] == 5)
    for edge in blocks_to(original.network, 0):
        original.assert_exact((edge,))
