"""Which rows and columns of a map a block asks for.

Schedules that are walked together differ in columns only: arrays hold a value for each of them, or for each strip of
each of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tflm_msf.blocks.schedule import Schedule
from tflm_msf.ops import Map, Stage, Window

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Demand:
    """What is asked of a map: its first ``rows[n]`` rows when n rows of the block's output are done.

    For each strip columns ``x0`` to ``x1`` (exclusive); for each schedule the most of them that a strip has (``cols``)
    and those of all its strips together (``all_cols``).
    """

    rows: Ints
    x0: Ints
    x1: Ints
    cols: Ints
    all_cols: Ints

    def kept(self, schedules: Bools, strips: Bools) -> Demand:
        """Of some schedules, and so of some strips, only."""
        return replace(
            self,
            x0=self.x0[strips],
            x1=self.x1[strips],
            cols=self.cols[schedules],
            all_cols=self.all_cols[schedules],
        )


class Strips:
    """The strips that schedules cut the map ``out`` into, one schedule's after the other's."""

    def __init__(self, out: Map, schedules: Iterable[Schedule]) -> None:
        self.out = out
        self._set(schedules)

    def _set(self, schedules: Iterable[Schedule]) -> None:
        self.schedules = tuple(schedules)
        self.widths: Ints = np.array([schedule.tile_w for schedule in self.schedules], np.int64)
        """Pixels of a strip, for each schedule."""
        self.chunks: Ints = np.array([schedule.chunk for schedule in self.schedules], np.int64)
        """Pixels of a chunk, for each schedule."""
        self.counts: Ints = -(-self.out.w // self.widths)
        """Strips of each schedule."""
        self._first: Ints = np.cumsum(self.counts) - self.counts
        self._output: Demand | None = None

    def keep(self, schedules: Bools) -> Bools:
        """Goes on with some schedules only. Returns which strips these are."""
        strips = np.repeat(schedules, self.counts)
        self._set(s for s, stays in zip(self.schedules, schedules, strict=True) if stays)
        return strips

    def demand(self, rows: Ints, x0: Ints, x1: Ints) -> Demand:
        """What is asked in each strip."""
        cols = x1 - x0
        return Demand(rows, x0, x1, self.most(cols), np.add.reduceat(cols, self._first))

    def most(self, of_strips: Ints) -> Ints:
        """Of a value for each strip the most that a schedule's strips have."""
        return np.maximum.reduceat(of_strips, self._first)

    @property
    def of_output(self) -> Demand:
        """All of the output: every strip its own columns."""
        if self._output is None:
            x0 = np.concatenate([np.arange(0, self.out.w, width) for width in self.widths])
            x1 = np.minimum(x0 + np.repeat(self.widths, self.counts), self.out.w)
            self._output = self.demand(np.arange(self.out.h + 1), x0, x1)
        return self._output

    def of_readers(self, out: Map, readers: Sequence[tuple[Demand, Window]]) -> Demand:
        """What readers ask of the map ``out`` together, from what is asked of each of them."""
        parts = []
        for demand, window in readers:
            rows = np.clip(window.top(demand.rows - 1) + window.reach_h, 0, out.h)
            x0 = np.clip(window.left(demand.x0), 0, out.w)
            x1 = np.clip(window.left(demand.x1 - 1) + window.reach_w, 0, out.w)
            parts.append((np.where(demand.rows > 0, rows, 0), x0, x1))
        rows, x0, x1 = parts[0]
        for other in parts[1:]:
            rows, x0, x1 = np.maximum(rows, other[0]), np.minimum(x0, other[1]), np.maximum(x1, other[2])
        if out.w == 1:
            x0, x1 = np.zeros_like(x0), np.ones_like(x1)
        return self.demand(rows, x0, np.maximum(x0, x1))

    def of_reducing(self, stage: Stage, asked: Demand) -> Demand:
        """What a reducing stage, in a block of whole rows, takes in as soon as its output is asked for: everything."""
        rows = np.where(asked.rows > 0, stage.grid.h, 0)
        return self.demand(rows, np.zeros(1, np.int64), np.full(1, stage.grid.w))
