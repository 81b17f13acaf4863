"""Line buffers: how many rows of a tensor must be kept while its readers catch up.

With one reader that is the reach of its window. With several (a residual connection, say) it depends on how far the
readers drift apart, which is found by walking the kernels' own schedule without doing any arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tflm_msf.network.units import Network
from tflm_msf.ops import Stage
from tflm_msf.ops.stage import POINTWISE


def reads_pointwise(stage: Stage, tensor: int) -> bool:
    """True if the stage reads ``tensor`` once, pixel by pixel on its own grid, so that chunks of a row will do."""
    reads = [grid for source, grid in zip(stage.inputs, stage.input_maps, strict=False) if source == tensor]
    return len(reads) == 1 and stage.window == POINTWISE and reads[0][:2] == stage.grid[:2]


def is_chunk(network: Network, tensor: int) -> bool:
    """True if an inner tensor never needs a row: its one reader takes it chunk by chunk as it is made."""
    readers = network.consumers.get(tensor, ())
    if len(readers) != 1:
        return False
    stage = network.units[readers[0]].stage
    return stage is not None and reads_pointwise(stage, tensor)


def ring_rows(network: Network, tensor: int) -> int:
    """Rows of an inner tensor that its line buffer holds, all its readers being in the block.

    The newest of them is being made in step with the readers. Where an output row asks for no new row (in the bottom
    padding, say), the newest was complete before and counts as a whole one: one more is returned.
    """
    stage = _stage(network, network.producer[tensor])
    readers = network.consumers[tensor]
    if len(readers) == 1:
        reader = _stage(network, readers[0])
        if not reader.reduces and len([t for t in reader.inputs if t == tensor]) == 1:
            return _rows_of_window(reader, stage.output_map.h)
    return _Rehearsal(network, tensor).rows_kept()


def _rows_of_window(reader: Stage, height: int) -> int:
    rows = before = 0
    for y in range(reader.grid.h):
        first, last = reader.window.rows(y, height)
        rows = max(rows, last - first + (last <= before))
        before = last
    return rows


def _stage(network: Network, unit: int) -> Stage:
    stage = network.units[unit].stage
    assert stage is not None
    return stage


def meeting_unit(network: Network, tensor: int) -> int:
    """The first unit through which everything that depends on ``tensor`` has passed."""
    open_until = {tensor: network.last_use[tensor]}
    for index in range(network.consumers[tensor][0], len(network.units)):
        unit = network.units[index]
        if open_until.keys() & set(unit.inputs):
            open_until.update({out: network.last_use[out] for out in unit.outputs})
        open_until = {t: last for t, last in open_until.items() if last > index}
        if set(open_until) <= set(unit.outputs):
            return index
    return len(network.units) - 1


def newest_cols(network: Network, tensor: int, chunk: int) -> int:
    """Columns of the newest kept row of ``tensor`` that a block needs at a time.

    From the first one that any reader still needs to the last one that may have been made, while all of them work on
    the ``chunk`` pixels that are wanted where they meet. Every group on the way makes up to ``chunk`` - 1 pixels more
    than it is asked for.
    """
    last = meeting_unit(network, tensor)
    first = network.producer[tensor]
    spans = {last: (0, chunk)}
    for index in range(last - 1, first - 1, -1):
        asked = _asked_cols(network, index, spans)
        if asked is not None:
            ahead = 0 if index != first and is_chunk(network, network.units[index].outputs[0]) else chunk - 1
            spans[index] = (asked[0], asked[1] + ahead)
    low, high = spans[first]
    return high - low


def _asked_cols(network: Network, unit: int, spans: Mapping[int, tuple[int, int]]) -> tuple[int, int] | None:
    """Columns of the unit's output that its readers among ``spans`` want; None if nobody there does."""
    asked = []
    for reader in network.consumers.get(network.units[unit].outputs[0], ()):
        if reader in spans:
            stage, (low, high) = _stage(network, reader), spans[reader]
            window = stage.window
            if stage.reduces:
                return 0, stage.grid.w
            late = window.zoom_w.factor - 1  # columns that may pass before the window moves on
            asked.append((window.left(low - late), window.left(high - 1 + late) + window.reach_w))
    return (min(start for start, _ in asked), max(end for _, end in asked)) if asked else None


class _Read(NamedTuple):
    """A reader's turn: it takes rows ``first`` to ``last`` (exclusive) when ``made`` rows have been made at the most.

    ``in_step``: the turn is the last one that the meeting unit's row asks for, at every group on the way, so that it
    goes on chunk by chunk together with that row.
    """

    first: int
    last: int
    made: int
    in_step: bool


@dataclass
class _Rehearsal:
    """The kernels' pull-driven walk (see SPEC.md, *Running*) over the units between a tensor and where they meet."""

    network: Network
    tensor: int
    done: dict[int, int] = field(default_factory=dict)
    reads: list[_Read] = field(default_factory=list)

    def rows_kept(self) -> int:
        """See :func:`ring_rows`."""
        last = meeting_unit(self.network, self.tensor)
        first = self.network.producer[self.tensor]
        self.made = {tensor: unit for unit in range(first, last + 1) for tensor in self.network.units[unit].outputs}
        self.root = self._roots(last)
        members: dict[int, list[int]] = {}
        for unit in sorted(self.root):
            members.setdefault(self.root[unit], []).append(unit)
        self.members: Mapping[int, list[int]] = members
        kept = 1
        for step in range(_stage(self.network, last).grid.h):
            before = self.done.get(first, 0)
            self.reads = []
            self._advance(self.root[last], step + 1, in_step=True)
            if self.reads:
                kept = max(kept, *self._rows_in_step(before, self.done[first]))
        return kept

    def _rows_in_step(self, before: int, end: int) -> Iterator[int]:
        """Rows that each read of one step of the meeting unit needs, the one being made among them.

        Reads in step with the meeting unit happen side by side. The newest row is being made during them unless it was
        complete before: made in an earlier step, or needed whole by a turn that was not in step.
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
            chunked = out != self.tensor and is_chunk(self.network, out) and not _stage(self.network, unit).reduces
            root[unit] = root[self.network.consumers[out][0]] if chunked else unit
        return root

    def _reads(self, group: int) -> list[tuple[int, Stage, int]]:
        return [
            (source, stage, grid.h)
            for unit in self.members[group]
            for stage in [_stage(self.network, unit)]
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
        stage = _stage(self.network, self.made[tensor])
        if stage.reduces:
            return stage.grid.h if rows > 0 else 0
        return rows
