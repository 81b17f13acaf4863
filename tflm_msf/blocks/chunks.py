"""Where the tensors lie that the stages of a group hand on to each other, a few pixels at a time."""

from __future__ import annotations

from tflm_msf.ops import Stage, StageOp

CHUNK_BYTES = 2048
"""Chunks get shorter where all chunks of a group together would take more than this."""

IN_PLACE = (StageOp.ADD, StageOp.SUB, StageOp.MUL, StageOp.TABLE)
"""Operators that may write a pixel over the same pixel of their first input."""


def chunk_layout(stages: list[Stage]) -> tuple[dict[int, int], int]:
    """Places the tensors that stages of a group hand on, for a chunk of one pixel.

    A chunk is free again once its one reader has run, and some readers can write over it.

    Args:
        stages: the group in running order; the last one's output is no chunk.

    Returns:
        The channels before each chunk tensor, and the channels that all of them together need.
    """
    offsets: dict[int, int] = {}
    live: dict[int, tuple[int, int]] = {}
    extent = 0
    for stage in stages[:-1]:
        channels = stage.output_map.c
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
        live[stage.output] = (start, start + channels)
        offsets[stage.output] = start
        extent = max(extent, start + channels)
    return offsets, extent
