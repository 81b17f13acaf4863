"""TRANSPOSE_CONV over kernels, strides and paddings, alone and inside blocks."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from testing.layers import Geometry, Weighting
from testing.operators import MoreLayers
from tests.exactness import assert_each_exact, assert_every_block_exact
from tflm_msf.network.units import build_network

KERNELS = [(1, 1), (2, 2), (3, 3), (4, 4), (1, 5), (7, 2)]
STRIDES = [(1, 1), (2, 2), (3, 1), (2, 4)]


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (4, 1), (5, 6)])
@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("kernel", KERNELS)
def test_geometry(kernel: tuple[int, int], stride: tuple[int, int], size: tuple[int, int]) -> None:
    layers = MoreLayers(Random(f"{kernel} {stride} {size}"))
    x = layers.input(1, *size, 3)
    geometries = [Geometry(kernel, stride, same=same) for same in (True, False)]
    assert_each_exact(layers.model([layers.transpose_conv(x, 2, geometry, Weighting()) for geometry in geometries]))


@pytest.mark.parametrize(
    "weighting", [Weighting(*choice) for choice in product(range(4), (True, False), (True, False))]
)
def test_activations_and_scales(weighting: Weighting) -> None:
    layers = MoreLayers(Random(str(weighting)))
    x = layers.input(1, 3, 4, 5)
    results = [layers.transpose_conv(x, 4, Geometry((3, 3), (2, 2), same=same), weighting) for same in (True, False)]
    assert_each_exact(layers.model(results))


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("kernel", [2, 3, 5])
def test_inside_a_block(kernel: int, same: bool) -> None:
    layers = MoreLayers(Random(f"{kernel} {same}"))
    x = layers.conv(layers.input(1, 4, 3, 2), 3, Geometry(), Weighting())
    y = layers.transpose_conv(layers.relu(x), 3, Geometry((kernel, kernel), (2, 2), same=same), Weighting())
    assert_every_block_exact(layers.model([layers.conv(y, 2, Geometry(), Weighting())]))


def test_what_is_not_fused() -> None:
    layers = MoreLayers(Random(0))
    x = layers.transpose_conv(layers.input(1, 2, 2, 1), 1, Geometry((1, 1), (17, 1)), Weighting())
    assert build_network(layers.model([x]).main).units[0].reason == "its stride is not between 1 and 16"
