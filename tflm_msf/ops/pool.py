"""AVERAGE_POOL_2D, MAX_POOL_2D, and MEAN."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from tflm_msf.format.limits import MAX_POOLED_PIXELS
from tflm_msf.graph.fixed_point import quantize_multiplier
from tflm_msf.ops.conditions import SCALES, WINDOW, fused_if
from tflm_msf.ops.context import OpContext
from tflm_msf.ops.pointwise import VALUES, table_stage
from tflm_msf.ops.requantize import fold_zero_point
from tflm_msf.ops.stage import AddTensor, Map, Requantization, Stage, StageOp, Window, map_of
from tflm_msf.ops.window import window_of

AVERAGE, MEAN, LARGEST = range(3)
"""What GLOBAL_POOL makes of all pixels, its first argument."""


@fused_if("the output on the input's scale", WINDOW)
def lower_average_pool_2d(context: OpContext) -> Stage:
    """AVERAGE_POOL_2D; over the whole map it is a reduction."""
    return _pool(context, StageOp.AVERAGE_POOL_2D, AVERAGE)


@fused_if("the output on the input's scale", WINDOW)
def lower_max_pool_2d(context: OpContext) -> Stage:
    """MAX_POOL_2D; over the whole map it is a reduction."""
    return _pool(context, StageOp.MAX_POOL_2D, LARGEST)


@fused_if("constant axes: height, width or both, or the channels", "fewer than 2^23 values for each output", SCALES)
def lower_mean(context: OpContext) -> Stage:
    """MEAN, with the division folded into the multiplier (TFLM's ``QuantizedMeanOrSum``).

    Over all pixels it is a reduction, over the rows or the columns a depthwise convolution with ones for weights, over
    the channels a convolution with them.
    """
    axes = _reduction(context)
    mean = _mean(context, axes.count)
    if axes.reduced == {2}:
        return _weighted_mean(context, StageOp.CONV_2D, axes, mean)
    if axes.are_all_pixels:
        return _global_pool(context, axes.in_map, axes.left, (MEAN, mean.multiplier, mean.shift))
    axes.require_window(context)
    return _weighted_mean(context, StageOp.DEPTHWISE_CONV_2D, axes, mean)


@fused_if("constant axes: height, width or both", "the output on the input's scale")
def lower_reduce_max(context: OpContext) -> Stage:
    """REDUCE_MAX: over all pixels a reduction, over the rows or the columns a pooling."""
    source, target = context.int8_activation(context.tensor(0)), context.int8(context.output)
    is_same = source.scale == target.scale and source.zero_point == target.zero_point
    context.require(is_same, "its output has another scale than its input")
    axes = _reduction(context)
    if axes.are_all_pixels:
        return _global_pool(context, axes.in_map, axes.left, (LARGEST, 0, 0))
    axes.require_window(context)
    return _windowed(context, StageOp.MAX_POOL_2D, axes.window, axes.in_map, axes.left)


@fused_if("constant axes: height, width or both", "the output on the input's scale")
def lower_reduce_min(context: OpContext, add_tensor: AddTensor) -> tuple[Stage, ...]:
    """REDUCE_MIN: the bits of all values turned round, the largest of them, and its bits turned back."""
    largest = lower_reduce_max(context)
    source = context.tensor(0)
    turned = add_tensor(replace(source, name=f"{context.output.name}/msf_turned", shape_signature=()))
    found = add_tensor(replace(context.output, name=f"{context.output.name}/msf_found", shape_signature=()))
    return (
        replace(table_stage(context, context.op.inputs[0], largest.input_maps[0], ~VALUES), output=turned),
        replace(largest, inputs=(turned,), output=found),
        table_stage(context, found, largest.output_map, ~VALUES),
    )


@dataclass(frozen=True)
class _Reduction:
    """Which of height (0), width (1) and channels (2) an operator reduces, and the map that it leaves."""

    in_map: Map
    left: Map
    reduced: frozenset[int]

    @property
    def count(self) -> int:
        """Values for each output."""
        return self.in_map.elements // self.left.elements

    @property
    def are_all_pixels(self) -> bool:
        """True if one pixel is left of all."""
        return 2 not in self.reduced and self.left.pixels == 1

    @property
    def window(self) -> Window:
        """The window of one output."""
        return Window(self.in_map.h // self.left.h, self.in_map.w // self.left.w)

    def require_window(self, context: OpContext) -> None:
        """That a window of height and width is what is reduced."""
        context.require(2 not in self.reduced, "it reduces the channels and other axes")
        context.require(max(self.window.kernel_h, self.window.kernel_w) < 256, "it reduces an axis of more than 255")


def _reduction(context: OpContext) -> _Reduction:
    """Axes as the operator names them; all pixels are seen as their producer lays them out."""
    in_map = map_of(context.tensor(0))
    rank = len(context.tensor(0).shape)
    context.require(rank > 0, "it has no axis to reduce")
    axes = {axis % rank - rank + 3 for axis in context.int32s(1, "list of axes")}
    reduced = frozenset(axis for axis in axes if axis >= 0 and in_map[axis] > 1)
    left = Map(*(1 if axis in reduced else size for axis, size in enumerate(in_map)))
    context.require(left.elements == context.output.elements, "its output has another shape than what it leaves")
    found = _Reduction(in_map, left, reduced)
    context.require(found.count < MAX_POOLED_PIXELS, "it adds up too many values")
    if not found.are_all_pixels:
        return found
    laid = context.map_of_input(0)
    return replace(found, in_map=laid) if laid.c == in_map.c else found


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


def _weighted_mean(context: OpContext, op: StageOp, axes: _Reduction, mean: _Mean) -> Stage:
    """A convolution with ones for weights, whose windows do not overlap; it counts no MACs, as pooling does not."""
    channels = axes.left.c
    zero = context.int8(context.tensor(0)).zero_point[0]
    sums = np.full(channels, mean.values, np.int64)
    return Stage(
        op=op,
        inputs=(context.op.inputs[0],),
        output=context.op.outputs[0],
        input_maps=(axes.in_map,),
        output_map=axes.left,
        window=axes.window,
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


def _pool(context: OpContext, op: StageOp, over_all: int) -> Stage:
    window, in_map, out_map = _pooled(context)
    whole = window.kernel_h >= in_map.h and window.kernel_w >= in_map.w and out_map.pixels == 1
    if whole and window.pad_top == window.pad_left == 0:
        return _global_pool(context, in_map, out_map, (over_all, 0, 0))
    return _windowed(context, op, window, in_map, out_map)


def _pooled(context: OpContext) -> tuple[Window, Map, Map]:
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
    activation = (-128, 127) if args[0] == MEAN else context.activation()
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
