"""What kernels may use of a workspace while one stage runs, where that takes no byte of the arena."""

from __future__ import annotations

from dataclasses import replace

from tflm_msf.blocks.block import Block, Group, Scratch
from tflm_msf.ops import Stage, StageOp
from tflm_msf.ops.stage import POINTWISE

WIDENED = 8
"""Bytes of scratch for each value of a window: four pixels of 16 bits."""

MIN_PIXELS = 3
"""Pixels of a chunk from which on kernels widen them."""

MIN_CHANNELS = 4
"""Output channels, likewise."""

ON_THE_STACK = 256
"""Bytes that kernels find themselves where a convolution is 1x1."""


def with_scratch(block: Block, room: int) -> Block:
    """The block with scratch for every stage that fits into ``room`` bytes, its workspace included.

    What is not alive while a group runs counts as free: behind its own chunks lie those of other groups only.
    """
    found = []
    for group in block.groups:
        offset = _end_of(block, group)
        for unit in group.units:
            size = _wanted(block.network.stage(unit), group)
            if size and offset + size <= room:
                found.append(Scratch(unit, offset, size))
    return replace(block, scratch=tuple(found))


def _end_of(block: Block, group: Group) -> int:
    """The first byte, a multiple of 4, behind everything that has to last while a group runs."""
    chunks = [buffer for buffer in block.buffers if buffer.is_chunk]
    made = {block.network.stage(unit).output: block.network.stage(unit).output_map.c for unit in group.units}
    end = min((buffer.offset for buffer in chunks), default=block.candidate.workspace)
    own = [buffer.offset + buffer.pixels * made[buffer.tensor] for buffer in chunks if buffer.tensor in made]
    return -(-max([end, *own]) // 4) * 4


def _wanted(stage: Stage, group: Group) -> int:
    """Bytes that a stage has a use for."""
    if stage.op is not StageOp.CONV_2D or group.chunk < MIN_PIXELS or stage.output_map.c < MIN_CHANNELS:
        return 0
    window = stage.window.kernel_h * stage.window.kernel_w * stage.input_maps[0].c
    size = WIDENED * (-(-window // 4) * 4)
    return 0 if stage.window == POINTWISE and size <= ON_THE_STACK else size
