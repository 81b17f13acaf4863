"""What kernels may use of a workspace while one stage runs, where that takes no byte of the arena."""

from __future__ import annotations

from dataclasses import replace

from tflm_msf.blocks.block import Block, Group, Scratch
from tflm_msf.blocks.workspace import ACCUMULATOR_BYTES, progress_bytes
from tflm_msf.ops import Stage, StageOp
from tflm_msf.ops.stage import POINTWISE
from tflm_msf.sizes import align_up

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
    stages = {stage.output: stage for each in block.groups for stage in map(block.network.stage, each.units)}
    own = {block.network.stage(unit).output for unit in group.units}
    sums = [offset + ACCUMULATOR_BYTES * block.network.stage(unit).output_map.c for unit, offset in block.accumulators]
    buffers = [
        buffer.offset + buffer.pixels * stages[buffer.tensor].output_map.c
        for buffer in block.buffers
        if not buffer.is_chunk or buffer.tensor in own
    ]
    copies_prefix = block.network.stage(block.groups[-1].units[-1]).prefix is not None
    return align_up(max([progress_bytes(len(block.groups) + copies_prefix), *sums, *buffers]), 4)


def _wanted(stage: Stage, group: Group) -> int:
    """Bytes that a stage has a use for."""
    if stage.op is not StageOp.CONV_2D or group.chunk < MIN_PIXELS or stage.output_map.c < MIN_CHANNELS:
        return 0
    window = stage.window.kernel_h * stage.window.kernel_w * stage.input_maps[0].c
    size = WIDENED * (-(-window // 4) * 4)
    return 0 if stage.window == POINTWISE and size <= ON_THE_STACK else size
