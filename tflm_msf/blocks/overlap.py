"""How far a block's output may run over an input whose first rows are dead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tflm_msf.blocks.demand import Demand, Ints, Strips
from tflm_msf.network.units import Network
from tflm_msf.ops import Map, Stage
from tflm_msf.ops.stage import POINTWISE
from tflm_msf.sizes import TENSOR_ALIGNMENT

Asked = Callable[[int], Demand | None]
"""What is asked of the group of a unit; None if it is the last one's, which makes the output."""


class Overlaps:
    """The distance that each input of blocks that end at unit ``last`` needs; found once for each set of readers."""

    def __init__(self, network: Network, last: int, strips: Strips) -> None:
        self._network = network
        self._last = network.stage(last)
        self._strips = strips
        self._found: dict[tuple[int, tuple[tuple[int, int], ...]], Ints | None] = {}

    def best(
        self, inputs: Sequence[int], readers: Mapping[int, Sequence[int]], asked: Asked
    ) -> list[tuple[int, int] | None]:
        """For each schedule the input that saves most bytes if the output runs over it, and the bytes by which it has
        to start behind the output; None if none saves any.

        ``readers`` has the units that read each tensor from outside the block.
        """
        most = [(0, 0, 0)] * len(self._strips.schedules)
        for tensor in inputs:
            distances = self._distances(tensor, readers, asked)
            if distances is not None:
                gains = self._gains(tensor, distances)
                found = zip(gains.tolist(), distances.tolist(), strict=True)
                most = [max(old, (gain, tensor, apart)) for old, (gain, apart) in zip(most, found, strict=True)]
        return [(tensor, distance) if gain > 0 else None for gain, tensor, distance in most]

    def _gains(self, tensor: int, distances: Ints) -> Ints:
        """Bytes saved by letting the output overlap ``tensor``, for each schedule."""
        output, source = self._network.nbytes(self._last.output), self._network.nbytes(tensor)
        return output + source - np.maximum(output, distances + source)

    def _distances(self, tensor: int, readers: Mapping[int, Sequence[int]], asked: Asked) -> Ints | None:
        read = tuple(
            (source, reader)
            for source, units in readers.items()
            if self._network.copies.get(source, source) == tensor
            for reader in units
        )
        key = len(self._strips.schedules), read  # schedules only ever become fewer
        if key not in self._found:
            self._found[key] = self._distance(tensor, read, asked)
        return self._found[key]

    def _distance(self, tensor: int, read: Sequence[tuple[int, int]], asked: Asked) -> Ints | None:
        """Bytes by which an input has to start behind the output so that pixels are only overwritten once dead.

        None if the readers see the input in different layouts. A prefix is copied before anything else is written.
        """
        before = self._last.prefix_map.elements
        most, layouts = np.zeros(len(self._strips.schedules), np.int64), set()
        for _, reader in read:
            stage = self._network.stage(reader)
            for source, grid in zip(stage.inputs, stage.input_maps, strict=False):
                if self._network.copies.get(source, source) == tensor:
                    layouts.add(grid)
                    to_reader = distance_to_reader(self._last, stage, grid, asked(reader), self._strips)
                    most = np.maximum(most, before + to_reader)
        return -(-most // TENSOR_ALIGNMENT) * TENSOR_ALIGNMENT if len(layouts) <= 1 else None


def distance_to_reader(last: Stage, stage: Stage, grid: Map, asked: Demand | None, strips: Strips) -> Ints:
    """The most by which the end of what ``last`` has written is ahead of the input that ``stage`` needs next.

    The stage sees the input as ``grid``. ``asked`` of its group; None if that makes the output. For each schedule of
    ``strips``, which are made one after the other.
    """
    out = last.output_map
    if last.reduces:
        dead_rows = grid.h - 1 if asked is None else grid.h
        return np.full(len(strips.schedules), out.elements - dead_rows * grid.w * grid.c)
    if stage.window == POINTWISE and grid.pixels == 1:
        return np.full(len(strips.schedules), out.elements)
    whole = strips.of_output
    needed = _rows_needed(stage, grid, whole if asked is None else asked)
    left = _columns_needed(stage, grid, (whole if asked is None else asked).x0)
    rows = np.arange(out.h) * out.w * out.c - needed * grid.w * grid.c
    to_end = whole.x1 * out.c - left
    if asked is None:
        read_again = np.append(needed[1:] == needed[:-1], False)
        in_chunks = rows.max() + _within_a_row(out, stage, grid, strips)
        within = np.maximum(in_chunks, rows.max(where=read_again, initial=-grid.elements) + to_end)
    else:
        within = rows.max() + to_end
    earlier = (out.h - 1) * out.w * out.c + whole.x0 * out.c - needed[0] * grid.w * grid.c - left
    return strips.most(np.maximum(within, np.where(whole.x0 > 0, earlier, within)))


def _rows_needed(stage: Stage, grid: Map, group: Demand) -> Ints:
    """The first row that a stage still needs when a row of the output is begun; a row counts as written then."""
    steps = group.rows[:-1]
    return np.where(steps >= group.rows[-1], grid.h, np.clip(stage.window.top(steps), 0, grid.h))


def _columns_needed(stage: Stage, grid: Map, x: Ints) -> Ints:
    """Bytes of a row before the first column under the windows from ``x`` on."""
    return np.clip(stage.window.left(x), 0, grid.w) * grid.c


def _within_a_row(out: Map, stage: Stage, grid: Map, strips: Strips) -> Ints:
    """For each strip, how far a stage of the group that makes the output is behind in a row of both.

    A chunk counts as written before it is read.
    """
    whole = strips.of_output
    cols = whole.x1 - whole.x0
    x = np.tile(np.arange(out.w), len(strips.schedules))
    end = np.minimum(x + np.repeat(strips.chunks, out.w), np.repeat(whole.x1, cols))
    return np.maximum.reduceat(end * out.c - _columns_needed(stage, grid, x), np.cumsum(cols) - cols)
