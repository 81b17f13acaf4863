"""SOFTMAX over the channels of each pixel."""

from __future__ import annotations

import math

import numpy as np

from tflm_msf.graph import gemmlowp
from tflm_msf.graph.fixed_point import (
    INT8_MIN,
    SOFTMAX_INTEGER_BITS,
    IntArray,
    quantize_multiplier,
    rescale,
    softmax_unit,
)
from tflm_msf.ops.conditions import fused_if
from tflm_msf.ops.context import OpContext
from tflm_msf.ops.stage import Stage, StageOp, map_of

MAX_CHANNELS = 4095
"""The reference adds up in 32 bits with 12 integer bits."""

OUTPUT_SCALE = 1 / 256


@fused_if("over the last axis, at most 4095 classes", "int8 output on scale 1/256 with zero point -128")
def lower_softmax(context: OpContext) -> Stage:
    """SOFTMAX from int8 to int8 on the last axis, with a table of e^(difference) in params."""
    context.int8_activation(context.tensor(0))
    target = context.int8(context.output)
    in_map, out_map = map_of(context.tensor(0)), map_of(context.output)
    context.require(in_map == out_map, "its output has another shape than its input")
    context.require(in_map.c <= MAX_CHANNELS, f"it has more than {MAX_CHANNELS} classes")
    is_canonical = target.scale[0] == OUTPUT_SCALE and target.zero_point[0] == INT8_MIN
    context.require(is_canonical, "its output is not on scale 1/256 with zero point -128")
    return Stage(
        op=StageOp.SOFTMAX,
        inputs=(context.op.inputs[0],),
        output=context.op.outputs[0],
        input_maps=(in_map,),
        output_map=out_map,
        weights=_exponentials(context).astype("<i4").tobytes(),
    )


def _exponentials(context: OpContext) -> IntArray:
    """e^(scale * beta * difference) for differences -255 to 0, as ``CalculateSoftmaxParams`` and its kernel have it.

    TFLM stops where a unit is at most 1: in a model that was not trained, say, whose results are all alike. Here the
    same arithmetic goes on, so that a network takes as much before it is trained as it does then.
    """
    beta = context.real_option("beta", 0.0)
    unit = softmax_unit(context.int8(context.tensor(0)).scale[0], beta)
    context.require(0 <= unit < math.inf, "its input scale times its beta is no number from 0 on")
    multiplier, shift = quantize_multiplier(min(unit, (1 << 31) - 1.0))
    largest = ((1 << SOFTMAX_INTEGER_BITS) - 1 << (31 - SOFTMAX_INTEGER_BITS)) >> max(shift, 0)
    differences = np.arange(-255, 1, dtype=np.int64)
    counted = differences >= -largest
    exponents = rescale(np.where(counted, differences, 0), multiplier, shift)
    return np.where(counted, gemmlowp.exp_on_negative_values(exponents, SOFTMAX_INTEGER_BITS), 0)
