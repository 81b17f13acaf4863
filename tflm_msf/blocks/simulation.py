"""How far the readers of a tensor drift apart: the kernels' own schedule, in rows, without doing any arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tflm_msf.blocks.readers import is_chunk, post_dominator
from tflm_msf.network.units import Network
from tflm_msf.ops import Stage


class _Read(NamedTuple):
    """A reader's turn: it takes rows ``first`` to ``last`` (exclusive) when ``made`` rows have been made at the most.

    ``in_step``: the turn is the last one that a row of the post-dominator asks for, at every group on the way, so that
    it goes on chunk by chunk together with that row.
    """

    first: int
    last: int
    made: int
    in_step: bool


@dataclass
class Simulation:
    """The kernels' pull-driven walk (see SPEC.md, *Running*) from a tensor to its post-dominator, *last*."""

    network: Network
    tensor: int
    done: dict[int, int] = field(default_factory=dict)
    reads: list[_Read] = field(default_factory=list)

    def rows_kept(self) -> int:
        """Rows of the tensor that are kept at the most, see :func:`tflm_msf.blocks.rings.ring_rows`."""
        last = post_dominator(self.network, self.tensor)
        first = self.network.producer[self.tensor]
        self.made = {tensor: unit for unit in range(first, last + 1) for tensor in self.network.units[unit].outputs}
        self.root = self._roots(last)
        members: dict[int, list[int]] = {}
        for unit in sorted(self.root):
            members.setdefault(self.root[unit], []).append(unit)
        self.members: Mapping[int, list[int]] = members
        kept = 1
        for step in range(self.network.stage(last).grid.h):
            before = self.done.get(first, 0)
            self.reads = []
            self._advance(self.root[last], step + 1, in_step=True)
            if self.reads:
                kept = max(kept, *self._rows_in_step(before, self.done[first]))
        return kept

    def _rows_in_step(self, before: int, end: int) -> Iterator[int]:
        """Rows that each read of one step of the post-dominator needs, the one being made among them.

        Reads in step with the post-dominator happen side by side. The newest row is being made during them unless it
        was complete before: made in an earlier step, or needed whole by a turn that was not in step.
        """
        together = [read for read in self.reads if read.in_step]
        if together:
            is_new = end > before and all(read.last < end for read in self.reads if not read.in_step)
            yield end - min(read.first for read in together) + (not is_new)
        needed = min((read.first for read in together), default=end)
        for read in reversed([read for read in self.reads if not read.in_step]):
            needed = min(needed, read.first)
            yield read.made - needed + 1

    def _roots(self, last: int) -> dict[int, int]:
        root = {last: last}
        for unit in range(last - 1, self.network.producer[self.tensor] - 1, -1):
            out = self.network.units[unit].outputs[0]
            inside = all(reader in root for reader in self.network.consumers.get(out, ()))
            if not inside or not self.network.consumers.get(out):
                continue
            chunked = out != self.tensor and is_chunk(self.network, out) and not self.network.stage(unit).reduces
            root[unit] = root[self.network.consumers[out][0]] if chunked else unit
        return root

    def _reads(self, group: int) -> list[tuple[int, Stage, int]]:
        return [
            (source, stage, grid.h)
            for unit in self.members[group]
            for stage in [self.network.stage(unit)]
            for source, grid in zip(stage.inputs, stage.input_maps, strict=False)
            if source in self.made and self.made[source] in self.members
        ]

    def _advance(self, group: int, goal: int, in_step: bool) -> None:
        while self.done.get(group, 0) < goal:
            y = self.done.get(group, 0)
            last_turn = in_step and y + 1 == goal
            for source, stage, height in self._reads(group):
                self._advance(self.made[source], self._steps(source, stage.window.rows(y, height)[1]), last_turn)
            for source, stage, height in self._reads(group):
                if source == self.tensor:
                    first, last = stage.window.rows(y, height)
                    if first < last:
                        self.reads.append(_Read(first, last, self.done[self.made[source]], last_turn))
            self.done[group] = y + 1

    def _steps(self, tensor: int, rows: int) -> int:
        stage = self.network.stage(self.made[tensor])
        if stage.reduces:
            return stage.grid.h if rows > 0 else 0
        return rows
