"""Maps of one row or one column, turned so that they agree: what lies next to one another is a block then.

Converters write 1-D networks with convolutions on 1 x N and pooling on N x 1, and a change of shape in between. The
bytes of both are the same, so that a stage computes the same on either once its window is turned with its maps. A
column is the better way: a block keeps a few of its rows, where it would keep all of a single row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from tflm_msf.ops import Map, Stage, StageOp, Window

TURNABLE = frozenset(StageOp) - {StageOp.SOURCE, StageOp.SPACE_TO_DEPTH, StageOp.DEPTH_TO_SPACE}
"""Those whose arguments treat height and width alike, or are turned here."""


WITH_KERNELS = (StageOp.CONV_2D, StageOp.GROUPED_CONV_2D, StageOp.DEPTHWISE_CONV_2D, StageOp.TRANSPOSE_CONV)
"""Those whose weights have rows and columns."""


def turned_alike(stages: Sequence[Stage | None]) -> list[Stage | None]:
    """The stages of a network, in order, with as many thin maps as columns as can be."""
    stays = _joined_to_fixed(stages)
    return [
        turned(stage) if stage is not None and index not in stays and _lies(stage) else stage
        for index, stage in enumerate(stages)
    ]


def turned(stage: Stage) -> Stage:
    """A stage with height and width exchanged."""
    window = stage.window
    return replace(
        stage,
        input_maps=tuple(_turned_map(grid) for grid in stage.input_maps),
        output_map=_turned_map(stage.output_map),
        window=Window(
            kernel_h=window.kernel_w,
            kernel_w=window.kernel_h,
            stride_h=window.stride_w,
            stride_w=window.stride_h,
            dilation_h=window.dilation_w,
            dilation_w=window.dilation_h,
            pad_top=window.pad_left,
            pad_left=window.pad_top,
            zoom_h=window.zoom_w,
            zoom_w=window.zoom_h,
        ),
        weights=_turned_weights(stage),
        args=_turned_args(stage),
    )


def _turned_map(grid: Map) -> Map:
    return Map(grid.w, grid.h, grid.c)


def _turned_args(stage: Stage) -> tuple[int, ...]:
    args = stage.args
    if stage.op is StageOp.TRANSPOSE_CONV:
        return args[1], args[0], args[3], args[2]
    return (args[1], args[0], *args[2:]) if stage.op is StageOp.RESIZE_BILINEAR else args


def _turned_weights(stage: Stage) -> bytes:
    """Weights with rows and columns of their kernel exchanged; others are none, or as long as they are wide."""
    kernel = stage.window.kernel_h, stage.window.kernel_w
    if stage.op is StageOp.TRANSPOSE_CONV:
        kernel = stage.args[0], stage.args[1]
    if stage.op not in WITH_KERNELS or 1 in kernel:
        return stage.weights
    outer = 1 if stage.op is StageOp.DEPTHWISE_CONV_2D else stage.output_map.c
    weights = np.frombuffer(stage.weights, np.int8).reshape(outer, *kernel, -1)
    return np.ascontiguousarray(weights.transpose(0, 2, 1, 3)).tobytes()


def _maps(stage: Stage) -> Iterator[tuple[int, Map]]:
    """Each tensor with more than one pixel that a stage reads or writes, as the stage sees it."""
    named = (*zip(stage.inputs, stage.input_maps, strict=False), (stage.output, stage.output_map))
    return ((tensor, grid) for tensor, grid in named if grid.pixels > 1)


def _lies(stage: Stage) -> bool:
    """True for a stage on rows, which it can be turned away from."""
    maps = [grid for _, grid in _maps(stage)]
    return bool(maps) and all(grid.h == 1 for grid in maps) and _can_turn(stage)


def _stands(stage: Stage) -> bool:
    """True for a stage on columns, or on single pixels."""
    return all(grid.w == 1 for _, grid in _maps(stage))


def _can_turn(stage: Stage) -> bool:
    """False for a stage that treats height and width differently, or writes behind what is there already."""
    return stage.op in TURNABLE and stage.prefix is None


def _joined_to_fixed(stages: Sequence[Stage | None]) -> set[int]:
    """Stages that share rows, directly or through others, with a stage that cannot be turned."""
    tied: set[int] = set()
    present = {index: stage for index, stage in enumerate(stages) if stage is not None}
    lying = {index: {tensor for tensor, _ in _maps(stage)} for index, stage in present.items() if _lies(stage)}
    fixed = [stage for index, stage in present.items() if index not in lying and not _stands(stage)]
    tensors = {tensor for stage in fixed for tensor, grid in _maps(stage) if grid.h == 1}
    while more := {index for index in lying.keys() - tied if not tensors.isdisjoint(lying[index])}:
        tied |= more
        tensors |= {tensor for index in more for tensor in lying[index]}
    return tied
