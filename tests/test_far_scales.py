"""Scales far apart: where the reference wraps, gives up or depends on the processor, no bit may be otherwise."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from testing.layers import RELU6, Geometry, Weighting
from testing.operators import MoreLayers
from tests.exactness import Original, assert_each_exact, blocks_to
from tests.far_scales import compare, far_network, shifts_of
from tflm_msf.graph import Quantization
from tflm_msf.graph.fixed_point import keeps_order, requantize
from tflm_msf.network.units import build_network
from tflm_msf.program.layout import Weights

TINY = (1e-12, 2e-9)
"""Scales on which 6 does not fit int32."""


@pytest.mark.parametrize("first_seed", range(0, 80, 40))
def test_networks(first_seed: int) -> None:
    assert sum(compare(seed) for seed in range(first_seed, first_seed + 40)) > 100


@pytest.mark.slow
@pytest.mark.parametrize("first_seed", range(100, 1500, 50))
def test_five_thousand_rewrites(first_seed: int) -> None:
    assert sum(compare(seed) for seed in range(first_seed, first_seed + 50)) > 150


def test_the_networks_reach_every_operator_and_far_shifts() -> None:
    found = [pair for seed in range(200) for pair in shifts_of(build_network(far_network(seed).main))]
    assert {op.name for op, _ in found} >= {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"}
    assert {op.name for op, _ in found} >= {"ADD", "SUB", "MUL", "PRELU", "GLOBAL_POOL"}
    far = [shift for _, shift in found if abs(shift) >= 8]
    assert len(far) > len(found) // 3
    assert min(far) <= -30
    assert max(far) >= 26


@pytest.mark.parametrize("exponent", range(24, 30))
@pytest.mark.parametrize("zero", [-100, 6, 100])
def test_sums_that_wrap_between_their_ends(exponent: int, zero: int) -> None:
    """Both ends of a sum's range often give the same output, and values in between another one."""
    layers = MoreLayers(Random(f"{exponent} {zero}"))
    x = layers.scaled_input(0.08, 0, 1, 3, 3, 2)
    y = layers.depthwise(x, 1, Geometry((1, 1)), Weighting())
    weights = layers.tensors[y - 2].quantization
    assert weights is not None
    scale = float(np.float32(0.08 * weights.scale[0] / 2**exponent))
    layers.tensors[y] = replace(layers.tensors[y], quantization=Quantization((scale,), (zero,)))
    original = Original(layers.model([y]))
    for layout in Weights:
        original.assert_exact((next(blocks_to(original.network, 0)),), layout)


def every_value() -> np.ndarray:
    return np.arange(-128, 128).astype(np.int8).reshape(1, 4, 64, 1)


@pytest.mark.parametrize("scale", TINY)
@pytest.mark.parametrize("zero", [-5, 0, 5])
def test_relu6_on_a_scale_on_which_six_does_not_fit(scale: float, zero: int) -> None:
    layers = MoreLayers(Random(1))
    model = layers.model([layers.relu6(layers.scaled_input(scale, zero, 1, 4, 64, 1))])
    (unit,) = build_network(model.main).units
    assert unit.reason == "its scale is too small for 6 to fit int32"
    larger = MoreLayers(Random(1))
    assert_each_exact(larger.model([larger.relu6(larger.scaled_input(4e-9, zero, 1, 4, 64, 1))]), [[every_value()]])


@pytest.mark.parametrize("scale", TINY)
def test_a_pool_whose_clamp_does_not_fit(scale: float) -> None:
    layers = MoreLayers(Random(2))
    pooled = layers.max_pool(layers.scaled_input(scale, -75, 1, 4, 64, 1), Geometry(), RELU6)
    original = Original(layers.model([pooled]), [[every_value()]])
    assert [unit.reason for unit in original.network.units] == [
        "its output scale is too small for its fused activation"
    ]
    original.assert_exact(tuple(blocks_to(original.network, 0)))


@pytest.mark.parametrize("is_constant", [True, False])
@pytest.mark.parametrize("zero", [-128, 127])
def test_outputs_that_wrap_as_the_zero_point_is_added(zero: int, is_constant: bool) -> None:
    """-128 * 128 * 2^17 is -2^31, and the product of these scales a little less than a power of two."""
    layers = MoreLayers(Random(3))
    x = layers.scaled_input(1 - 2.0**-13, 0, 1, 4, 64, 1)
    other = layers.constant(1) if is_constant else layers.input(1, 4, 64, 1)
    quantization, data = Quantization((1 + 2.0**-13,), (-1,)), bytes([127]) if is_constant else None
    layers.tensors[other] = replace(layers.tensors[other], quantization=quantization, data=data)
    y = layers.mul(x, other)
    layers.tensors[y] = replace(layers.tensors[y], quantization=Quantization((2.0**-17,), (zero,)))
    inputs = [every_value()] if is_constant else [every_value(), np.full((1, 4, 64, 1), 127, np.int8)]
    model = layers.model([y])
    assert Original(model, [inputs]).expected[0][0][0, 0, 0, 0] == (127 if zero < 0 else -128)
    assert_each_exact(model, [inputs])


def test_order_is_kept_up_to_the_bound_and_not_beyond() -> None:
    """By trial of every shift: with the largest bound, values next to it are in order, and nothing wraps."""
    for shift in range(31):
        bound = ((1 << 31) - 1 - 127) >> shift
        assert keeps_order(bound, shift)
        assert not keeps_order(bound + 1, shift)
        values = np.array([-bound, -bound + 1, -1, 0, 1, bound - 1, bound])
        for zero in (-128, 127):
            assert (np.diff(requantize(np.sort(values), (1 << 31) - 1, shift, zero)) >= 0).all()
