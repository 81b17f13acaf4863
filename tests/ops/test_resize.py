"""RESIZE_NEAREST_NEIGHBOR, RESIZE_BILINEAR and DEPTH_TO_SPACE: sizes, strips, and what comes before and after."""

from __future__ import annotations

from random import Random

import pytest

from testing.layers import Geometry, Weighting
from testing.operators import MoreLayers
from tests.exactness import assert_each_exact, assert_every_block_exact
from tflm_msf.graph import Table
from tflm_msf.network.units import build_network

SIZES = [(1, 1), (1, 6), (5, 1), (4, 6), (7, 5)]
FACTORS = [(1, 1), (2, 2), (3, 2), (1, 4), (5, 3), (16, 1)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("factors", FACTORS)
def test_whole_factors(size: tuple[int, int], factors: tuple[int, int]) -> None:
    layers = MoreLayers(Random(f"{size} {factors}"))
    x = layers.input(1, *size, 3)
    larger = size[0] * factors[0], size[1] * factors[1]
    kinds = [(bilinear, half) for bilinear in (False, True) for half in (False, True)]
    assert_each_exact(layers.model([layers.resize(x, *larger, *kind) for kind in kinds]))


@pytest.mark.parametrize("factor", [2, 3])
@pytest.mark.parametrize("bilinear", [False, True])
@pytest.mark.parametrize("half_pixel", [False, True])
def test_inside_a_block(factor: int, bilinear: bool, half_pixel: bool) -> None:
    layers = MoreLayers(Random(f"{factor} {bilinear} {half_pixel}"))
    x = layers.conv(layers.input(1, 5, 4, 2), 3, Geometry(), Weighting())
    y = layers.resize(layers.relu(x), 5 * factor, 4 * factor, bilinear, half_pixel)
    assert_every_block_exact(layers.model([layers.conv(y, 2, Geometry(), Weighting())]))


@pytest.mark.parametrize("bilinear", [False, True])
def test_a_smaller_copy_comes_back(bilinear: bool) -> None:
    layers = MoreLayers(Random(bilinear))
    x = layers.conv(layers.input(1, 8, 6, 2), 4, Geometry(), Weighting())
    y = layers.max_pool(x, Geometry((2, 2), (2, 2), same=False))
    y = layers.resize(layers.conv(y, 4, Geometry(), Weighting()), 8, 6, bilinear, True)
    joined = layers.concatenate(x, y)
    assert_every_block_exact(layers.model([layers.conv(joined, 2, Geometry(), Weighting())]))


@pytest.mark.parametrize("size", [(3, 9), (8, 2), (4, 4), (10, 15), (2, 3)])
@pytest.mark.parametrize("bilinear", [False, True])
@pytest.mark.parametrize("half_pixel", [False, True])
def test_fractions(size: tuple[int, int], bilinear: bool, half_pixel: bool) -> None:
    layers = MoreLayers(Random(str(size)))
    x = layers.depthwise(layers.input(1, 4, 6, 2), 1, Geometry(), Weighting())
    y = layers.resize(x, *size, bilinear, half_pixel)
    assert_every_block_exact(layers.model([layers.conv(y, 2, Geometry(), Weighting())]))


def test_long_axes() -> None:
    """Where TFLM's fixed-point coordinates drift away from the exact ones."""
    layers = MoreLayers(Random(0))
    x = layers.input(1, 60, 200, 1)
    kinds = [(factor, half) for factor in (3, 5, 7) for half in (False, True)]
    assert_each_exact(layers.model([layers.resize(x, 60, 200 * factor, True, half) for factor, half in kinds]))


@pytest.mark.parametrize(
    ("size", "options", "reason"),
    [
        ((8, 12), {"align_corners": True, "half_pixel_centers": True}, "it aligns corners and centres"),
        ((37, 12), {}, "which is no fraction of small numbers"),
    ],
)
@pytest.mark.parametrize("kind", ["NearestNeighbor"])
def test_what_is_not_fused(kind: str, size: tuple[int, int], options: dict[str, bool], reason: str) -> None:
    layers = MoreLayers(Random(0))
    x = layers.input(1, 4, 6, 2)
    builtin = {"Bilinear": "RESIZE_BILINEAR", "NearestNeighbor": "RESIZE_NEAREST_NEIGHBOR"}[kind]
    out = layers._like(x, (1, *size, 2))
    layers._op(builtin, [x, layers._int32(list(size))], out, Table(f"Resize{kind}Options", options))
    assert reason in build_network(layers.model([out]).main).units[0].reason


@pytest.mark.parametrize("block", [1, 2, 3])
def test_depth_to_space(block: int) -> None:
    layers = MoreLayers(Random(block))
    x = layers.conv(layers.input(1, 4, 5, 2), 2 * block * block, Geometry(), Weighting())
    y = layers.depth_to_space(x, block)
    assert_every_block_exact(layers.model([layers.conv(y, 2, Geometry(), Weighting())]))


@pytest.mark.parametrize("size", [(1, 1), (1, 6), (5, 1), (4, 6), (7, 5), (24, 3)])
@pytest.mark.parametrize("larger", [(1, 1), (2, 9), (8, 12), (14, 10), (47, 6), (10, 40)])
@pytest.mark.parametrize("bilinear", [False, True])
def test_aligned_corners(size: tuple[int, int], larger: tuple[int, int], bilinear: bool) -> None:
    layers = MoreLayers(Random(f"{size} {larger}"))
    x = layers.relu(layers.input(1, *size, 3))
    assert_each_exact(layers.model([layers.resize(x, *larger, bilinear, False, aligned=True)]))


@pytest.mark.parametrize("bilinear", [False, True])
@pytest.mark.parametrize("factor", [2, 3])
def test_aligned_corners_inside_a_block(factor: int, bilinear: bool) -> None:
    layers = MoreLayers(Random(f"{factor} {bilinear}"))
    x = layers.conv(layers.input(1, 7, 6, 2), 3, Geometry(), Weighting())
    y = layers.resize(layers.relu(x), 7 * factor, 6 * factor, bilinear, False, aligned=True)
    assert_every_block_exact(layers.model([layers.conv(y, 2, Geometry(), Weighting())]))


@pytest.mark.parametrize("size", [(37, 12), (5, 31), (17, 19), (7, 7)])
@pytest.mark.parametrize("half_pixel", [False, True])
def test_bilinear_to_any_size(size: tuple[int, int], half_pixel: bool) -> None:
    layers = MoreLayers(Random(str(size)))
    x = layers.depthwise(layers.input(1, 13, 11, 2), 1, Geometry(), Weighting())
    y = layers.resize(x, *size, True, half_pixel)
    assert_each_exact(layers.model([layers.conv(y, 2, Geometry(), Weighting())]))


@pytest.mark.parametrize("size", [24, 48, 96, 200])
def test_windows_hardly_grow_where_corners_are_aligned(size: int) -> None:
    layers = MoreLayers(Random(size))
    x = layers.relu(layers.input(1, size, 3, 1))
    network = build_network(layers.model([layers.resize(x, 2 * size, 6, True, False, aligned=True)]).main)
    stage = network.units[-1].stage
    assert stage is not None and stage.window.kernel_h <= 3
