"""Operators that move values: CONCATENATION, SPLIT, SPLIT_V, SLICE, STRIDED_SLICE and SPACE_TO_DEPTH."""

from __future__ import annotations

from random import Random

import pytest

from testing.layers import Geometry, Weighting
from testing.operators import MoreLayers
from tests.exactness import assert_every_block_exact, blocks_to
from tflm_msf.graph import Table
from tflm_msf.network.units import build_network


@pytest.mark.parametrize("parts", range(1, 6))
def test_concatenation(parts: int) -> None:
    layers = MoreLayers(Random(parts))
    x = layers.input(1, 5, 6, 3)
    maps = [layers.depthwise(x, 1 + part % 2, Geometry((1 + part, 3)), Weighting()) for part in range(parts)]
    joined = layers.concatenate(*maps)
    assert_every_block_exact(layers.model([layers.conv(joined, 2, Geometry(), Weighting())]))


def test_concatenation_of_a_map_with_itself() -> None:
    layers = MoreLayers(Random(0))
    x = layers.relu(layers.input(1, 4, 5, 3))
    assert_every_block_exact(layers.model([layers.concatenate(x, x, x)]))


@pytest.mark.parametrize("parts", range(2, 5))
def test_concatenation_of_rows(parts: int) -> None:
    layers = MoreLayers(Random(parts))
    x = layers.input(1, 6, 5, 3)
    maps = [
        layers.conv(x, 2, Geometry((3, 3), (stride, 1)), Weighting())
        for stride in ([2, 1, 3, 1] if parts < 4 else [6] * 4)
    ]
    joined = layers.append(*maps[:parts])
    assert_every_block_exact(layers.model([layers.depthwise(joined, 1, Geometry(), Weighting())]))


def test_heads_of_a_detector_are_joined_where_they_lie() -> None:
    """As SSD does it: maps of several sizes, flattened, joined, an activation over all of them."""
    layers = MoreLayers(Random(7))
    x = layers.conv(layers.input(1, 8, 6, 3), 4, Geometry(), Weighting())
    heads = []
    for size in (8 * 6, 4 * 3, 2 * 2):
        heads.append(layers.reshape(layers.conv(x, 6, Geometry(), Weighting()), 1, 2 * size, 3))
        x = layers.conv(x, 4, Geometry(stride=(2, 2)), Weighting())
    joined = layers.append(*heads)
    model = layers.model([layers.activation("LOGISTIC", joined), layers.relu(x)])
    assert_every_block_exact(model)
    network = build_network(model.main)
    assert all(unit.stage for unit in network.units)
    (last,) = (number for number, unit in enumerate(network.units) if unit.outputs == (joined,))
    block = next(edge.block for edge in blocks_to(network, last) if edge.block)
    assert block.overlap_input in network.units[last - 1].outputs
    assert block.overlap == 0


def test_concatenation_of_a_tensor_with_itself_and_with_the_input() -> None:
    layers = MoreLayers(Random(8))
    x = layers.input(1, 3, 4, 2)
    y = layers.like(layers.relu(x), x)
    assert_every_block_exact(layers.model([layers.append(x, y, y, x)]))


def test_a_part_is_read_by_others_too() -> None:
    layers = MoreLayers(Random(9))
    x = layers.relu(layers.input(1, 4, 5, 2))
    y = layers.depthwise(x, 1, Geometry((3, 3), (2, 1)), Weighting())
    joined = layers.append(x, y)
    assert_every_block_exact(layers.model([layers.relu(joined), layers.conv(y, 3, Geometry(), Weighting()), x]))


def test_concatenation_that_is_not_fused() -> None:
    layers = MoreLayers(Random(1))
    x, y = layers.input(1, 4, 5, 3), layers.input(1, 4, 5, 3)
    out = layers._like(x, (1, 4, 10, 3))
    layers._op("CONCATENATION", [x, layers.like(y, x)], out, Table("ConcatenationOptions", {"axis": 2}))
    units = build_network(layers.model([out]).main).units
    assert units[-1].reason == "it joins neither channels nor tensors that stay whole"


@pytest.mark.parametrize("axis", [1, 2, 3, -1])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_split(axis: int, count: int) -> None:
    layers = MoreLayers(Random(f"{axis} {count}"))
    x = layers.relu(layers.input(1, 6, 6, 6))
    parts = layers.split(x, axis, count)
    assert_every_block_exact(layers.model([layers.relu(part) for part in parts[1:] or parts]))


@pytest.mark.parametrize(("axis", "sizes"), [(1, [1, 4]), (2, [3, 2, 2]), (3, [5, 1]), (3, [6])])
@pytest.mark.parametrize("rest", [False, True])
def test_split_v(axis: int, sizes: list[int], rest: bool) -> None:
    layers = MoreLayers(Random(f"{axis} {sizes}"))
    x = layers.relu(layers.input(1, 5, 7, 6))
    parts = layers.split_sizes(x, axis, sizes, rest)
    assert_every_block_exact(layers.model([layers.conv(part, 2, Geometry(), Weighting()) for part in parts]))


@pytest.mark.parametrize(
    ("begin", "shape"),
    [
        ([0, 0, 0, 0], [1, 7, 6, 5]),
        ([0, 2, 0, 1], [1, 5, 6, 3]),
        ([0, 6, 5, 4], [1, 1, 1, 1]),
        ([0, 1, 3, 0], [1, 4, 2, 5]),
    ],
)
def test_slice(begin: list[int], shape: list[int]) -> None:
    layers = MoreLayers(Random(str(begin)))
    x = layers.conv(layers.input(1, 7, 6, 2), 5, Geometry(), Weighting())
    assert_every_block_exact(layers.model([layers.conv(layers.slice(x, begin, shape), 3, Geometry(), Weighting())]))


@pytest.mark.parametrize(
    ("begin", "end", "steps", "masks"),
    [
        ([0, 0, 0, 0], [1, 9, 8, 5], [1, 2, 2, 1], {}),
        ([0, 1, 0, 0], [1, 9, 8, 5], [1, 2, 3, 1], {}),
        ([0, -4, -8, 1], [1, -1, 100, -1], [1, 1, 2, 1], {}),
        ([0, 3, 3, 3], [0, 0, 0, 0], [1, 1, 1, 1], {"begin_mask": 1, "end_mask": 15}),
        ([0, 3, 3, 3], [1, 4, 7, 5], [1, 1, 1, 1], {"begin_mask": 14}),
        ([0, 2, 0, 0], [1, 3, 8, 5], [1, 1, 1, 1], {"shrink_axis_mask": 2}),
        ([0, -1, 0, 0], [1, 0, 8, 5], [1, 1, 1, 1], {"shrink_axis_mask": 2}),
        ([0, 0, 0, 2], [1, 9, 8, 3], [1, 1, 1, 1], {}),
    ],
)
def test_strided_slice(begin: list[int], end: list[int], steps: list[int], masks: dict[str, int]) -> None:
    layers = MoreLayers(Random(f"{begin} {end}"))
    x = layers.conv(layers.input(1, 9, 8, 2), 5, Geometry(), Weighting())
    assert_every_block_exact(layers.model([layers.relu(layers.strided_slice(x, begin, end, steps, **masks))]))


@pytest.mark.parametrize(
    ("begin", "end", "steps", "masks", "reason"),
    [
        ([0, 3, 0, 0], [1, 0, 4, 4], [1, -1, 1, 1], {}, "it steps backward"),
        ([0, 0, 0, 1], [1, 4, 4, 2], [1, 1, 1, 1], {"shrink_axis_mask": 8}, "its output has another shape"),
        ([0, 0, 0, 0], [1, 4, 4, 4], [1, 1, 1, 1], {"ellipsis_mask": 2}, "it has an ellipsis mask"),
    ],
)
def test_strided_slice_that_is_not_fused(
    begin: list[int], end: list[int], steps: list[int], masks: dict[str, int], reason: str
) -> None:
    layers = MoreLayers(Random(0))
    x = layers.strided_slice(layers.input(1, 4, 4, 4), begin, end, steps, **masks)
    assert reason in build_network(layers.model([x]).main).units[0].reason


@pytest.mark.parametrize("block", [1, 2, 3])
def test_space_to_depth(block: int) -> None:
    layers = MoreLayers(Random(block))
    x = layers.depthwise(layers.input(1, 6, 12, 2), 1, Geometry(), Weighting())
    y = layers.space_to_depth(x, block)
    assert_every_block_exact(layers.model([layers.conv(y, 3, Geometry(), Weighting())]))
