"""TFLM's fixed-point arithmetic, bit for bit, for what is decided at rewrite time.

Sources: gemmlowp's ``fixedpoint.h`` (double rounding) and TFLM's ``quantization_util.cc`` and ``kernel_util.cc``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from tflm_msf.graph.model import Quantization

INT8_MIN, INT8_MAX = -128, 127
INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1

SOFTMAX_INTEGER_BITS = 5
"""Integer bits of SOFTMAX's exponent, the difference to the pixel's largest value."""

IntArray = npt.NDArray[np.int64]


def round_half_away(value: float) -> int:
    """Nearest integer, ties away from zero (C's ``round``)."""
    return math.floor(abs(value) + 0.5) * (1 if value >= 0 else -1)


def quantize_multiplier(real: float) -> tuple[int, int]:
    """``real`` as (multiplier, shift) with real ≈ multiplier * 2^(shift - 31) and multiplier in [2^30, 2^31).

    As TFLM's ``QuantizeMultiplier``: values below 2^-31 become (0, 0).
    """
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    multiplier = round_half_away(fraction * (1 << 31))
    if multiplier == 1 << 31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    return multiplier, shift


def quantize_multipliers(reals: Sequence[float]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """:func:`quantize_multiplier` of each: all multipliers, all shifts."""
    fractions, shifts = np.frexp(np.array(reals, np.float64))
    multipliers = np.copysign(np.floor(np.abs(fractions) * (1 << 31) + 0.5), fractions).astype(np.int64)
    carried = multipliers == 1 << 31
    multipliers, exponents = np.where(carried, multipliers // 2, multipliers), shifts.astype(np.int64) + carried
    vanishing = exponents < -31
    return np.where(vanishing, 0, multipliers).astype(np.int32), np.where(vanishing, 0, exponents)


def rescale(values: IntArray, multiplier: int, shift: int) -> IntArray:
    """``values * multiplier * 2^(shift - 31)`` with gemmlowp's two roundings (int32 in, int32 out)."""
    left, right = max(shift, 0), max(-shift, 0)
    product = wrapped(values << left) * multiplier
    nudged = product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    high = np.minimum(np.where(nudged >= 0, nudged >> 31, -((-nudged) >> 31)), INT32_MAX)
    mask = (1 << right) - 1
    threshold = (mask >> 1) + (high < 0)
    return cast(IntArray, (high >> right) + ((high & mask) > threshold))


def requantize(values: IntArray, multiplier: int, shift: int, zero: int) -> IntArray:
    """:func:`rescale` and the output's zero point, added in int32: the last step of most kernels before they clamp."""
    return wrapped(rescale(values, multiplier, shift) + zero)


def wrapped(values: IntArray) -> IntArray:
    """Values modulo 2^32, from -2^31 on: what TFLM's int32 arithmetic keeps of them."""
    return (values - INT32_MIN) % (1 << 32) + INT32_MIN


def softmax_unit(scale: float, beta: float) -> float:
    """How much of SOFTMAX's fixed-point exponent a difference of 1 between int8 inputs is.

    TFLM's int8 kernel stops the program unless it is more than 1.
    """
    return beta * scale * (1 << (31 - SOFTMAX_INTEGER_BITS))


def keeps_order(bound: int, shift: int) -> bool:
    """True if :func:`requantize` with a positive multiplier keeps the order of all values from ``-bound`` to ``bound``.

    Then what it makes of the ends of a range is the least and the most of all. Where something wraps on the way, the
    ends tell nothing of what lies between them.
    """
    return bound << max(shift, 0) <= INT32_MAX - INT8_MAX


def activation_range(activation: int, quantization: Quantization) -> tuple[int, int]:
    """Clamp limits of a fused activation on an int8 output, as TFLM's ``CalculateActivationRangeQuantized``.

    ``activation`` is the schema's ``ActivationFunctionType``: 0 none, 1 RELU, 2 RELU_N1_TO_1, 3 RELU6.

    Raises:
        KeyError: for others, since TFLM's int8 kernels ignore or refuse them.
        OverflowError: see :func:`quantize`.
    """
    low, high = {0: (None, None), 1: (0.0, None), 2: (-1.0, 1.0), 3: (0.0, 6.0)}[activation]
    return (
        INT8_MIN if low is None else max(INT8_MIN, quantize(low, quantization)),
        INT8_MAX if high is None else min(INT8_MAX, quantize(high, quantization)),
    )


def quantize(real: float, quantization: Quantization) -> int:
    """A real number on a per-tensor scale, in float32 as TFLM computes it, not clamped.

    Raises:
        OverflowError: if it does not fit int32: some kernels of TFLM then refuse the model, some leave what they need
            unset, and some convert it all the same, which gives other values on other processors.
    """
    rounded = round_half_away(float(np.float32(real) / np.float32(quantization.scale[0])))
    if abs(rounded) > INT32_MAX - (1 << 8):
        raise OverflowError
    return quantization.zero_point[0] + rounded
