"""What a plan makes the kernels do, counted in units that instructions go up with in proportion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tflm_msf.blocks.block import Block, Group
from tflm_msf.format.limits import GATHERED, MAX_TAPS
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


class _Chunks(NamedTuple):
    """How often a group's stages run, and how many of its pixels come in fours, in twos and alone."""

    calls: int
    fours: int
    twos: int
    ones: int

    @property
    def pixels(self) -> int:
        return self.fours + self.twos + self.ones

    def at_most(self, pixels: int) -> _Chunks:
        """The same pixels where no more than so many are made together."""
        if pixels >= 4:
            return self
        if pixels == 3:
            return self._replace(fours=0, twos=self.twos + self.fours // 2, ones=self.ones + self.fours // 2)
        if pixels == 2:
            return self._replace(fours=0, twos=self.twos + self.fours)
        return self._replace(fours=0, twos=0, ones=self.pixels)

    def share(self, pixels: int) -> _Chunks:
        """So many of the pixels, with as many of each kind in proportion."""
        fours, twos = (count * pixels // max(self.pixels, 1) for count in (self.fours, self.twos))
        return self._replace(fours=fours, twos=twos, ones=pixels - fours - twos)


def work_of(plan: Plan) -> Work:
    """The work in a plan's blocks. Builtins are left out: every plan of a model leaves them to TFLM alike."""
    total: Counter[str] = Counter()
    for block in plan.blocks:
        total.update(_block_work(block))
    return {name: count for name, count in sorted(total.items()) if count}


def _block_work(block: Block) -> Work:
    work: Counter[str] = Counter(blocks=1, tiles=len(block.groups) * len(block.groups[-1].strips))
    for group in block.groups:
        chunks = _chunks(block, group)
        for unit in group.units:
            work.update(_stage_work(block.network.stage(unit), group, chunks))
            work.update(_ring_work(block, block.network.stage(unit), group, chunks))
        work.update({"steps": chunks.calls, "calls": chunks.calls * len(group.units)})
    return work


def _ring_work(block: Block, stage: Stage, group: Group, chunks: _Chunks) -> Work:
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


def _chunks(block: Block, group: Group) -> _Chunks:
    """The chunks that the kernels' walk cuts a group's rows into (see SPEC.md, *Running*)."""
    lengths: Counter[int] = Counter()
    places = zip(group.strips, zip(*_rings(block, group), strict=True), strict=True)
    for ((x0, x1), rings), times in Counter(places).items():
        for length, count in _chunk_lengths(group.rows - _history(block, group), x1 - x0, group.chunk, rings).items():
            lengths[length] += count * times
    return _Chunks(
        calls=sum(lengths.values()),
        fours=sum(count * (length // 4 * 4) for length, count in lengths.items()),
        twos=sum(count * (length % 4 // 2 * 2) for length, count in lengths.items()),
        ones=sum(count * (length % 2) for length, count in lengths.items()),
    )


class _Ring(NamedTuple):
    """A ring that ends chunks: its pixels, those of one row, and the column in it where the group's rows begin."""

    pixels: int
    line: int
    offset: int


def _rings(block: Block, group: Group) -> Iterator[list[_Ring]]:
    """For the group's own ring and each one that it reads pixel by pixel: what it is in each strip."""
    sizes = {buffer.tensor: buffer.pixels for buffer in block.buffers if not buffer.is_chunk}
    makers = {block.network.stage(made.units[-1]).output: made for made in block.groups}
    last = block.network.stage(group.units[-1])
    tensors = [] if last.reduces else [last.output]
    for unit in group.units:
        stage = block.network.stage(unit)
        tensors += stage.inputs if stage.window == POINTWISE else ()
    yield [_Ring(0, 0, 0)] * len(group.strips)
    for tensor in tensors:
        maker = makers.get(tensor)
        if tensor in sizes and maker is not None and not block.network.stage(maker.units[-1]).reduces:
            yield [
                _Ring(sizes[tensor], made[1] - made[0], own[0] - made[0])
                for own, made in zip(group.strips, maker.strips, strict=False)
            ]


def _chunk_lengths(rows: int, width: int, chunk: int, rings: tuple[_Ring, ...]) -> Mapping[int, int]:
    """How many chunks of each length there are in ``rows`` rows of ``width`` pixels."""
    starts = np.arange(rows)[:, None]
    cuts = [np.zeros((rows, 1), np.int64), np.full((rows, 1), width)]
    for ring in rings:
        if ring.pixels:
            first = -(starts * ring.line + ring.offset) % ring.pixels
            cuts.append(np.minimum(first + np.arange(0, width, ring.pixels), width))
    runs = np.diff(np.sort(np.concatenate(cuts, axis=1), axis=1)).ravel()
    full = int((runs // chunk).sum())
    rest = np.bincount(runs % chunk, minlength=chunk)
    lengths = {length: int(rest[length]) for length in range(1, chunk) if rest[length]}
    return {**lengths, chunk: full} if full else lengths


def has_blocks(stage: Stage) -> bool:
    """True if the kernels have blocks for a convolution of this shape, and these are worth their flash."""
    taps = stage.window.kernel_h * stage.window.kernel_w
    channels = stage.input_maps[0].c
    if _is_bulky(stage):
        return False
    if stage.op is StageOp.DEPTHWISE_CONV_2D:
        return taps <= MAX_TAPS and channels == stage.output_map.c
    if stage.op is StageOp.CONV_2D:
        return taps <= MAX_TAPS if channels % 4 == 0 else taps * channels <= GATHERED
    return False


def _is_bulky(stage: Stage) -> bool:
    """True if a scale for every channel instead of one for all takes flash for too little work."""
    scales = stage.requantization
    has_one = scales is not None and scales.is_uniform
    return has_one and stage.macs < MIN_MACS_PER_BYTE * SCALE_BYTES * stage.output_map.c


def _stage_work(stage: Stage, group: Group, chunks: _Chunks) -> Work:
    values = chunks.pixels * stage.output_map.c
    if stage.op is StageOp.CONV_2D:
        return _conv_work(stage, group, chunks)
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


def _conv_work(stage: Stage, group: Group, chunks: _Chunks) -> Work:
    """A convolution sums over segments of contiguous values: a whole window, its rows, or its taps."""
    window, channels, out_c = stage.window, stage.input_maps[0].c, stage.output_map.c
    if not has_blocks(stage):
        return {"plain_macs": chunks.pixels * stage.macs_per_pixel, "plain_values": chunks.pixels * out_c}
    if window == POINTWISE and channels % 4 == 0:
        values = {"conv_values": chunks.pixels * out_c, "pointwise_calls": chunks.calls}
        return {**values, **_segments(chunks, out_c, 1, channels)}
    taps = window.kernel_h * window.kernel_w
    length = -(-taps * channels // 4) * 4
    edge = chunks.pixels - min(_inside(stage, group), chunks.pixels)
    work = {
        "conv_values": chunks.pixels * out_c,
        "conv_window_rows": chunks.calls * window.kernel_h,
    }
    if channels % 4 != 0:
        work["gathered_pixels"] = chunks.pixels
        work["gathered_bytes"] = chunks.pixels * length
        return {**work, **_segments(chunks.at_most(GATHERED // length), out_c, 1, length)}
    row_bytes = window.kernel_w * channels
    if window.kernel_h * (ADDRESS_BYTES + row_bytes) <= ROOM:
        return {**work, **_segments(chunks, out_c, window.kernel_h, row_bytes)}
    by_rows = _segments(chunks.share(chunks.pixels - edge), out_c, window.kernel_h, row_bytes)
    at_edge = chunks.share(edge).at_most(4 if 4 * taps <= MAX_TAPS else 1)
    by_taps = _segments(at_edge, out_c, taps, channels)
    return {**work, **{name: by_rows[name] + by_taps[name] for name in by_rows}, "conv_edge_taps": edge * taps}


def _segments(chunks: _Chunks, out_c: int, segments: int, length: int) -> dict[str, int]:
    """The inner loops over ``segments`` of ``length`` values for each of ``out_c`` channels."""
    starts = out_c * segments
    return {
        "conv_macs_by_4": chunks.fours * starts * length,
        "conv_macs_by_2": chunks.twos * starts * length,
        "conv_macs_by_1": chunks.ones * starts * length,
        "conv_starts_by_4": chunks.fours * starts,
        "conv_starts": (chunks.twos + chunks.ones) * starts,
        "conv_vectors": chunks.pixels * segments * (out_c // 4) * -(-length // 16),
        "conv_vector_starts": chunks.pixels * segments * (out_c // 4),
        "conv_spare_macs": chunks.pixels * segments * length * (out_c % 4),
    }


def _depthwise_work(stage: Stage, group: Group, chunks: _Chunks) -> Work:
    taps, channels = stage.window.kernel_h * stage.window.kernel_w, stage.output_map.c
    inside = min(_inside(stage, group), chunks.pixels)
    edge = chunks.pixels - inside
    if not has_blocks(stage):
        return {
            "multiplied_macs": inside * taps * channels,
            "multiplied_values": inside * channels,
            "multiplied_edge_macs": edge * taps * channels,
            "multiplied_edge_values": edge * channels,
        }
    return {
        "depthwise_macs": chunks.pixels * taps * channels,
        "depthwise_spare_macs": chunks.pixels * taps * (channels % 4),
        "depthwise_odd_macs": chunks.pixels * taps * channels * (channels % 4 != 0),
        "depthwise_vectors": chunks.pixels * -(-taps // 4) * (channels // 4) * (channels % 4 == 0),
        "depthwise_values": chunks.pixels * channels,
        "depthwise_starts": chunks.calls * channels,
        "depthwise_taps": chunks.pixels * taps if stage.window.kernel_w != 3 else edge * taps,
        "depthwise_threes": inside * stage.window.kernel_h if stage.window.kernel_w == 3 else 0,
        "depthwise_window_rows": chunks.calls * stage.window.kernel_h,
    }


def _history(block: Block, group: Group) -> int:
    """Rows of a group's grid that earlier invocations have made."""
    return block.network.stage(group.units[-1]).history


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
