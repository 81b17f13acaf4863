"""Operators whose outputs have four bytes: DEQUANTIZE, ARG_MAX and ARG_MIN. Each byte is a channel."""

from __future__ import annotations

import numpy as np

from tflm_msf.graph import DType
from tflm_msf.ops.conditions import fused_if
from tflm_msf.ops.context import OpContext
from tflm_msf.ops.pointwise import VALUES
from tflm_msf.ops.stage import MOST_CHANNELS, Stage, StageOp, map_of

WORD = 4
"""Bytes of a value."""


@fused_if("from int8 to float32", "at most 16,383 channels")
def lower_dequantize(context: OpContext) -> Stage:
    """DEQUANTIZE: a float32 for each of the 256 values, found as TFLM finds it, in double and rounded once."""
    source = context.int8_activation(context.tensor(0))
    context.require(context.output.dtype == DType.FLOAT32, "its output is not float32")
    in_map = map_of(context.tensor(0))
    context.require(in_map == map_of(context.output), "its output has another shape than its input")
    context.require(in_map.c * WORD <= MOST_CHANNELS, "it has too many channels for blocks")
    floats = (np.float64(np.float32(source.scale[0])) * (VALUES - source.zero_point[0])).astype("<f4")
    return Stage(
        op=StageOp.TABLE_OF_WORDS,
        inputs=(context.op.inputs[0],),
        output=context.op.outputs[0],
        input_maps=(in_map,),
        output_map=in_map._replace(c=in_map.c * WORD),
        weights=floats.tobytes(),
    )


@fused_if("over the last axis, a constant", "an output of type int32")
def lower_arg_max(context: OpContext) -> Stage:
    """ARG_MAX over the channels of each pixel: the first of those that are greatest."""
    return _arg(context, 0)


@fused_if("over the last axis, a constant", "an output of type int32")
def lower_arg_min(context: OpContext) -> Stage:
    """ARG_MIN, likewise."""
    return _arg(context, 1)


def _arg(context: OpContext, is_least: int) -> Stage:
    source = context.tensor(0)
    context.int8_activation(source)
    context.require(context.output.dtype == DType.INT32, "its output is not int32")
    axes = context.int32s(1, "axis")
    rank = len(source.shape)
    context.require(
        len(axes) == 1 and rank > 0 and axes[0] % rank == rank - 1, "it goes over another axis than the last"
    )
    in_map = map_of(source)
    context.require(context.output.elements == in_map.pixels, "its output has another shape than what it leaves")
    return Stage(
        op=StageOp.ARG_MAX,
        inputs=(context.op.inputs[0],),
        output=context.op.outputs[0],
        input_maps=(in_map,),
        output_map=in_map._replace(c=WORD),
        args=(is_least,),
    )
