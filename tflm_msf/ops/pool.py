"""AVERAGE_POOL_2D, MAX_POOL_2D, and MEAN over height and width."""

from __future__ import annotations

from tflm_msf.graph.fixed_point import quantize_multiplier
from tflm_msf.ops.conditions import SCALES, WINDOW, fused_if
from tflm_msf.ops.context import OpContext
from tflm_msf.ops.stage import Map, Stage, StageOp, Window, map_of
from tflm_msf.ops.window import window_of

MAX_POOLED_PIXELS = 1 << 23  # keeps the sum of int8 values in int32


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


@fused_if("constant axes: exactly height and width of four dimensions", "fewer than 2^23 pixels", SCALES)
def lower_mean(context: OpContext) -> Stage:
    """MEAN over height and width, with the division folded into the multiplier (TFLM's ``QuantizedMeanOrSum``)."""
    in_map = map_of(context.tensor(0))
    rank = len(context.tensor(0).shape)
    reduced = sorted(axis % rank for axis in context.int32s(1, "list of axes")) if rank else []
    context.require(rank == 4 and reduced == [1, 2], "it does not reduce exactly height and width")
    context.require(in_map.pixels < MAX_POOLED_PIXELS, "its map is too large")
    source, target = context.int8_activation(context.tensor(0)), context.int8(context.output)
    multiplier, shift = quantize_multiplier(source.scale[0] / target.scale[0])
    extra = min(in_map.pixels.bit_length() - 1, 32, 31 + shift)
    args = (1, (multiplier << extra) // in_map.pixels, shift - extra)
    context.require(-31 <= args[2] <= 30, "its scales differ too much")
    return _global_pool(context, in_map, Map(1, 1, in_map.c), args)


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
