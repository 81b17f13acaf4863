"""Operators that map each int8 value to another one: 256-byte tables, filled with TFLM's own arithmetic."""

from __future__ import annotations

import numpy as np

from tflm_msf.graph import DType
from tflm_msf.graph.fixed_point import INT8_MAX, INT8_MIN, IntArray, quantize, quantize_multiplier, rescale
from tflm_msf.ops.context import OpContext
from tflm_msf.ops.stage import Map, Stage, StageOp, map_of

VALUES: IntArray = np.arange(INT8_MIN, INT8_MAX + 1, dtype=np.int64)


def table_stage(context: OpContext, source: int, in_map: Map, table: IntArray) -> Stage:
    """A stage that looks each value up; ``table[i]`` is the output for input i - 128, already in int8 range."""
    return Stage(
        op=StageOp.TABLE,
        inputs=(source,),
        output=context.op.outputs[0],
        input_maps=(in_map,),
        output_map=in_map,
        weights=table.astype(np.int8).tobytes(),
    )


def lower_relu(context: OpContext) -> Stage:
    """RELU: rescaled from the input's to the output's scale, then clamped (``CalculateReluOpData``)."""
    source, target = context.int8_activation(context.tensor(0)), context.int8(context.output)
    ratio = float(np.float32(source.scale[0]) / np.float32(target.scale[0]))
    multiplier, shift = quantize_multiplier(ratio)
    context.require(shift <= 30, "its output scale is too small for TFLM")
    scaled = rescale(VALUES - source.zero_point[0], multiplier, shift) + target.zero_point[0]
    low = max(INT8_MIN, quantize(0.0, target))
    return _table(context, np.clip(scaled, low, INT8_MAX))


def lower_relu6(context: OpContext) -> Stage:
    """RELU6: TFLM clamps on the input's scale and does not rescale."""
    source = context.int8_activation(context.tensor(0))
    six = int(np.clip(quantize(6.0, source), INT8_MIN, INT8_MAX))
    return _table(context, np.clip(VALUES, source.zero_point[0], six))


def lower_quantize(context: OpContext) -> Stage:
    """QUANTIZE from int8 to int8: TFLM's ``Requantize``."""
    context.require(context.tensor(0).dtype == DType.INT8, "its input is not int8")
    source, target = context.int8_activation(context.tensor(0)), context.int8(context.output)
    multiplier, shift = quantize_multiplier(source.scale[0] / target.scale[0])
    context.require(shift <= 30, "its output scale is too small for TFLM")
    scaled = rescale(VALUES - source.zero_point[0], multiplier, shift) + target.zero_point[0]
    return _table(context, np.clip(scaled, INT8_MIN, INT8_MAX))


def _table(context: OpContext, table: IntArray) -> Stage:
    in_map, out_map = map_of(context.tensor(0)), map_of(context.output)
    context.require(in_map == out_map, "its output has another shape than its input")
    return table_stage(context, context.op.inputs[0], in_map, table)
