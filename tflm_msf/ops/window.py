"""Paddings of windowed operators, as TFLM computes them."""

from __future__ import annotations

from tflm_msf.ops.context import OpContext
from tflm_msf.ops.stage import Map, NotFusableError, Window

SAME, VALID = 0, 1


def window_of(context: OpContext, kernel_h: int, kernel_w: int, in_map: Map, out_map: Map) -> Window:
    """The window of a convolution or pooling operator.

    Padding before the first row or column is ``max(0, (out - 1) * stride + reach - in) // 2``, as in TFLM's
    ``ComputePaddingHeightWidth``; what remains comes after the last one.

    Raises:
        NotFusableError: if strides, dilations or the output's size are not ones that TFLM would accept.
    """
    stride_h, stride_w = context.option("stride_h", 0), context.option("stride_w", 0)
    dilation_h, dilation_w = context.option("dilation_h_factor", 1), context.option("dilation_w_factor", 1)
    sizes = (kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w)
    if not all(0 < size < 256 for size in sizes):
        raise NotFusableError("its kernel, stride or dilation is not between 1 and 255")
    reach_h, reach_w = (kernel_h - 1) * dilation_h + 1, (kernel_w - 1) * dilation_w + 1
    padding = context.option("padding", SAME)
    expected = (
        output_size(in_map.h, reach_h, stride_h, padding),
        output_size(in_map.w, reach_w, stride_w, padding),
    )
    if expected != (out_map.h, out_map.w):
        raise NotFusableError(f"its output is {out_map.h}x{out_map.w}, expected {expected[0]}x{expected[1]}")
    return Window(
        kernel_h,
        kernel_w,
        stride_h,
        stride_w,
        dilation_h,
        dilation_w,
        max(0, (out_map.h - 1) * stride_h + reach_h - in_map.h) // 2,
        max(0, (out_map.w - 1) * stride_w + reach_w - in_map.w) // 2,
    )


def output_size(size: int, reach: int, stride: int, padding: int) -> int:
    """Outputs along an axis of ``size`` (TFLM's ``ComputeOutSize``)."""
    return -(-size // stride) if padding == SAME else (size - reach) // stride + 1
