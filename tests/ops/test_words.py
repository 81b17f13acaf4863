"""Operators whose outputs have four bytes: DEQUANTIZE, ARG_MAX and ARG_MIN."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from testing.layers import Geometry, Weighting
from testing.operators import MoreLayers
from tests.exactness import assert_every_block_exact
from tflm_msf.network.units import build_network


@pytest.mark.parametrize("shape", [(1, 6, 5, 3), (1, 1, 1, 7), (1, 9), (4,), (1, 5, 3)])
def test_dequantize(shape: tuple[int, ...]) -> None:
    layers = MoreLayers(Random(len(shape)))
    assert_every_block_exact(layers.model([layers.to_float(layers.relu(layers.input(*shape)))]))


@pytest.mark.parametrize("scale", [1e-30, 3e-6, 0.1, 1 / 3, 0.7, 5e8])
@pytest.mark.parametrize("zero", [-128, -7, 127])
def test_dequantize_of_every_value(scale: float, zero: int) -> None:
    layers = MoreLayers(Random(0))
    x = layers.to_float(layers.scaled_input(scale, zero, 1, 16, 16, 1))
    every = np.arange(-128, 128, dtype=np.int8).reshape(1, 16, 16, 1)
    assert_every_block_exact(layers.model([x]), [[every]])


@pytest.mark.parametrize("builtin", ["ARG_MAX", "ARG_MIN"])
@pytest.mark.parametrize("channels", [1, 2, 3, 300])
def test_arg(builtin: str, channels: int) -> None:
    layers = MoreLayers(Random(channels))
    x = layers.conv(layers.input(1, 5, 4, 3), channels, Geometry(), Weighting())
    assert_every_block_exact(layers.model([layers.arg(builtin, x)]))


@pytest.mark.parametrize("shape", [(1, 9), (9,), (1, 3, 5)])
def test_arg_of_vectors(shape: tuple[int, ...]) -> None:
    layers = MoreLayers(Random(1))
    assert_every_block_exact(layers.model([layers.arg("ARG_MAX", layers.relu(layers.input(*shape)))]))


def test_the_first_of_equal_ones_counts() -> None:
    layers = MoreLayers(Random(2))
    x = layers.input(1, 2, 2, 6)
    values = np.array([[3, 5, 5, -1, 5, 0], [0] * 6, [127, -128, 127, -128, 0, 1], [-128] * 6], np.int8)
    every = [[values.reshape(1, 2, 2, 6)]]
    assert_every_block_exact(layers.model([layers.arg("ARG_MAX", x)]), every)
    layers = MoreLayers(Random(2))
    assert_every_block_exact(layers.model([layers.arg("ARG_MIN", layers.input(1, 2, 2, 6))]), every)


def test_a_segmentation_network_is_blocks_alone() -> None:
    layers = MoreLayers(Random(3))
    x = layers.conv(layers.input(1, 12, 10, 3), 6, Geometry(), Weighting())
    x = layers.conv(x, 4, Geometry((1, 1)), Weighting())
    network = build_network(layers.model([layers.arg("ARG_MAX", x), layers.to_float(x)]).main)
    assert all(unit.stage for unit in network.units)
