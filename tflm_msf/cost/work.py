"""What a plan makes the kernels do, counted in units that instructions go up with in proportion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from tflm_msf.blocks.block import Block, Group
from tflm_msf.blocks.scratch import MIN_CHANNELS, ON_THE_STACK, WIDENED
from tflm_msf.cost.steps import Chunks, chunks_of
from tflm_msf.format.limits import IM2COL_BYTES, MAX_TAPS
from tflm_msf.ops import Stage, StageOp
from tflm_msf.ops.stage import POINTWISE
from tflm_msf.plan import Plan

Ints = npt.NDArray[np.int64]

Work = Mapping[str, int]
"""How much of each kind of work there is: MACs, output values, pixels, calls, by kind of operator."""

ROOM = 4 * MAX_TAPS
"""Bytes that the kernels have for addresses of rows of windows, and for copies of those that are not in one piece."""

ADDRESS_BYTES = 16
"""Of the addresses of one row of four windows."""

SCALE_BYTES = 5
MIN_MACS_PER_BYTE = 10

_COPYING = (
    StageOp.PAD,
    StageOp.CONCATENATION,
    StageOp.SLICE,
    StageOp.SPACE_TO_DEPTH,
    StageOp.DEPTH_TO_SPACE,
    StageOp.RESIZE_NEAREST_NEIGHBOR,
)


def work_of(plan: Plan) -> Work:
    """The work in a plan's blocks. Builtins are left out: every plan of a model leaves them to TFLM alike."""
    total: Counter[str] = Counter()
    for block in plan.blocks:
        total.update(block_work(block))
    return {name: count for name, count in sorted(total.items()) if count}


def block_work(block: Block) -> Work:
    """The work in one block."""
    work: Counter[str] = Counter(blocks=1, tiles=len(block.groups) * len(block.groups[-1].strips))
    scratch = {found.unit: found.size for found in block.scratch}
    for group, chunks in zip(block.groups, chunks_of(block), strict=True):
        for unit in group.units:
            work.update(_stage_work(block.network.stage(unit), group, chunks, scratch.get(unit, 0)))
            work.update(_ring_work(block, block.network.stage(unit), group, chunks))
        work.update({"steps": chunks.calls, "calls": chunks.calls * len(group.units)})
    return work


def _ring_work(block: Block, stage: Stage, group: Group, chunks: Chunks) -> Work:
    """What windows that lie in a ring cost besides: where a row is in it, and rows that go on at its beginning."""
    pixels = next((b.pixels for b in block.buffers if b.tensor in stage.inputs[:1] and not b.is_chunk), 0)
    if pixels == 0 or stage.window == POINTWISE:
        return {}
    window = stage.window
    if stage.op not in (StageOp.CONV_2D, StageOp.DEPTHWISE_CONV_2D):
        return {"ring_taps": chunks.pixels * window.kernel_h * window.kernel_w}
    span = (group.chunk - 1) * window.stride_w + window.reach_w
    rows = chunks.calls * window.kernel_h
    split = rows * min(span, pixels) // pixels
    return {"ring_rows": rows, "split_rows": split, "split_taps": split * group.chunk * window.kernel_w}


def can_be_packed(stage: Stage) -> bool:
    """True if the kernels have a packed layout for a convolution of this shape, and it is worth its flash."""
    taps = stage.window.kernel_h * stage.window.kernel_w
    channels = stage.input_maps[0].c
    if _is_bulky(stage):
        return False
    if stage.op is StageOp.DEPTHWISE_CONV_2D:
        return taps <= MAX_TAPS and channels == stage.output_map.c
    if stage.op is StageOp.CONV_2D:
        return taps <= MAX_TAPS if channels % 4 == 0 else taps * channels <= IM2COL_BYTES
    return False


def _is_bulky(stage: Stage) -> bool:
    """True if a scale for every channel instead of one for all takes flash for too little work."""
    scales = stage.requantization
    has_one = scales is not None and scales.is_uniform
    return has_one and stage.macs < MIN_MACS_PER_BYTE * SCALE_BYTES * stage.output_map.c


def _stage_work(stage: Stage, group: Group, chunks: Chunks, scratch: int) -> Work:
    values = chunks.pixels * stage.output_map.c
    if stage.op is StageOp.CONV_2D:
        return _conv_work(stage, group, chunks, scratch)
    if stage.op is StageOp.DEPTHWISE_CONV_2D:
        return _depthwise_work(stage, group, chunks)
    if stage.op is StageOp.GROUPED_CONV_2D:
        return {"grouped_macs": chunks.pixels * stage.macs_per_pixel, "grouped_values": values}
    if stage.op is StageOp.TRANSPOSE_CONV:
        taps = stage.window.kernel_h * stage.window.kernel_w
        return {
            "transpose_macs": chunks.pixels * stage.macs_per_pixel,
            "transpose_dots": values * taps,
            "transpose_values": values,
        }
    if stage.op is StageOp.FULLY_CONNECTED:
        return {
            "dense_macs": chunks.pixels * stage.macs_per_pixel,
            "dense_dots": chunks.pixels * stage.output_map.c,
            "dense_values": stage.output_map.c * len(group.strips),
        }
    if stage.op in (StageOp.AVERAGE_POOL_2D, StageOp.MAX_POOL_2D):
        taps = stage.window.kernel_h * stage.window.kernel_w
        return {"pool_taps": values * taps, "pool_values": values}
    if stage.op is StageOp.GLOBAL_POOL:
        return {"global_pool_values": chunks.pixels * stage.input_maps[0].c}
    if stage.op in _COPYING:
        return {"copied_pixels": chunks.pixels, "copied_values": values}
    return {f"{stage.op.name.lower()}_values": values}


def _conv_work(stage: Stage, group: Group, chunks: Chunks, scratch: int) -> Work:
    """A convolution sums over segments of contiguous values: a whole window, its rows, or its taps."""
    window, channels, out_c = stage.window, stage.input_maps[0].c, stage.output_map.c
    if not can_be_packed(stage):
        return {"plain_macs": chunks.pixels * stage.macs_per_pixel, "plain_values": chunks.pixels * out_c}
    if window == POINTWISE and channels % 4 == 0:
        values = {"conv_values": chunks.pixels * out_c, "pointwise_calls": chunks.calls}
        return {**values, **_segments(chunks, out_c, 1, channels, max(scratch, ON_THE_STACK))}
    taps = window.kernel_h * window.kernel_w
    length = -(-taps * channels // 4) * 4
    edge = chunks.pixels - min(_inside(stage, group), chunks.pixels)
    work = {
        "conv_values": chunks.pixels * out_c,
        "conv_window_rows": chunks.calls * window.kernel_h,
    }
    if channels % 4 != 0:
        work["im2col_rows"] = chunks.pixels * window.kernel_h
        work["im2col_bytes"] = chunks.pixels * length
        return {**work, **_segments(chunks.at_most(IM2COL_BYTES // length), out_c, 1, length, scratch)}
    row_bytes = window.kernel_w * channels
    if window.kernel_h * (ADDRESS_BYTES + row_bytes) <= ROOM:
        return {**work, **_segments(chunks, out_c, window.kernel_h, row_bytes, scratch)}
    by_rows = _segments(chunks.share(chunks.pixels - edge), out_c, window.kernel_h, row_bytes, scratch)
    at_edge = chunks.share(edge).at_most(4 if 4 * taps <= MAX_TAPS else 1)
    by_taps = _segments(at_edge, out_c, taps, channels, scratch)
    return {**work, **{name: by_rows[name] + by_taps[name] for name in by_rows}, "conv_edge_taps": edge * taps}


def _segments(chunks: Chunks, out_c: int, segments: int, length: int, scratch: int) -> dict[str, int]:
    """The inner loops over ``segments`` of ``length`` values for each of ``out_c`` channels.

    Where there is ``scratch`` for them, some cores widen the values of four pixels, or of two.
    """
    starts = out_c * segments
    widens = out_c >= MIN_CHANNELS
    is_wide_by_4 = widens and WIDENED * segments * length <= scratch
    is_wide_by_2 = widens and WIDENED // 2 * segments * length <= scratch
    return {
        "conv_narrow_macs_by_4": 0 if is_wide_by_4 else chunks.fours * starts * length,
        "conv_narrow_starts_by_4": 0 if is_wide_by_4 else chunks.fours * starts,
        "conv_narrow_macs_by_2": 0 if is_wide_by_2 else chunks.twos * starts * length,
        "conv_macs_by_4": chunks.fours * starts * length,
        "conv_macs_by_2": chunks.twos * starts * length,
        "conv_macs_by_1": chunks.ones * starts * length,
        "conv_starts_by_4": chunks.fours * starts,
        "conv_starts_by_2": chunks.twos * starts,
        "conv_starts_by_1": chunks.ones * starts,
        "conv_vectors": chunks.pixels * segments * (out_c // 4) * -(-length // 16),
        "conv_vector_starts": chunks.pixels * segments * (out_c // 4),
        "conv_spare_macs": chunks.pixels * segments * length * (out_c % 4),
    }


def _depthwise_work(stage: Stage, group: Group, chunks: Chunks) -> Work:
    taps, channels = stage.window.kernel_h * stage.window.kernel_w, stage.output_map.c
    inside = min(_inside(stage, group), chunks.pixels)
    edge = chunks.pixels - inside
    if not can_be_packed(stage):
        return {
            "multiplied_macs": inside * taps * channels,
            "multiplied_values": inside * channels,
            "multiplied_edge_macs": edge * taps * channels,
            "multiplied_edge_values": edge * channels,
        }
    return {
        "depthwise_macs": chunks.pixels * taps * channels,
        "depthwise_single_macs": (chunks.pixels - _in_columns(stage, chunks)) * taps * channels,
        "depthwise_single_values": (chunks.pixels - _in_columns(stage, chunks)) * channels,
        "depthwise_spare_macs": chunks.pixels * taps * (channels % 4),
        "depthwise_odd_macs": chunks.pixels * taps * channels * (channels % 4 != 0),
        "depthwise_vectors": chunks.pixels * -(-taps // 4) * (channels // 4) * (channels % 4 == 0),
        "depthwise_values": chunks.pixels * channels,
        "depthwise_starts": chunks.calls * channels,
        "depthwise_taps": chunks.pixels * taps if stage.window.kernel_w != 3 else edge * taps,
        "depthwise_threes": inside * stage.window.kernel_h if stage.window.kernel_w == 3 else 0,
        "depthwise_window_rows": chunks.calls * stage.window.kernel_h,
    }


def _in_columns(stage: Stage, chunks: Chunks) -> int:
    """Pixels whose windows share columns on some cores: three or more of a 3x3 window next to each other."""
    window = stage.window
    is_three = window.kernel_h == window.kernel_w == 3 and window.reach_w == 3
    return chunks.fours if is_three and window.stride_w <= 2 and stage.output_map.c % 4 == 0 else 0


def _inside(stage: Stage, group: Group) -> int:
    """Pixels whose window lies wholly inside the input."""
    window, source = stage.window, stage.input_maps[0]
    y = window.top(np.arange(stage.history, group.rows))
    rows = int(((y >= 0) & (y + window.reach_h <= source.h)).sum())
    cols = 0
    for x0, x1 in group.strips:
        x = window.left(np.arange(x0, x1))
        cols += int(((x >= 0) & (x + window.reach_w <= source.w)).sum())
    return rows * cols
