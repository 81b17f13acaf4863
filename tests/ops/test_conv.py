"""CONV_2D and DEPTHWISE_CONV_2D alone, over their geometry."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from testing.layers import Geometry, Layers, Weighting
from tests.exactness import assert_each_exact

SIZES = [(9, 8), (1, 12), (11, 1), (5, 3), (1, 1)]
KERNELS = [(1, 1), (2, 2), (3, 3), (1, 5), (7, 4)]
STRIDES = [(1, 1), (2, 2), (3, 1), (1, 3)]
DILATIONS = [(1, 1), (2, 1), (1, 2), (2, 2)]


def geometries(kernel: tuple[int, int], stride: tuple[int, int], size: tuple[int, int]) -> list[Geometry]:
    """All dilations and paddings with an output."""
    every = (Geometry(kernel, stride, dilation, same) for dilation, same in product(DILATIONS, (True, False)))
    return [geometry for geometry in every if min(geometry.output(size[0], 0), geometry.output(size[1], 1)) > 0]


def weightings() -> list[Weighting]:
    return [Weighting(*choice) for choice in product(range(4), (True, False), (True, False))]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("kernel", KERNELS)
def test_conv_2d(kernel: tuple[int, int], stride: tuple[int, int], size: tuple[int, int]) -> None:
    layers = Layers(Random(f"{kernel} {stride} {size}"))
    x = layers.input(1, *size, 3)
    results = [layers.conv(x, 4, geometry, Weighting()) for geometry in geometries(kernel, stride, size)]
    assert_each_exact(layers.model(results))


@pytest.mark.parametrize("size", SIZES[:3])
@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("kernel", KERNELS)
def test_grouped_conv_2d(kernel: tuple[int, int], stride: tuple[int, int], size: tuple[int, int]) -> None:
    layers = Layers(Random(f"grouped {kernel} {stride} {size}"))
    x = layers.input(1, *size, 6)
    groups = ((2, 2), (3, 1), (6, 2))
    results = [
        layers.grouped(x, *groups[number % 3], geometry, weighting)
        for number, (geometry, weighting) in enumerate(
            zip(geometries(kernel, stride, size), weightings(), strict=False)
        )
    ]
    assert_each_exact(layers.model(results))


@pytest.mark.parametrize("multiplier", [1, 3])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("kernel", KERNELS)
def test_depthwise_conv_2d(
    kernel: tuple[int, int], stride: tuple[int, int], size: tuple[int, int], multiplier: int
) -> None:
    layers = Layers(Random(f"{kernel} {stride} {size} {multiplier}"))
    x = layers.input(1, *size, 3)
    results = [layers.depthwise(x, multiplier, geometry, Weighting()) for geometry in geometries(kernel, stride, size)]
    assert_each_exact(layers.model(results))


@pytest.mark.parametrize("weighting", weightings(), ids=str)
@pytest.mark.parametrize("channels", [(1, 1), (1, 20), (20, 1), (7, 13)])
def test_channels_activations_and_scales(channels: tuple[int, int], weighting: Weighting) -> None:
    layers = Layers(Random(f"{channels} {weighting}"))
    x = layers.input(1, 5, 6, channels[0])
    results = [
        layers.conv(x, channels[1], Geometry((1, 1)), weighting),
        layers.conv(x, channels[1], Geometry((1, 1), (2, 2)), weighting),
        layers.conv(x, channels[1], Geometry((3, 3)), weighting),
        layers.depthwise(x, 1, Geometry((3, 3)), weighting),
        layers.depthwise(x, 2, Geometry((3, 3)), weighting),
    ]
    assert_each_exact(layers.model(results))
