"""Operators that map each value to another one: 256-byte tables, filled with TFLM's own arithmetic.

The kernels look values up as int8. An uint8 tensor is the same bytes: value v reads entry v - 256 from 128 on.
"""

from __future__ import annotations

import numpy as np

from tflm_msf.graph import DType, Tensor
from tflm_msf.graph.fixed_point import INT8_MAX, INT8_MIN, IntArray, quantize_multiplier, requantize
from tflm_msf.ops.conditions import SCALES, fused_if
from tflm_msf.ops.context import OpContext
from tflm_msf.ops.stage import Map, Stage, StageOp, map_of

VALUES: IntArray = np.arange(INT8_MIN, INT8_MAX + 1, dtype=np.int64)
"""Inputs of a table, in the order of its entries."""


def table_stage(context: OpContext, source: int, in_map: Map, table: IntArray) -> Stage:
    """A stage that looks each value up; ``table[i]`` is the output byte for input byte i - 128, as int8 or uint8."""
    return Stage(
        op=StageOp.TABLE,
        inputs=(source,),
        output=context.op.outputs[0],
        input_maps=(in_map,),
        output_map=in_map,
        weights=table.astype(np.int8).tobytes(),
    )


def gather_stage(source: int, output: int, in_map: Map, order: IntArray) -> Stage:
    """A stage whose output channels are the input channels that ``order`` names."""
    return Stage(
        op=StageOp.GATHER,
        inputs=(source,),
        output=output,
        input_maps=(in_map,),
        output_map=in_map._replace(c=len(order)),
        weights=order.astype("<u2").tobytes(),
    )


def table_of_op(context: OpContext, table: IntArray) -> Stage:
    """The table as the whole of an operator with one input and an output of the same shape."""
    in_map, out_map = map_of(context.tensor(0)), map_of(context.output)
    context.require(in_map == out_map, "its output has another shape than its input")
    return table_stage(context, context.op.inputs[0], in_map, table)


@fused_if("between int8 and int8 or uint8", "not from uint8 to uint8", SCALES)
def lower_quantize(context: OpContext) -> Stage:
    """QUANTIZE between int8 and int8 or uint8: TFLM's ``Requantize``."""
    is_float_input = context.tensor(0).dtype == DType.FLOAT32 and context.op.inputs[0] in context.graph.inputs
    context.require(not is_float_input, "its input, the model's, is float32, not int8: --int8-io makes it int8")
    source, target = context.byte_activation(context.tensor(0)), context.byte(context.output)
    both_unsigned = _is_unsigned(context.tensor(0)) and _is_unsigned(context.output)
    context.require(not both_unsigned, "TFLM has no kernel for it from uint8 to uint8")
    multiplier, shift = quantize_multiplier(source.scale[0] / target.scale[0])
    context.require(shift <= 30, "its output scale is too small for TFLM")
    values = VALUES % 256 if _is_unsigned(context.tensor(0)) else VALUES
    scaled = requantize(values - source.zero_point[0], multiplier, shift, target.zero_point[0])
    low, high = (0, 255) if _is_unsigned(context.output) else (INT8_MIN, INT8_MAX)
    return table_of_op(context, np.clip(scaled, low, high))


def lower_table(context: OpContext) -> Stage:
    """A table that a simplification made; input 1 holds its entries, the one for -128 first."""
    return table_of_op(context, np.frombuffer(context.tensor(1).data or b"", np.int8).astype(np.int64))


def _is_unsigned(tensor: Tensor) -> bool:
    return tensor.dtype == DType.UINT8
