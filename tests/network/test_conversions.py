"""QUANTIZE and DEQUANTIZE that stay builtins: they write over what they read, in real TFLM, and no bit changes."""

from __future__ import annotations

from random import Random

import pytest

from testing.layers import Geometry, Weighting
from testing.operators import MoreLayers
from tests.exactness import Original, pareto_paths
from tflm_msf.graph import DType, Model
from tflm_msf.search.dag import layerwise_edges
from tflm_msf.search.placing import place_tensors


def float_ended(height: int, width: int, channels: int) -> Model:
    """A convolution between a QUANTIZE and a DEQUANTIZE."""
    layers = MoreLayers(Random(height))
    x = layers.quantized_input(DType.FLOAT32, (1, height, width, channels), 0.03, 5)
    x = layers.conv(x, channels, Geometry(), Weighting())
    return layers.model([layers.to_float(x)])


@pytest.mark.parametrize("size", [(1, 1, 1), (1, 3, 1), (5, 7, 3), (9, 8, 4), (16, 16, 1), (31, 3, 2)])
def test_a_float_end_costs_no_copy(size: tuple[int, int, int]) -> None:
    original = Original(float_ended(*size))
    largest = -(-4 * size[0] * size[1] * size[2] // 16) * 16
    for path in pareto_paths(original.network, most=3):
        original.assert_exact(path)
        placed = place_tensors(original.network, (path[0],))
        assert placed.total == largest


def test_an_output_starts_far_enough_in_front_of_what_it_overwrites() -> None:
    layers = MoreLayers(Random(9))
    x = layers.quantized_input(DType.FLOAT32, (1, 9, 8, 4), 0.03, 5)
    x = layers.to_uint8(layers.conv(x, 4, Geometry(), Weighting()))
    original = Original(layers.model([layers.to_float(x)]))
    network = original.network
    for path in pareto_paths(network, most=3):
        original.assert_exact(path)
    last = len(network.units) - 1
    (source,), (output,) = network.units[last].inputs, network.units[last].outputs
    assert network.overwritten(0) == (network.inputs[0], 0)
    assert network.overwritten(last) == (source, 3 * 9 * 8 * 4)
    assert network.overwritten(1) is None  # a convolution, which can be fused
    placed = place_tensors(network, tuple(layerwise_edges(network))[last:])
    assert placed.offsets[source] - placed.offsets[output] == 3 * 9 * 8 * 4


def test_what_is_read_again_is_not_overwritten() -> None:
    layers = MoreLayers(Random(2))
    x = layers.quantized_input(DType.FLOAT32, (1, 6, 6, 2), 0.03, 5)
    floats = x - 1
    model = layers.model([layers.conv(x, 2, Geometry(), Weighting()), layers.quantize(floats)])
    original = Original(model)
    assert original.network.overwritten(0) is None
    for path in pareto_paths(original.network, most=3):
        original.assert_exact(path)
