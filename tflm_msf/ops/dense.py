"""FULLY_CONNECTED: on one vector a reduction of the map that feeds it, on several a 1x1 convolution."""

from __future__ import annotations

import numpy as np

from tflm_msf.ops.conditions import BIAS, WEIGHTS, fused_if
from tflm_msf.ops.context import OpContext
from tflm_msf.ops.requantize import fold_zero_point, requantization
from tflm_msf.ops.stage import Map, NotFusableError, Stage, StageOp


@fused_if(WEIGHTS, BIAS, "weights without zero point, not shuffled")
def lower_fully_connected(context: OpContext) -> Stage:
    """FULLY_CONNECTED with int8 weights [out, in].

    A map of more than one pixel is consumed row by row (the weights' second axis is rows, columns, channels).
    """
    weights = context.int8_weights(1)
    context.require(weights.ndim == 2, "its weights are not a matrix")
    outputs, depth = weights.shape
    source, target = context.int8_activation(context.tensor(0)), context.int8(context.output)
    vectors, rest = divmod(context.tensor(0).elements, depth)
    context.require(rest == 0 and context.output.elements == vectors * outputs, "its shapes do not fit its weights")
    context.require(max(vectors, outputs, depth if vectors > 1 else 0) < 65536, "it is larger than 65,535 on an axis")
    quantization = context.tensor(1).quantization
    if quantization is None or len(quantization.scale) not in (1, outputs):
        raise NotFusableError("its weights have neither one scale nor one for each output")
    context.require(not any(quantization.zero_point), "its weights have a zero point")
    context.require(context.option("weights_format", 0) == 0, "its weights are shuffled")
    multipliers = [source.scale[0] * scale / target.scale[0] for scale in quantization.scale]
    bias = fold_zero_point(context.int32_bias(2, outputs), weights.sum(axis=1, dtype=np.int64), source.zero_point[0])
    in_map = context.map_of_input(0) if vectors == 1 else Map(1, vectors, depth)
    reduces = vectors == 1 and in_map.pixels > 1
    return Stage(
        op=StageOp.FULLY_CONNECTED if reduces else StageOp.CONV_2D,
        inputs=(context.op.inputs[0],),
        output=context.op.outputs[0],
        input_maps=(in_map,),
        output_map=Map(1, vectors, outputs),
        reduces=reduces,
        macs_per_pixel=outputs * in_map.c,
        activation=context.activation(),
        in_zero=source.zero_point,
        out_zero=target.zero_point[0],
        weights=weights.tobytes(),
        requantization=requantization(bias, multipliers),
    )
