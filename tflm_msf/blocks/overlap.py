"""How far a block's output may run over an input whose first rows are dead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tflm_msf.blocks.demand import Demand
from tflm_msf.network.units import Network
from tflm_msf.ops import Map, Stage
from tflm_msf.ops.stage import POINTWISE
from tflm_msf.sizes import align_up

DISTANCE_ALIGNMENT = 16

Asked = Callable[[int], Demand | None]
"""What is asked of the group of a unit; None if it is the last one's, which makes the output."""


class Overlaps:
    """The distance that each input of blocks that end at unit ``last`` needs; found once for each set of readers."""

    def __init__(self, network: Network, last: int) -> None:
        self._network = network
        self._last = network.stage(last)
        self._found: dict[tuple[int, tuple[tuple[int, int], ...]], list[int]] = {}

    def best(
        self, inputs: Sequence[int], readers: Mapping[int, Sequence[int]], asked: Asked, chunk: int
    ) -> tuple[int, int] | None:
        """The input that saves most bytes if the output runs over it, and the bytes by which it has to start behind the
        output; None if none saves any.

        ``readers`` has the units that read each tensor from outside the block; the last group makes ``chunk`` pixels at
        a time.
        """
        gains = [
            (self._gain(tensor, distance), tensor, distance)
            for tensor in inputs
            for distance in self._distances(tensor, readers, asked, chunk)
        ]
        gain, tensor, distance = max(gains, default=(0, 0, 0))
        return (tensor, distance) if gain > 0 else None

    def _gain(self, tensor: int, distance: int) -> int:
        """Bytes saved by letting the output overlap ``tensor``."""
        output, source = self._network.nbytes(self._last.output), self._network.nbytes(tensor)
        return output + source - max(output, distance + source)

    def _distances(self, tensor: int, readers: Mapping[int, Sequence[int]], asked: Asked, chunk: int) -> list[int]:
        read = tuple(
            (source, reader)
            for source, units in readers.items()
            if self._network.copies.get(source, source) == tensor
            for reader in units
        )
        if (chunk, read) not in self._found:
            self._found[chunk, read] = self._distance(tensor, read, asked, chunk)
        return self._found[chunk, read]

    def _distance(self, tensor: int, read: Sequence[tuple[int, int]], asked: Asked, chunk: int) -> list[int]:
        """Bytes by which an input has to start behind the output so that pixels are only overwritten once dead.

        Empty if the readers see the input in different layouts. A prefix is copied before anything else is written.
        """
        before = self._last.prefix_map.elements
        distances, layouts = [0], set()
        for _, reader in read:
            stage = self._network.stage(reader)
            for source, grid in zip(stage.inputs, stage.input_maps, strict=False):
                if self._network.copies.get(source, source) == tensor:
                    layouts.add(grid)
                    distances.append(before + distance_to_reader(self._last, stage, grid, asked(reader), chunk))
        return [align_up(max(distances), DISTANCE_ALIGNMENT)] if len(layouts) <= 1 else []


def distance_to_reader(last: Stage, stage: Stage, grid: Map, asked: Demand | None, chunk: int) -> int:
    """The most by which the end of what ``last`` has written is ahead of the input that ``stage`` needs next.

    The stage sees the input as ``grid``. ``asked`` of its group; None if that makes the output,
    ``chunk`` pixels at a time.
    """
    if last.reduces:
        dead_rows = grid.h - 1 if asked is None else grid.h
        return last.output_map.elements - dead_rows * grid.w * grid.c
    return (
        _within_a_row(last.output_map, stage, grid, chunk)
        if asked is None
        else _by_rows(last.output_map, stage, grid, asked)
    )


def _serves_all(stage: Stage, grid: Map) -> bool:
    return stage.window == POINTWISE and grid.pixels == 1


def _by_rows(out: Map, stage: Stage, grid: Map, asked: Demand) -> int:
    """Another group reads: a row of the output counts as written once it is begun."""
    rows, steps = np.arange(out.h), asked.rows[:-1]
    needed = np.clip(stage.window.top(steps), 0, 0 if _serves_all(stage, grid) else grid.h)
    needed = np.where(steps >= asked.rows[-1], grid.h, needed)
    return int(((rows + 1) * out.w * out.c - needed * grid.w * grid.c).max())


def _within_a_row(out: Map, stage: Stage, grid: Map, chunk: int) -> int:
    """The group that makes the output reads: a chunk counts as written before it is read."""
    if _serves_all(stage, grid):
        return out.elements
    window, rows, cols = stage.window, np.arange(out.h), np.arange(out.w)
    first_row = np.clip(window.top(rows), 0, grid.h)
    ahead_rows = rows * out.w * out.c - first_row * grid.w * grid.c
    first_col = np.clip(window.left(cols), 0, grid.w)
    ahead_cols = np.minimum(cols + chunk, out.w) * out.c - first_col * grid.c
    row_read_again = np.append(first_row[1:] == first_row[:-1], False)
    ahead = ahead_rows + np.where(row_read_again, out.w * out.c, ahead_cols.max())
    return int(ahead.max())
