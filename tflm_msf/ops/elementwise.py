"""ADD, SUB, SQUARED_DIFFERENCE, MUL, MAXIMUM, MINIMUM and PRELU of two maps, or of a map and a constant."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tflm_msf.graph import Quantization, Tensor
from tflm_msf.graph.fixed_point import IntArray, quantize_multiplier, requantize, rescale
from tflm_msf.ops.conditions import SCALES, TWO_MAPS, fused_if
from tflm_msf.ops.context import OpContext
from tflm_msf.ops.pointwise import table_stage
from tflm_msf.ops.stage import Map, NotFusableError, Stage, StageOp, map_of

ADD_LEFT_SHIFT = 20
SQUARE_LEFT_SHIFT = 7


@fused_if(TWO_MAPS, SCALES)
def lower_add(context: OpContext) -> Stage:
    """ADD: both summands are brought to twice the larger scale, as TFLM's ``CalculateOpDataAdd`` does."""
    a, b, out = (context.int8(t) for t in (context.tensor(0), context.tensor(1), context.output))
    (ma, sa), (mb, sb), (mo, so) = _common_scale(context, a, b, out)

    def compute(x: IntArray, y: IntArray) -> IntArray:
        left = rescale((x - a.zero_point[0]) << ADD_LEFT_SHIFT, ma, sa)
        right = rescale((y - b.zero_point[0]) << ADD_LEFT_SHIFT, mb, sb)
        return requantize(left + right, mo, so, out.zero_point[0])

    swapped_args = (mb, sb, ma, sa, mo, so)
    return _lower_two(context, StageOp.ADD, compute, (ma, sa, mb, sb, mo, so), swapped_args)


@fused_if(TWO_MAPS, "the map first, or a constant of one value", SCALES)
def lower_sub(context: OpContext) -> Stage:
    """SUB: as ADD with the second operand negated (``CalculateOpDataSub``)."""
    a, b, out = (context.int8(t) for t in (context.tensor(0), context.tensor(1), context.output))
    (ma, sa), (mb, sb), (mo, so) = _common_scale(context, a, b, out)

    def compute(x: IntArray, y: IntArray) -> IntArray:
        left = rescale((x - a.zero_point[0]) << ADD_LEFT_SHIFT, ma, sa)
        right = rescale((y - b.zero_point[0]) << ADD_LEFT_SHIFT, mb, sb)
        return requantize(left - right, mo, so, out.zero_point[0])

    return _lower_two(context, StageOp.SUB, compute, (ma, sa, mb, sb, mo, so), None)


def _common_scale(context: OpContext, a: Quantization, b: Quantization, out: Quantization) -> list[tuple[int, int]]:
    """(multiplier, shift) that bring ``a`` and ``b`` to twice the larger scale, and that to the output's."""
    twice_max = 2 * max(a.scale[0], b.scale[0])
    parts = [
        quantize_multiplier(a.scale[0] / twice_max),
        quantize_multiplier(b.scale[0] / twice_max),
        quantize_multiplier(twice_max / ((1 << ADD_LEFT_SHIFT) * out.scale[0])),
    ]
    context.require(all(shift <= 0 for _, shift in parts), "its output scale is too small for TFLM")
    return parts


@fused_if(TWO_MAPS, SCALES)
def lower_mul(context: OpContext) -> Stage:
    """MUL: the product of the zero-point-free values on the product of the scales."""
    a, b, out = (context.int8(t) for t in (context.tensor(0), context.tensor(1), context.output))
    multiplier, shift = quantize_multiplier(a.scale[0] * b.scale[0] / out.scale[0])
    context.require(shift <= 30, "its output scale is too small for TFLM")

    def compute(x: IntArray, y: IntArray) -> IntArray:
        return requantize((x - a.zero_point[0]) * (y - b.zero_point[0]), multiplier, shift, out.zero_point[0])

    return _lower_two(context, StageOp.MUL, compute, (multiplier, shift), (multiplier, shift))


@fused_if(TWO_MAPS, SCALES)
def lower_squared_difference(context: OpContext) -> Stage:
    """SQUARED_DIFFERENCE: as SUB with fewer bits, squared (``SquaredDifferencePrepare``)."""
    a, b, out = (context.int8(t) for t in (context.tensor(0), context.tensor(1), context.output))
    twice_max = 2 * max(a.scale[0], b.scale[0])
    (ma, sa), (mb, sb) = (quantize_multiplier(side.scale[0] / twice_max) for side in (a, b))
    mo, so = quantize_multiplier(twice_max * twice_max / ((1 << 2 * SQUARE_LEFT_SHIFT) * out.scale[0]))
    context.require(so <= 30, "its output scale is too small for TFLM")

    def compute(x: IntArray, y: IntArray) -> IntArray:
        left = rescale((x - a.zero_point[0]) << SQUARE_LEFT_SHIFT, ma, sa)
        right = rescale((y - b.zero_point[0]) << SQUARE_LEFT_SHIFT, mb, sb)
        return requantize((left - right) ** 2, mo, so, out.zero_point[0])

    return _lower_two(context, StageOp.SQUARED_DIFFERENCE, compute, (ma, sa, mb, sb, mo, so), (mb, sb, ma, sa, mo, so))


@fused_if(TWO_MAPS)
def lower_maximum(context: OpContext) -> Stage:
    """MAXIMUM: TFLM compares the bytes, whatever the scales."""
    return _lower_two(context, StageOp.MAXIMUM, np.maximum, (), ())


@fused_if(TWO_MAPS)
def lower_minimum(context: OpContext) -> Stage:
    """MINIMUM: TFLM compares the bytes, whatever the scales."""
    return _lower_two(context, StageOp.MINIMUM, np.minimum, (), ())


@fused_if("a map and its slopes: constants, a single pixel or a map", SCALES)
def lower_prelu(context: OpContext) -> Stage:
    """PRELU: one multiplier from zero on, below it another one for the product with the slope."""
    a, b, out = (context.int8(t) for t in (context.tensor(0), context.tensor(1), context.output))
    identity = quantize_multiplier(a.scale[0] / out.scale[0])
    negative = quantize_multiplier(a.scale[0] * b.scale[0] / out.scale[0])
    context.require(max(identity[1], negative[1]) <= 30, "its output scale is too small for TFLM")

    def compute(x: IntArray, slope: IntArray) -> IntArray:
        value = x - a.zero_point[0]
        product = requantize(value * (slope - b.zero_point[0]), *negative, out.zero_point[0])
        return np.where(value >= 0, requantize(value, *identity, out.zero_point[0]), product)

    return _lower_two(context, StageOp.PRELU, compute, (*identity, *negative), None)


def _lower_two(
    context: OpContext,
    op: StageOp,
    compute: Callable[[IntArray, IntArray], IntArray],
    args: tuple[int, ...],
    swapped_args: tuple[int, ...] | None,
) -> Stage:
    """Maps first, a constant or a single pixel second; a single constant value becomes a table.

    ``swapped_args`` are the stage's arguments with the operands exchanged, None if they cannot be.
    """
    first, second = 0, 1
    if context.tensor(0).is_constant or _is_smaller(context.tensor(0), context.tensor(1)):
        first, second = 1, 0
    source, other = context.tensor(first), context.tensor(second)
    context.int8_activation(source)
    out_map, in_map = map_of(context.output), map_of(source)
    context.require(in_map == out_map, "both its operands are broadcast")
    if other.is_constant and other.elements == 1:
        values = np.arange(-128, 128, dtype=np.int64)
        constant = np.frombuffer(other.data or b"", np.int8).astype(np.int64)
        low, high = context.activation()
        table = np.clip(compute(values, constant) if first == 0 else compute(constant, values), low, high)
        return table_stage(context, context.op.inputs[first], in_map, table)
    if first == 1:
        if swapped_args is None:
            raise NotFusableError("its first operand is broadcast")
        args = swapped_args
    second_map = _broadcast_map(other, out_map)
    zeros = (context.int8(source).zero_point[0], context.int8(other).zero_point[0])
    return Stage(
        op=op,
        inputs=(context.op.inputs[first],)
        if other.is_constant
        else (context.op.inputs[first], context.op.inputs[second]),
        output=context.op.outputs[0],
        input_maps=(in_map, second_map),
        output_map=out_map,
        activation=context.activation(),
        in_zero=zeros,
        out_zero=context.int8(context.output).zero_point[0],
        second_operand=other.data,
        args=args,
    )


def _is_smaller(a: Tensor, b: Tensor) -> bool:
    return not b.is_constant and a.elements < b.elements


def _broadcast_map(tensor: Tensor, out_map: Map) -> Map:
    """The second operand's map: the output's, or one pixel of it."""
    shape = map_of(tensor)
    if shape == out_map or shape == Map(1, 1, out_map.c):
        return shape
    raise NotFusableError(f"it broadcasts {list(tensor.shape)} over other axes than height and width")
