"""RESIZE_NEAREST_NEIGHBOR, RESIZE_BILINEAR and DEPTH_TO_SPACE."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tflm_msf.ops.conditions import RATIO, fused_if
from tflm_msf.ops.context import OpContext
from tflm_msf.ops.stage import Map, NotFusableError, Stage, StageOp, Window, Zoom, map_of

MAX_FACTOR = 16
"""Outputs for which a window can stay where it is, as the program format has it."""

MAX_STRIDE = 255

MAX_SCALE = 32767
"""Input pixels for an output pixel in 1/1024 that the kernels take."""

MAX_ALIGNED = 32767
"""Rows and columns of maps whose corners are aligned, as the kernels take them."""

NOT_BOTH = "not both corners and centres aligned"

ALIGNED = 2
"""Where an output of RESIZE_NEAREST_NEIGHBOR looks, apart from its corner (0) and its centre (1)."""


class Axis(NamedTuple):
    """A window along one axis."""

    kernel: int
    stride: int
    pad: int
    zoom: Zoom


Ints = npt.NDArray[np.int64]


@fused_if(NOT_BOTH, f"corners aligned, or {RATIO}", "coordinates that float32 does not round")
def lower_resize_nearest_neighbor(context: OpContext) -> Stage:
    """RESIZE_NEAREST_NEIGHBOR where TFLM's float32 coordinates are what exact arithmetic gives."""
    in_map, out_map = _maps(context)
    half, aligned = _where(context)
    looks = ALIGNED if aligned else half
    context.require(
        not aligned or max(*in_map[:2], *out_map[:2]) <= MAX_ALIGNED, "its maps are too large to be aligned"
    )
    axes = []
    for size, out_size in zip(in_map[:2], out_map[:2], strict=True):
        at = np.arange(out_size)
        if aligned and out_size > 1:
            scale = np.float32(size - 1) / np.float32(out_size - 1)
            reference = np.floor(at.astype(np.float32) * scale + np.float32(0.5)).astype(np.int64)
            exact = (2 * at * (size - 1) + out_size - 1) // (2 * (out_size - 1))
        else:
            scale, offset = np.float32(size) / np.float32(out_size), np.float32(0.5 * half)
            reference = np.floor((at.astype(np.float32) + offset) * scale).astype(np.int64)
            exact = (2 * at + half) * size // (2 * out_size)
        context.require(bool((np.minimum(reference, size - 1) == exact).all()), "TFLM rounds its coordinates")
        axes.append(_axis(size, out_size, exact, exact, may_drift=aligned))
    return _stage(context, StageOp.RESIZE_NEAREST_NEIGHBOR, axes[0], axes[1], (looks,))


@fused_if(NOT_BOTH, "TFLM does not read past its input")
def lower_resize_bilinear(context: OpContext) -> Stage:
    """RESIZE_BILINEAR in TFLM's fixed point (``ResizeBilinearInteger``)."""
    in_map, out_map = _maps(context)
    half, aligned = _where(context)
    scales, axes = [], []
    for size, out_size in zip(in_map[:2], out_map[:2], strict=True):
        over, among = (size - 1, out_size - 1) if aligned and out_size > 1 else (size, out_size)
        step = (1024 * over + among // 2) // among
        context.require(step <= MAX_SCALE, "its output is too small for its input")
        context.require(step > 0 or (size == 1 and out_size <= 1024), "its output is too large for its input")
        position = np.arange(out_size) * step + (step // 2 - 512 if half else 0)
        low, high = np.maximum(position, 0) // 1024, np.minimum((position + 1023) // 1024, size - 1)
        scales.append(max(step, 1))  # of a single value the kernels take any
        axes.append(_axis(size, out_size, low, high, may_drift=True))
    return _stage(context, StageOp.RESIZE_BILINEAR, axes[0], axes[1], (*scales, half))


def _where(context: OpContext) -> tuple[int, bool]:
    """Whether an output looks where its centre is (1) or its corner (0), and whether corners are aligned."""
    half, aligned = context.option("half_pixel_centers", 0), context.option("align_corners", 0) != 0
    context.require(not (half and aligned), "it aligns corners and centres")
    return half, aligned


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


def _axis(size: int, out_size: int, first: Ints, last: Ints, may_drift: bool) -> Axis:
    """The smallest window that covers input coordinates ``first`` to ``last`` of each output.

    It moves on as the sizes' fraction says. If it ``may_drift``, it moves as a close fraction of small numbers may do,
    and is as much larger as that drifts away.
    """
    if (first > last).any() or (first >= size).any():
        raise NotFusableError("TFLM reads past the end of its input")
    common = math.gcd(size, out_size)
    exact = size // common, out_size // common
    moves = [exact]
    if may_drift:
        moves += [(max(1, round(size * factor / out_size)), factor) for factor in range(1, MAX_FACTOR + 1)]
    fitting = [(stride, factor) for stride, factor in moves if factor <= MAX_FACTOR and stride <= MAX_STRIDE]
    if not fitting:
        raise NotFusableError(f"it resizes {size} to {out_size}, which is no fraction of small numbers")
    axes = [(move, _covering(first, last, *move, shift)) for move in fitting for shift in range(move[1])]
    return min(axes, key=lambda found: (found[1].kernel, found[0] != exact, found[1].zoom))[1]


def _covering(first: Ints, last: Ints, stride: int, factor: int, shift: int) -> Axis:
    starts = (np.arange(len(first)) + shift) // factor * stride
    pad = max(0, int((starts - first).max()))
    return Axis(max(int((last - starts).max()) + pad + 1, 1), stride, pad, Zoom(factor, shift))


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
