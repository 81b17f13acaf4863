"""Activation functions as tables: LOGISTIC, TANH, HARD_SWISH, LEAKY_RELU, ELU, RELU, RELU6 and ABS."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from tflm_msf.graph import gemmlowp
from tflm_msf.graph.fixed_point import (
    INT8_MAX,
    INT8_MIN,
    IntArray,
    quantize,
    quantize_multiplier,
    requantize,
    rescale,
    round_half_away,
    wrapped,
)
from tflm_msf.ops.conditions import SCALES, fused_if
from tflm_msf.ops.context import OpContext
from tflm_msf.ops.pointwise import VALUES, table_of_op
from tflm_msf.ops.stage import NotFusableError, Stage

INPUT_INTEGER_BITS = 4
"""Integer bits of the fixed-point argument of LOGISTIC and TANH."""

TOO_SMALL = "its output scale is too small for TFLM"

Floats = npt.NDArray[np.float32]


@fused_if(SCALES)
def lower_relu(context: OpContext) -> Stage:
    """RELU: rescaled from the input's to the output's scale, then clamped (``CalculateReluOpData``)."""
    source, target = context.int8_activation(context.tensor(0)), context.int8(context.output)
    multiplier, shift = quantize_multiplier(source.scale[0] / target.scale[0])
    context.require(shift <= 30, TOO_SMALL)
    scaled = requantize(VALUES - source.zero_point[0], multiplier, shift, target.zero_point[0])
    low = max(INT8_MIN, quantize(0.0, target))
    return table_of_op(context, np.clip(scaled, low, INT8_MAX))


@fused_if("a scale on which 6 fits int32")
def lower_relu6(context: OpContext) -> Stage:
    """RELU6: TFLM clamps on the input's scale and does not rescale."""
    source = context.int8_activation(context.tensor(0))
    try:
        six = int(np.clip(quantize(6.0, source), INT8_MIN, INT8_MAX))
    except OverflowError:
        raise NotFusableError("its scale is too small for 6 to fit int32") from None
    return table_of_op(context, np.clip(VALUES, source.zero_point[0], six))


@fused_if("an output with zero point -128", "an input scale that TFLM's 4 integer bits can take")
def lower_logistic(context: OpContext) -> Stage:
    """LOGISTIC: TFLM takes the output to be on scale 1/256 whatever it says, and checks its zero point."""
    target = context.int8(context.output)
    context.require(target.zero_point[0] == INT8_MIN, "its output's zero point is not -128")
    return _sigmoid(context, gemmlowp.logistic, fraction_bits=8, zero=INT8_MIN)


@fused_if("an input scale that TFLM's 4 integer bits can take")
def lower_tanh(context: OpContext) -> Stage:
    """TANH: TFLM takes the output to be on scale 1/128 with zero point 0 whatever it says."""
    context.int8(context.output)
    return _sigmoid(context, gemmlowp.tanh, fraction_bits=7, zero=0)


@fused_if("scales that TFLM's 16-bit arithmetic takes")
def lower_hard_swish(context: OpContext) -> Stage:
    """HARD_SWISH: x * relu6(x + 3) / 6 in 16 bits (``HardSwishPrepare`` and its reference kernel)."""
    source, target = context.int8_activation(context.tensor(0)), context.int8(context.output)
    fine_scale = source.scale[0] / 128
    multiplier, shift = quantize_multiplier(fine_scale / target.scale[0])
    relu_multiplier, relu_shift = quantize_multiplier(fine_scale / (3 / 32768))
    context.require(shift <= 0, TOO_SMALL)
    context.require(shift >= -15, "its output scale is too large for 16 bits")
    context.require(-15 <= relu_shift <= 30, "its input scale is too large or too small for 16 bits")
    fine = (VALUES - source.zero_point[0]) << 7
    gate = fine
    if relu_shift > 0:
        gate = _saturate16(gate << (relu_shift - 1))
    gate = _high_mul16(gate, _to_16_bits(relu_multiplier))
    if relu_shift > 0:
        gate = _saturate16(gate << 1)
    if relu_shift < 0:
        gate = gemmlowp.rounding_shift(gate, -relu_shift)
    gate = (gate + (1 << 15)) >> 1
    product = gate * _high_mul16(fine, _to_16_bits(multiplier))
    gated = np.where(product >= 0, product >> 15, -(-product >> 15))
    result = _wrapped16(gemmlowp.rounding_shift(gated, -shift) + target.zero_point[0])
    return table_of_op(context, np.clip(result, INT8_MIN, INT8_MAX))


@fused_if(SCALES, "a finite slope")
def lower_leaky_relu(context: OpContext) -> Stage:
    """LEAKY_RELU: one multiplier for each sign (``CalculateOpDataLeakyRelu``)."""
    source, target = context.int8_activation(context.tensor(0)), context.int8(context.output)
    slope = source.scale[0] * context.real_option("alpha", 0.0) / target.scale[0]
    context.require(math.isfinite(slope), "its slope is not finite")
    sign = -1 if slope < 0 else 1
    identity = quantize_multiplier(source.scale[0] / target.scale[0])
    negative = quantize_multiplier(abs(slope))
    context.require(max(identity[1], negative[1]) <= 30, TOO_SMALL)
    x = VALUES - source.zero_point[0]
    result = wrapped(np.where(x >= 0, rescale(x, *identity), sign * rescale(x, *negative)) + target.zero_point[0])
    return table_of_op(context, np.clip(result, INT8_MIN, INT8_MAX))


@fused_if("a table that does not depend on how a C library rounds `expf`")
def lower_elu(context: OpContext) -> Stage:
    """ELU, where TFLM's own table does not depend on how the device's C library rounds ``expf``.

    TFLM fills its table in float32 at start-up. C libraries differ in the last bit of ``expf``, so the operator is
    only fused if a bit more or less changes no entry.
    """
    entries, *others = elu_tables(context)
    if not all(np.array_equal(entries, other) for other in others):
        raise NotFusableError("its result depends on the C library's exp on the device: --allow-libm makes it a table")
    return table_of_op(context, entries)


def elu_tables(context: OpContext) -> list[IntArray]:
    """ELU's table with ``expf`` rounded to nearest, and one number further down and up. Raises NotFusableError."""
    source, target = context.int8_activation(context.tensor(0)), context.int8(context.output)
    real = np.float32(source.scale[0]) * (VALUES - source.zero_point[0]).astype(np.float32)
    nearest = np.exp(np.minimum(real, 0).astype(np.float64)).astype(np.float32)
    less, more = np.nextafter(nearest, np.float32(0)), np.nextafter(nearest, np.float32(2))
    inverse = np.float32(1) / np.float32(target.scale[0])
    context.require(bool(np.isfinite(inverse)) and float(abs(real).max() * inverse) < 1 << 24, TOO_SMALL)

    def table(power: Floats) -> IntArray:
        scaled = np.where(real < 0, power - np.float32(1), real) * inverse
        rounded = [round_half_away(float(value)) + target.zero_point[0] for value in scaled]
        return np.clip(np.array(rounded, np.int64), INT8_MIN, INT8_MAX)

    return [table(power) for power in (nearest, less, more)]


@fused_if(SCALES)
def lower_abs(context: OpContext) -> Stage:
    """ABS: rescaled only if the scales differ (``PrepareAbsRsqrt``)."""
    source, target = context.int8_activation(context.tensor(0)), context.int8(context.output)
    value = np.abs(VALUES - source.zero_point[0])
    if source.scale[0] != target.scale[0]:
        multiplier, shift = quantize_multiplier(source.scale[0] / target.scale[0])
        context.require(shift <= 30, TOO_SMALL)
        value = rescale(value, multiplier, shift)
    return table_of_op(context, np.clip(wrapped(value + target.zero_point[0]), INT8_MIN, INT8_MAX))


def _sigmoid(context: OpContext, curve: Callable[[IntArray, int], IntArray], fraction_bits: int, zero: int) -> Stage:
    """The table of LOGISTIC or TANH (``CalculateArithmeticOpData``): the curve inside, the extremes far out."""
    source = context.int8_activation(context.tensor(0))
    fraction, shift = math.frexp(float(np.float32(source.scale[0])) * (1 << (31 - INPUT_INTEGER_BITS)))
    multiplier = round_half_away(fraction * (1 << 31))
    context.require(0 <= shift <= 62 and multiplier < 1 << 31, "its input scale is too large or too small for TFLM")
    radius = ((1 << INPUT_INTEGER_BITS) - 1 << (31 - INPUT_INTEGER_BITS)) >> shift
    x = VALUES - source.zero_point[0]
    inside = abs(x) < radius
    argument = rescale(np.where(inside, x, 0), multiplier, shift if radius else 0)
    result = gemmlowp.rounding_shift(curve(argument, INPUT_INTEGER_BITS), 31 - fraction_bits) + zero
    table = np.where(inside, result, np.where(x <= -radius, INT8_MIN, INT8_MAX))
    return table_of_op(context, np.clip(table, INT8_MIN, INT8_MAX))


def _to_16_bits(multiplier: int) -> int:
    """A multiplier of 31 bits rounded to 15 (``DownScaleInt32ToInt16Multiplier``)."""
    return min((multiplier + (1 << 15)) >> 16, (1 << 15) - 1)


def _high_mul16(values: IntArray, multiplier: int) -> IntArray:
    """Gemmlowp's rounding doubling high multiplication in 16 bits."""
    product = values * multiplier
    nudged = product + np.where(product >= 0, 1 << 14, 1 - (1 << 14))
    return np.where(nudged >= 0, nudged >> 15, -(-nudged >> 15))


def _wrapped16(values: IntArray) -> IntArray:
    return (values + (1 << 15)) % (1 << 16) - (1 << 15)


def _saturate16(values: IntArray) -> IntArray:
    return np.clip(values, -(1 << 15), (1 << 15) - 1)
