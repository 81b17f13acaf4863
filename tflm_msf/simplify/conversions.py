"""DEQUANTIZE and the QUANTIZE behind it: nothing, if they are on one scale, or the QUANTIZE from int8 to int8.

TFLM computes (value - zero point) * scale in float32, divides by the other scale and rounds; from int8 to int8 it
rounds a fixed-point product. All 256 values are tried: the pair is folded if each gives the same byte either way.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tflm_msf.graph import DType, Quantization
from tflm_msf.graph.fixed_point import INT8_MAX, INT8_MIN, IntArray, quantize_multiplier, requantize
from tflm_msf.simplify.rule import Edit, Rule, Wiring

VALUES = np.arange(INT8_MIN, INT8_MAX + 1, dtype=np.int64)

LARGEST = 1 << 30
"""Numbers beyond it are not rounded to an int32 in the same way everywhere."""

Floats = npt.NDArray[np.float32]


def fold(wiring: Wiring, index: int) -> Edit | None:
    """QUANTIZE ``index`` on what the DEQUANTIZE before it reads."""
    op = wiring.graph.ops[index]
    before = wiring.maker(op.inputs[0], "DEQUANTIZE")
    if before is None:
        return None
    source_index = wiring.graph.ops[before].inputs[0]
    source, target = wiring.tensor(source_index), wiring.tensor(op.outputs[0])
    if source.dtype != DType.INT8 or target.dtype != DType.INT8 or source.shape != target.shape:
        return None
    if wiring.tensor(op.inputs[0]).dtype != DType.FLOAT32 or source.is_constant:
        return None
    if source.quantization is None or target.quantization is None:
        return None
    through = through_float(source.quantization, target.quantization)
    fixed = requantized(source.quantization, target.quantization)
    if through is None or fixed is None or not np.array_equal(through, fixed):
        return None
    return Edit((before, index), {index: (replace(op, inputs=(source_index,)),)})


def through_float(source: Quantization, target: Quantization) -> IntArray | None:
    """What DEQUANTIZE and QUANTIZE make of -128 to 127; None if TFLM's float32 numbers leave the range of int32."""
    numbers = dequantized(source)
    return None if numbers is None else quantized(numbers, target)


def quantized(numbers: Floats, target: Quantization) -> IntArray | None:
    """What TFLM's QUANTIZE makes of float32 numbers; None if one is too large to be rounded alike everywhere."""
    if not _has_one_scale(target):
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = numbers / np.float32(target.scale[0])
    if not np.isfinite(scaled).all() or abs(scaled).max() > LARGEST:
        return None
    return np.clip(_rounded(scaled) + target.zero_point[0], INT8_MIN, INT8_MAX)


def dequantized(source: Quantization) -> Floats | None:
    """What TFLM's DEQUANTIZE makes of -128 to 127: a product in double, rounded to float32. None without one scale."""
    if not _has_one_scale(source):
        return None
    return ((VALUES - source.zero_point[0]) * float(source.scale[0])).astype(np.float32)


def _rounded(values: Floats) -> IntArray:
    """To the nearest integer, ties away from zero (C's ``round``)."""
    exact = values.astype(np.float64)
    return np.array(np.sign(exact) * np.floor(abs(exact) + 0.5), np.int64)


def _has_one_scale(quantization: Quantization) -> bool:
    return quantization.per_tensor and quantization.scale[0] > 0


def requantized(source: Quantization, target: Quantization) -> IntArray | None:
    """What QUANTIZE makes of -128 to 127 from int8 to int8; None for scales that it cannot take."""
    if not _has_one_scale(source) or not _has_one_scale(target):
        return None
    multiplier, shift = quantize_multiplier(source.scale[0] / target.scale[0])
    if shift > 30:
        return None
    scaled = requantize(VALUES - source.zero_point[0], multiplier, shift, target.zero_point[0])
    return np.clip(scaled, INT8_MIN, INT8_MAX)


RULE = Rule(frozenset({"QUANTIZE"}), fold, "needs no detour through float numbers")
