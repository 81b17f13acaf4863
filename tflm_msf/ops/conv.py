"""CONV_2D and DEPTHWISE_CONV_2D: geometry, MACs and lowering."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tflm_msf.ops.conditions import BIAS, WEIGHTS, WINDOW, fused_if
from tflm_msf.ops.context import OpContext
from tflm_msf.ops.requantize import fold_zero_point, requantization
from tflm_msf.ops.stage import Map, NotFusableError, Requantization, Stage, StageOp, map_of
from tflm_msf.ops.window import window_of


@fused_if(WEIGHTS, BIAS, WINDOW, "grouped or not")
def lower_conv_2d(context: OpContext) -> Stage:
    """CONV_2D with int8 weights [out, kernel h, kernel w, in]; each group of outputs may see as many inputs only."""
    weights = context.int8_weights(1)
    in_map, out_map = _maps(context, weights)
    out_c, kernel_h, kernel_w, in_c = weights.shape
    context.require(out_c == out_map.c, "its weights do not match its output channels")
    fits = in_map.c % in_c == 0 and out_c % (in_map.c // in_c) == 0
    context.require(fits, "its groups do not match its channels")
    is_grouped = in_c != in_map.c
    return Stage(
        op=StageOp.GROUPED_CONV_2D if is_grouped else StageOp.CONV_2D,
        inputs=(context.op.inputs[0],),
        output=context.op.outputs[0],
        input_maps=(in_map,),
        output_map=out_map,
        window=window_of(context, kernel_h, kernel_w, in_map, out_map),
        macs_per_pixel=weights.size,
        activation=context.activation(),
        in_zero=context.int8(context.tensor(0)).zero_point,
        out_zero=context.int8(context.output).zero_point[0],
        weights=weights.tobytes(),
        requantization=_requantization(context, weights.reshape(out_c, -1).sum(axis=1, dtype=np.int64), 0),
        args=(in_c,) if is_grouped else (),
    )


@fused_if(WEIGHTS, BIAS, WINDOW)
def lower_depthwise_conv_2d(context: OpContext) -> Stage:
    """DEPTHWISE_CONV_2D with int8 weights [1, kernel h, kernel w, out]."""
    weights = context.int8_weights(1)
    in_map, out_map = _maps(context, weights)
    _, kernel_h, kernel_w, out_c = weights.shape
    context.require(out_c == out_map.c, "its weights do not match its output channels")
    context.require(out_c % in_map.c == 0, "its output channels are no multiple of its input channels")
    return Stage(
        op=StageOp.DEPTHWISE_CONV_2D,
        inputs=(context.op.inputs[0],),
        output=context.op.outputs[0],
        input_maps=(in_map,),
        output_map=out_map,
        window=window_of(context, kernel_h, kernel_w, in_map, out_map),
        macs_per_pixel=weights.size,
        activation=context.activation(),
        in_zero=context.int8(context.tensor(0)).zero_point,
        out_zero=context.int8(context.output).zero_point[0],
        weights=weights.tobytes(),
        requantization=_requantization(context, weights.reshape(-1, out_c).sum(axis=0, dtype=np.int64), 3),
        args=(out_c // in_map.c,),
    )


def _maps(context: OpContext, weights: npt.NDArray[np.int8]) -> tuple[Map, Map]:
    context.require(weights.ndim == 4, "its weights do not have four dimensions")
    context.int8_activation(context.tensor(0))
    return map_of(context.tensor(0)), map_of(context.output)


def _requantization(context: OpContext, weight_sums: npt.NDArray[np.int64], channel_axis: int) -> Requantization:
    channels = len(weight_sums)
    quantization = context.tensor(1).quantization
    if quantization is None or len(quantization.scale) not in (1, channels):
        raise NotFusableError("its weights have neither one scale nor one for each channel")
    if len(quantization.scale) > 1 and quantization.axis != channel_axis:
        raise NotFusableError("its weights are not quantised along the output channels")
    source, target = context.int8(context.tensor(0)), context.int8(context.output)
    bias = fold_zero_point(context.int32_bias(2, channels), weight_sums, source.zero_point[0])
    return requantization(bias, [source.scale[0] * scale / target.scale[0] for scale in quantization.scale])
