"""RESIZE_NEAREST_NEIGHBOR, RESIZE_BILINEAR and DEPTH_TO_SPACE."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tflm_msf.ops.conditions import RATIO, fused_if
from tflm_msf.ops.context import OpContext
from tflm_msf.ops.stage import Map, NotFusableError, Stage, StageOp, Window, Zoom, map_of

MAX_FACTOR = 16
"""Outputs for which a window can stay where it is, as the program format has it."""

MAX_SCALE = 32767
"""Input pixels for an output pixel in 1/1024 that the kernels take."""


class Axis(NamedTuple):
    """A window along one axis."""

    kernel: int
    stride: int
    pad: int
    zoom: Zoom


Reads = Callable[[int], tuple[int, int]]
"""First and last input coordinate that an output coordinate reads."""


@fused_if("corners are not aligned", RATIO, "coordinates that float32 does not round")
def lower_resize_nearest_neighbor(context: OpContext) -> Stage:
    """RESIZE_NEAREST_NEIGHBOR where TFLM's float32 coordinates are what exact arithmetic gives."""
    in_map, out_map = _maps(context)
    context.require(context.option("align_corners", 0) == 0, "it aligns corners")
    half = context.option("half_pixel_centers", 0)
    for size, out_size in zip(in_map[:2], out_map[:2], strict=True):
        scale, offset = np.float32(size) / np.float32(out_size), np.float32(0.5 * half)
        at = np.arange(out_size)
        reference = np.minimum(np.floor((at.astype(np.float32) + offset) * scale).astype(np.int64), size - 1)
        exact = (2 * at + half) * size // (2 * out_size)
        context.require(bool((reference == exact).all()), "TFLM rounds its coordinates")

    def axis(size: int, out_size: int) -> Axis:
        return _axis(size, out_size, lambda at: ((2 * at + half) * size // (2 * out_size),) * 2)

    rows, cols = axis(in_map.h, out_map.h), axis(in_map.w, out_map.w)
    return _stage(context, StageOp.RESIZE_NEAREST_NEIGHBOR, rows, cols, (half,))


@fused_if("corners are not aligned", RATIO, "TFLM does not read past its input")
def lower_resize_bilinear(context: OpContext) -> Stage:
    """RESIZE_BILINEAR in TFLM's fixed point (``ResizeBilinearInteger``)."""
    in_map, out_map = _maps(context)
    context.require(context.option("align_corners", 0) == 0, "it aligns corners")
    half = context.option("half_pixel_centers", 0)

    def scale(size: int, out_size: int) -> int:
        return (1024 * size + out_size // 2) // out_size

    def reads(size: int, out_size: int) -> Reads:
        step = scale(size, out_size)

        def span(at: int) -> tuple[int, int]:
            position = at * step + (step // 2 - 512 if half else 0)
            return max(position, 0) // 1024, min((position + 1023) // 1024, size - 1)

        return span

    scales = scale(in_map.h, out_map.h), scale(in_map.w, out_map.w)
    context.require(max(scales) <= MAX_SCALE, "its output is too small for its input")
    rows = _axis(in_map.h, out_map.h, reads(in_map.h, out_map.h))
    cols = _axis(in_map.w, out_map.w, reads(in_map.w, out_map.w))
    return _stage(context, StageOp.RESIZE_BILINEAR, rows, cols, (*scales, half))


@fused_if("a block from 1 to 16")
def lower_depth_to_space(context: OpContext) -> Stage:
    """DEPTH_TO_SPACE: every pixel becomes a block of them."""
    in_map, out_map = map_of(context.tensor(0)), map_of(context.output)
    context.int8_activation(context.tensor(0))
    context.int8(context.output)
    block = context.option("block_size", 0)
    context.require(0 < block <= MAX_FACTOR, f"its block is not between 1 and {MAX_FACTOR}")
    expected = Map(in_map.h * block, in_map.w * block, in_map.c // (block * block))
    fits = out_map == expected and out_map.c * block * block == in_map.c
    context.require(fits, "its shapes do not fit its block")
    axis = Axis(1, 1, 0, Zoom(block))
    return _stage(context, StageOp.DEPTH_TO_SPACE, axis, axis, ())


def _maps(context: OpContext) -> tuple[Map, Map]:
    context.int8_activation(context.tensor(0))
    context.int8(context.output)
    in_map, out_map = map_of(context.tensor(0)), map_of(context.output)
    context.require(in_map.c == out_map.c, "its output has other channels than its input")
    return in_map, out_map


def _axis(size: int, out_size: int, reads: Reads) -> Axis:
    """The smallest window that moves on as the sizes' fraction says and covers all that is read."""
    common = math.gcd(size, out_size)
    stride, factor = size // common, out_size // common
    if factor > MAX_FACTOR or stride > 255:
        raise NotFusableError(f"it resizes {size} to {out_size}, which is no fraction of small numbers")
    spans = [reads(at) for at in range(out_size)]
    if any(first > last or first >= size for first, last in spans):
        raise NotFusableError("TFLM reads past the end of its input")
    axes = []
    for shift in range(factor):
        starts = [(at + shift) // factor * stride for at in range(out_size)]
        pad = max(0, *(start - first for start, (first, _) in zip(starts, spans, strict=True)))
        kernel = max(last - start for start, (_, last) in zip(starts, spans, strict=True)) + pad + 1
        axes.append(Axis(max(kernel, 1), stride, pad, Zoom(factor, shift)))
    return min(axes, key=lambda axis: (axis.kernel, axis.zoom.shift))


def _stage(context: OpContext, op: StageOp, rows: Axis, cols: Axis, args: tuple[int, ...]) -> Stage:
    return Stage(
        op=op,
        inputs=(context.op.inputs[0],),
        output=context.op.outputs[0],
        input_maps=(map_of(context.tensor(0)),),
        output_map=map_of(context.output),
        window=Window(
            kernel_h=rows.kernel,
            kernel_w=cols.kernel,
            stride_h=rows.stride,
            stride_w=cols.stride,
            pad_top=rows.pad,
            pad_left=cols.pad,
            zoom_h=rows.zoom,
            zoom_w=cols.zoom,
        ),
        args=args,
    )
