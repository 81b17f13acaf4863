"""ADD, SUB and MUL: every pair of values, and every way of broadcasting that is fused."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from testing.layers import Layers
from testing.operators import MoreLayers
from tests.exactness import Original, assert_each_exact, assert_every_block_exact, blocks_to
from tflm_msf.graph import Model


@pytest.mark.parametrize("seed", range(5))
def test_every_pair_of_values(seed: int) -> None:
    layers = Layers(Random(seed))
    a, b = layers.input(1, 256, 256, 1), layers.input(1, 256, 256, 1)
    results = [
        operator(a, b, activation) for operator in (layers.add, layers.sub, layers.mul) for activation in range(4)
    ]
    rows, cols = np.meshgrid(np.arange(-128, 128), np.arange(-128, 128), indexing="ij")
    pairs = [grid.astype(np.int8).reshape(1, 256, 256, 1) for grid in (rows, cols)]
    original = Original(layers.model(results), [pairs])
    original.assert_exact(tuple(next(blocks_to(original.network, unit)) for unit in range(len(results))))


@pytest.mark.parametrize("seed", range(8))
def test_squared_difference_of_every_pair_of_values(seed: int) -> None:
    layers = MoreLayers(Random(seed))
    a, b = layers.input(1, 256, 256, 1), layers.input(1, 256, 256, 1)
    results = [layers.squared_difference(a, b), layers.squared_difference(b, a), layers.squared_difference(a, a)]
    rows, cols = np.meshgrid(np.arange(-128, 128), np.arange(-128, 128), indexing="ij")
    pairs = [grid.astype(np.int8).reshape(1, 256, 256, 1) for grid in (rows, cols)]
    original = Original(layers.model(results), [pairs])
    original.assert_exact(tuple(next(blocks_to(original.network, unit)) for unit in range(len(results))))


@pytest.mark.parametrize("shape", [(), (5,), (1, 1, 1, 5), (1, 6, 7, 5)])
@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("swapped", [False, True])
def test_squared_difference(shape: tuple[int, ...], constant: bool, swapped: bool) -> None:
    layers = MoreLayers(Random(f"{shape} {constant}"))
    x = layers.input(1, 6, 7, 5)
    y = layers.constant(*shape) if constant else layers.input(*(shape or (5,)))
    result = layers.squared_difference(*((y, x) if swapped else (x, y)))
    assert_each_exact(layers.model([result]))


def broadcast_model(operator: str, swapped: bool, shape: tuple[int, ...], constant: bool) -> Model:
    layers = Layers(Random(f"{operator} {swapped} {shape}"))
    x = layers.input(1, 6, 7, 5)
    y = layers.constant(*shape) if constant else layers.input(*shape)
    a, b = (y, x) if swapped else (x, y)
    return layers.model([getattr(layers, operator)(a, b, activation) for activation in range(4)])


@pytest.mark.parametrize(
    ("operator", "swapped"), [("add", False), ("add", True), ("mul", False), ("mul", True), ("sub", False)]
)
@pytest.mark.parametrize("shape", [(), (1,), (5,), (1, 5), (1, 1, 5), (1, 1, 1, 1), (1, 1, 1, 5), (1, 6, 7, 5)])
def test_with_a_constant(operator: str, swapped: bool, shape: tuple[int, ...]) -> None:
    assert_each_exact(broadcast_model(operator, swapped, shape, constant=True))


@pytest.mark.parametrize(
    ("operator", "swapped"), [("add", False), ("add", True), ("mul", False), ("mul", True), ("sub", False)]
)
@pytest.mark.parametrize("shape", [(5,), (1, 5), (1, 1, 1, 5), (1, 6, 7, 5)])
def test_with_another_map(operator: str, swapped: bool, shape: tuple[int, ...]) -> None:
    assert_each_exact(broadcast_model(operator, swapped, shape, constant=False))


@pytest.mark.parametrize("operator", ["add", "sub", "mul"])
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 1, 7, 5), (1, 6, 1, 5), (1, 6, 7, 1)])
def test_other_broadcasts_stay_builtins(operator: str, shape: tuple[int, ...]) -> None:
    original = Original(broadcast_model(operator, False, shape, constant=False))
    assert {unit.reason for unit in original.network.units} == {
        f"it broadcasts {list(shape)} over other axes than height and width"
    }
    original.assert_exact(tuple(next(blocks_to(original.network, unit)) for unit in range(4)))


@pytest.mark.parametrize("shape", [(5,), (1, 1, 1, 5)])
@pytest.mark.parametrize("constant", [False, True])
def test_a_smaller_minuend_stays_a_builtin(shape: tuple[int, ...], constant: bool) -> None:
    original = Original(broadcast_model("sub", True, shape, constant))
    assert {unit.reason for unit in original.network.units} == {"its first operand is broadcast"}
    original.assert_exact(tuple(next(blocks_to(original.network, unit)) for unit in range(4)))


@pytest.mark.parametrize("operator", ["add", "sub", "mul"])
def test_a_map_with_itself(operator: str) -> None:
    layers = Layers(Random(operator))
    x = layers.relu(layers.input(1, 5, 6, 3))
    assert_every_block_exact(layers.model([getattr(layers, operator)(x, x)]))
