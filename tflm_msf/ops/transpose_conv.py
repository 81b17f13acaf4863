"""TRANSPOSE_CONV: seen from the output, a window that stays where it is for as many outputs as the stride."""

from __future__ import annotations

from tflm_msf.ops.conditions import BIAS, WEIGHTS, fused_if
from tflm_msf.ops.context import OpContext
from tflm_msf.ops.requantize import requantization
from tflm_msf.ops.resize import MAX_FACTOR, Axis
from tflm_msf.ops.stage import NotFusableError, Stage, StageOp, Window, Zoom, map_of
from tflm_msf.ops.window import output_size


@fused_if(WEIGHTS, BIAS, "a constant output shape", "strides from 1 to 16")
def lower_transpose_conv(context: OpContext) -> Stage:
    """TRANSPOSE_CONV with int8 weights [out, kernel h, kernel w, in]; the inputs are shape, weights, map and bias."""
    weights = context.int8_weights(1)
    source, target = context.int8_activation(context.tensor(2)), context.int8(context.output)
    in_map, out_map = map_of(context.tensor(2)), map_of(context.output)
    context.require(context.tensor(0).is_constant, "its output shape is not constant")
    context.require(weights.ndim == 4, "its weights do not have four dimensions")
    out_c, kernel_h, kernel_w, in_c = weights.shape
    context.require((in_c, out_c) == (in_map.c, out_map.c), "its weights do not match its channels")
    quantization = context.tensor(1).quantization
    if quantization is None or len(quantization.scale) not in (1, out_c):
        raise NotFusableError("its weights have neither one scale nor one for each channel")
    along_outputs = len(quantization.scale) == 1 or quantization.axis == 0
    context.require(along_outputs, "its weights are not quantised along the output channels")
    bias = context.int32_bias(3, out_c)
    rows, top = _axis(context, "stride_h", kernel_h, out_map.h)
    cols, left = _axis(context, "stride_w", kernel_w, out_map.w)
    return Stage(
        op=StageOp.TRANSPOSE_CONV,
        inputs=(context.op.inputs[2],),
        output=context.op.outputs[0],
        input_maps=(in_map,),
        output_map=out_map,
        window=Window(
            kernel_h=rows.kernel,
            kernel_w=cols.kernel,
            pad_top=rows.pad,
            pad_left=cols.pad,
            zoom_h=rows.zoom,
            zoom_w=cols.zoom,
        ),
        macs_per_pixel=-(-weights.size // (rows.zoom.factor * cols.zoom.factor)),
        activation=context.activation(),
        in_zero=source.zero_point,
        out_zero=target.zero_point[0],
        weights=weights.tobytes(),
        requantization=requantization(
            bias.astype("int32"), [source.scale[0] * scale / target.scale[0] for scale in quantization.scale]
        ),
        args=(kernel_h, kernel_w, top, left),
    )


def _axis(context: OpContext, option: str, kernel: int, out_size: int) -> tuple[Axis, int]:
    """The window, and how far before the first input pixel the kernel begins.

    Output o takes kernel row k from input row (o + before - k) / stride. ``before`` is the padding that TFLM would
    give a convolution from the output to the input (``ComputePaddingHeightWidth``).
    """
    stride = context.option(option, 0)
    context.require(0 < stride <= MAX_FACTOR, f"its stride is not between 1 and {MAX_FACTOR}")
    steps = output_size(out_size, kernel, stride, context.option("padding", 0))
    before = max(0, (steps - 1) * stride + kernel - out_size) // 2
    taps = -(-kernel // stride)
    whole, shift = divmod(before, stride)
    return Axis(taps, 1, taps - 1 - whole, Zoom(stride, shift)), before
