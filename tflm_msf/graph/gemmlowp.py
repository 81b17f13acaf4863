"""Gemmlowp's fixed-point functions, bit for bit, on arrays of raw values held in int64.

A raw value with i integer bits stands for raw * 2^(i - 31). Every function takes and returns raw int32 values; the
number of integer bits of results is 0 unless said otherwise. Source: gemmlowp's ``fixedpoint.h``.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from tflm_msf.graph.fixed_point import IntArray

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1
ONE = INT32_MAX
"""1.0 with no integer bits: the largest raw value."""

FACTORS = ((-2, 1672461947), (-1, 1302514674), (0, 790015084), (1, 290630308), (2, 39332535), (3, 720401), (4, 242))
"""(n, raw exp(-2^n)) with no integer bits."""


def high_mul(a: IntArray, b: IntArray | int) -> IntArray:
    """The product of two raw values, rounded to nearest (``SaturatingRoundingDoublingHighMul``)."""
    product = a * b
    nudged = product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    high = np.where(nudged >= 0, nudged >> 31, -((-nudged) >> 31))
    return np.minimum(high, INT32_MAX)


def rounding_shift(values: IntArray, exponent: int) -> IntArray:
    """Values divided by 2^exponent, to nearest, ties away from zero (``RoundingDivideByPOT``)."""
    mask = (1 << exponent) - 1
    threshold = (mask >> 1) + (values < 0)
    return cast(IntArray, (values >> exponent) + ((values & mask) > threshold))


def saturating_shift(values: IntArray, exponent: int) -> IntArray:
    """Values times 2^exponent, clamped to int32 (``SaturatingRoundingMultiplyByPOT``)."""
    return cast(IntArray, np.clip(values << exponent, INT32_MIN, INT32_MAX))


def exp_on_negative_values(a: IntArray, integer_bits: int) -> IntArray:
    """e^a for a <= 0 with ``integer_bits`` of at most 5."""
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    in_quarter = (a & (quarter - 1)) - quarter
    result = _exp_on_last_quarter(in_quarter << integer_bits)
    remainder = in_quarter - a
    for exponent, factor in FACTORS:
        if exponent < integer_bits:
            is_set = remainder & (1 << (fraction_bits + exponent))
            result = np.where(is_set != 0, high_mul(result, factor), result)
    return np.where(a == 0, ONE, result)


def one_over_one_plus(x: IntArray) -> IntArray:
    """1 / (1 + x) for x from 0 to 1 with no integer bits (``one_over_one_plus_x_for_x_in_0_1``)."""
    return saturating_shift(_two_over_one_plus(x), 1)


def logistic(a: IntArray, integer_bits: int) -> IntArray:
    """1 / (1 + e^-a)."""
    positive = one_over_one_plus(exp_on_negative_values(-np.abs(a), integer_bits))
    return np.where(a == 0, 1 << 30, np.where(a > 0, positive, ONE - positive))


def tanh(a: IntArray, integer_bits: int) -> IntArray:
    """The hyperbolic tangent: (1 - e^-2|a|) / (1 + e^-2|a|) with the sign of a."""
    decayed = exp_on_negative_values(-np.abs(a), integer_bits + 1)
    magnitude = saturating_shift(_two_over_one_plus(decayed) - (1 << 29), 2)
    return np.where(a == 0, 0, np.where(a < 0, -magnitude, magnitude))


def _exp_on_last_quarter(a: IntArray) -> IntArray:
    """e^a for a in [-1/4, 0) with no integer bits: Taylor's series to the fourth power around -1/8."""
    exp_minus_eighth, third = 1895147668, 715827883
    x = a + (1 << 28)
    x2 = high_mul(x, x)
    x3 = high_mul(x2, x)
    x4_over_4 = rounding_shift(high_mul(x2, x2), 2)
    higher_powers = rounding_shift(high_mul(x4_over_4 + x3, third) + x2, 1)
    return exp_minus_eighth + high_mul(x + higher_powers, exp_minus_eighth)


def _two_over_one_plus(x: IntArray) -> IntArray:
    """2 / (1 + x) with two integer bits, by three steps of Newton and Raphson on half the denominator."""
    half_denominator = (x + ONE + 1) // 2
    y = 1515870810 + high_mul(half_denominator, -1010580540)
    for _ in range(3):
        error = (1 << 29) - high_mul(half_denominator, y)
        y = y + saturating_shift(high_mul(y, error), 2)
    return y
