"""Where the tensors lie that the stages of a group hand on to each other, a few pixels at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tflm_msf.ops import Stage, StageOp

CHUNK_BYTES = 2048
"""Chunks get shorter where all chunks of a group together would take more than this."""

IN_PLACE = (StageOp.ADD, StageOp.SUB, StageOp.MUL, StageOp.TABLE)
"""Operators that may write a pixel over the same pixel of their first input."""


class ChunkLayout(NamedTuple):
    """Where a group's chunks lie: the channels before each tensor, and the channels that all of them together need."""

    offsets: Mapping[int, int]
    channels: int


NO_CHUNKS = ChunkLayout({}, 0)


def chunk_layout(stages: Sequence[Stage], elsewhere: int | None = None) -> ChunkLayout:
    """Places the tensors that stages of a group hand on, for a chunk of one pixel.

    A chunk is free again once its one reader has run, and some readers can write over it.

    Args:
        stages: the group in running order; the last one's output is no chunk.
        elsewhere: a tensor that is not among them, as its chunk lies in a ring.
    """
    offsets: dict[int, int] = {}
    live: dict[int, tuple[int, int]] = {}
    extent = 0
    for stage in stages[:-1]:
        channels = 0 if stage.output == elsewhere else stage.output_map.c
        first = stage.inputs[0]
        if stage.op in IN_PLACE and first in live and stage.input_maps[0].c == channels:
            start = live[first][0]
        else:
            start = 0
            for taken, end in sorted(live.values()):
                if start + channels > taken:
                    start = max(start, end)
        for source in stage.inputs:
            live.pop(source, None)
        if stage.output != elsewhere:
            live[stage.output] = (start, start + channels)
            offsets[stage.output] = start
        extent = max(extent, start + channels)
    return ChunkLayout(offsets, extent)


def written_over(stages: Sequence[Stage]) -> int | None:
    """The tensor that a group's last stage takes pixel by pixel from an earlier one, and may write its result over."""
    last = stages[-1]
    handed_on = {stage.output: stage.output_map.c for stage in stages[:-1]}
    is_alike = last.op in IN_PLACE and handed_on.get(last.inputs[0]) == last.output_map.c
    return last.inputs[0] if is_alike else None
