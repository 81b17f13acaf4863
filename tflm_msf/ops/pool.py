"""AVERAGE_POOL_2D, MAX_POOL_2D, and MEAN."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tflm_msf.format.limits import MAX_POOLED_PIXELS
from tflm_msf.graph.fixed_point import quantize_multiplier
from tflm_msf.ops.conditions import SCALES, WINDOW, fused_if
from tflm_msf.ops.context import OpContext
from tflm_msf.ops.requantize import fold_zero_point
from tflm_msf.ops.stage import Map, Requantization, Stage, StageOp, Window, map_of
from tflm_msf.ops.window import window_of


@fused_if("the output on the input's scale", WINDOW)
def lower_average_pool_2d(context: OpContext) -> Stage:
    """AVERAGE_POOL_2D; over the whole map it is a reduction."""
    window, in_map, out_map = _pool(context)
    whole = window.kernel_h >= in_map.h and window.kernel_w >= in_map.w and out_map.pixels == 1
    if whole and window.pad_top == window.pad_left == 0:
        return _global_pool(context, in_map, out_map, args=(0, 0, 0))
    return _windowed(context, StageOp.AVERAGE_POOL_2D, window, in_map, out_map)


@fused_if("the output on the input's scale", WINDOW)
def lower_max_pool_2d(context: OpContext) -> Stage:
    """MAX_POOL_2D."""
    window, in_map, out_map = _pool(context)
    return _windowed(context, StageOp.MAX_POOL_2D, window, in_map, out_map)


@fused_if("constant axes: height, width or both, or the channels", "fewer than 2^23 values for each output", SCALES)
def lower_mean(context: OpContext) -> Stage:
    """MEAN, with the division folded into the multiplier (TFLM's ``QuantizedMeanOrSum``).

    Over all pixels it is a reduction, over the rows or the columns a depthwise convolution with ones for weights, over
    the channels a convolution with them.
    """
    in_map = map_of(context.tensor(0))
    rank = len(context.tensor(0).shape)
    context.require(rank > 0, "it has no axis to reduce")
    axes = {axis % rank - rank + 3 for axis in context.int32s(1, "list of axes")}
    reduced = {axis for axis in axes if axis >= 0 and in_map[axis] > 1}
    count = math.prod(in_map[axis] for axis in reduced)
    left = Map(*(1 if axis in reduced else size for axis, size in enumerate(in_map)))
    context.require(left.elements == context.output.elements, "its output has another shape than what it leaves")
    context.require(count < MAX_POOLED_PIXELS, "it adds up too many values")
    mean = _mean(context, count)
    if reduced == {2}:
        return _weighted_mean(context, StageOp.CONV_2D, in_map, left, mean)
    context.require(2 not in reduced, "it reduces the channels and other axes")
    if left.pixels == 1:
        whole = context.map_of_input(0)
        in_map = whole if whole.c == in_map.c else in_map
        return _global_pool(context, in_map, left, (1, mean.multiplier, mean.shift))
    context.require(max(in_map.h // left.h, in_map.w // left.w) < 256, "it reduces an axis of more than 255")
    return _weighted_mean(context, StageOp.DEPTHWISE_CONV_2D, in_map, left, mean)


class _Mean(NamedTuple):
    """How a sum of so many values becomes an output value."""

    values: int
    multiplier: int
    shift: int


def _mean(context: OpContext, count: int) -> _Mean:
    source, target = context.int8_activation(context.tensor(0)), context.int8(context.output)
    multiplier, shift = quantize_multiplier(source.scale[0] / target.scale[0])
    extra = min(count.bit_length() - 1, 32, 31 + shift)
    mean = _Mean(count, (multiplier << extra) // count, shift - extra)
    context.require(-31 <= mean.shift <= 30, "its scales differ too much")
    return mean


def _weighted_mean(context: OpContext, op: StageOp, in_map: Map, out_map: Map, mean: _Mean) -> Stage:
    """A convolution with ones for weights, whose windows do not overlap; it counts no MACs, as pooling does not."""
    channels = out_map.c
    zero = context.int8(context.tensor(0)).zero_point[0]
    sums = np.full(channels, mean.values, np.int64)
    return Stage(
        op=op,
        inputs=(context.op.inputs[0],),
        output=context.op.outputs[0],
        input_maps=(in_map,),
        output_map=out_map,
        window=Window(in_map.h // out_map.h, in_map.w // out_map.w),
        in_zero=(zero,),
        out_zero=context.int8(context.output).zero_point[0],
        weights=np.ones(mean.values * channels, np.int8).tobytes(),
        requantization=Requantization(
            fold_zero_point(np.zeros(channels, np.int64), sums, zero),
            np.full(channels, mean.multiplier, np.int32),
            np.full(channels, mean.shift, np.int8),
        ),
        args=() if op is StageOp.CONV_2D else (1,),
    )


def _pool(context: OpContext) -> tuple[Window, Map, Map]:
    context.int8_activation(context.tensor(0))
    source, target = context.int8(context.tensor(0)), context.int8(context.output)
    close = abs(source.scale[0] - target.scale[0]) <= 1e-6 and source.zero_point == target.zero_point
    context.require(close, "its output has another scale than its input")
    in_map, out_map = map_of(context.tensor(0)), map_of(context.output)
    kernel = context.option("filter_height", 0), context.option("filter_width", 0)
    context.require(in_map.c == out_map.c, "its output has other channels than its input")
    return window_of(context, *kernel, in_map, out_map), in_map, out_map


def _windowed(context: OpContext, op: StageOp, window: Window, in_map: Map, out_map: Map) -> Stage:
    return Stage(
        op=op,
        inputs=(context.op.inputs[0],),
        output=context.op.outputs[0],
        input_maps=(in_map,),
        output_map=out_map,
        window=window,
        activation=context.activation(),
    )


def _global_pool(context: OpContext, in_map: Map, out_map: Map, args: tuple[int, ...]) -> Stage:
    activation = context.activation() if args[0] == 0 else (-128, 127)
    return Stage(
        op=StageOp.GLOBAL_POOL,
        inputs=(context.op.inputs[0],),
        output=context.op.outputs[0],
        input_maps=(in_map,),
        output_map=out_map,
        reduces=True,
        activation=activation,
        in_zero=context.int8(context.tensor(0)).zero_point,
        out_zero=context.int8(context.output).zero_point[0],
        args=args,
    )
