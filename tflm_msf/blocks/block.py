"""Candidate fusion blocks: what running units *first* to *last* as one operator costs.

Candidates that end at the same unit are found in one walk backwards: each step takes in the unit before, and with it
what it adds to workspace and MACs. All tile widths go in step, for they differ in columns only: arrays hold a value for
each width, or for each strip of each width.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tflm_msf.blocks.chunks import chunk_layout
from tflm_msf.blocks.lines import is_chunk, newest_cols, ring_rows
from tflm_msf.format.limits import MAX_GROUPS, MAX_OPERANDS, PROGRESS_BYTES, can_be_numbered
from tflm_msf.network.units import Network
from tflm_msf.ops import Map, Stage, StageOp
from tflm_msf.ops.stage import POINTWISE

CHUNK_PIXELS = 4
"""Pixels that a group makes at a time, at the most: a weight is loaded once for all of them."""

CHUNK_BYTES = 2048
"""Chunks get shorter where all chunks of a group together would take more than this."""

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def align(size: int, to: int) -> int:
    """``size`` rounded up to a multiple of ``to``."""
    return -(-size // to) * to


class Candidate(NamedTuple):
    """A block that could be: units ``first`` to ``last``, made in strips ``tile_w`` output pixels wide.

    ``workspace`` in bytes. ``overlap`` is the number of bytes by which the boundary input ``overlap_input`` has to
    start behind the output if the two share memory, or None where they may not. ``reruns``: maps that are pooled, and
    scaled after that, are made anew for it instead of kept (see :mod:`tflm_msf.blocks.recompute`).
    """

    first: int
    last: int
    tile_w: int
    workspace: int
    macs: int
    inputs: tuple[int, ...]
    output: int
    overlap_input: int | None = None
    overlap: int = 0
    reruns: bool = False


class Buffer(NamedTuple):
    """Where an inner tensor lives: its last ``pixels`` pixels, in a ring at byte ``offset`` of the workspace."""

    tensor: int
    is_chunk: bool
    pixels: int
    offset: int


class Group(NamedTuple):
    """Units that run together, ``chunk`` pixels at a time; the last one makes the group's tensor.

    In each strip of the block they make the first ``rows`` rows of their grid, from column x0 to x1 (exclusive) of
    ``strips``.
    """

    units: tuple[int, ...]
    chunk: int
    rows: int
    strips: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Block:
    """A candidate laid out: groups in running order, buffers and accumulators (unit, offset) in the workspace.

    ``state`` has the tensors whose rows outlive an invocation, and the pixels of each that are kept.

    Units are those of ``network``, where some of the candidate's may have copies.
    """

    candidate: Candidate
    network: Network
    groups: tuple[Group, ...]
    buffers: tuple[Buffer, ...]
    accumulators: tuple[tuple[int, int], ...]
    state: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, eq=False)
class _GroupState:
    """A group as far as the walk has come; ``steps[n]`` are those it has taken when n output rows are done.

    For each strip its columns ``x0`` to ``x1``; for each width the most of them that a strip has (``cols``) and those
    of all its strips together (``all_cols``).
    """

    units: list[int]
    steps: Ints
    x0: Ints
    x1: Ints
    cols: Ints
    all_cols: Ints
    chunk_offsets: dict[int, int] = field(default_factory=dict)
    chunk_channels: int = 0
    whole_rows: int = 0

    @cached_property
    def chunk(self) -> Ints:
        """Pixels that the group makes at a time, for each width."""
        if self.whole_rows:
            return np.full_like(self.cols, self.whole_rows)
        most = max(1, min(CHUNK_PIXELS, CHUNK_BYTES // max(self.chunk_channels, 1)))
        return np.minimum(np.maximum(self.cols, 1), most)

    @cached_property
    def chunk_bytes(self) -> Ints:
        """Bytes of all the group's chunks together, for each width."""
        return self.chunk * self.chunk_channels

    def taken_in(self, unit: int, offsets: dict[int, int], channels: int) -> _GroupState:
        """With one more unit, and where its chunks lie then."""
        return replace(self, units=[*self.units, unit], chunk_offsets=offsets, chunk_channels=channels)

    def kept(self, widths: Bools, strips: Bools) -> _GroupState:
        """Goes on with some widths, and so with some strips, only."""
        return replace(
            self,
            x0=self.x0[strips],
            x1=self.x1[strips],
            cols=self.cols[widths],
            all_cols=self.all_cols[widths],
        )

    def finished(self) -> Group:
        """The group once the walk, of one width, is over."""
        strips = tuple(zip(self.x0.tolist(), self.x1.tolist(), strict=True))
        return Group(tuple(sorted(self.units)), int(self.chunk[0]), int(self.steps[-1]), strips)


OWN_OPERANDS = 4
"""Operands of a block that are no inputs, at the most: parameters, output, workspace and state."""


class LinesKept:
    """Line buffer sizes, computed once per tensor: they do not depend on the block."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._lines: dict[int, tuple[int, int]] = {}

    def __call__(self, tensor: int) -> tuple[int, int]:
        """Rows of ``tensor`` that a block keeps, and columns of the newest one (see :mod:`tflm_msf.blocks.lines`)."""
        if tensor not in self._lines:
            self._lines[tensor] = (ring_rows(self._network, tensor), newest_cols(self._network, tensor, CHUNK_PIXELS))
        return self._lines[tensor]


def tile_widths(network: Network, last: int) -> tuple[int, ...]:
    """Strip widths worth trying for blocks that end at ``last``: the least for each number of strips."""
    stage = network.units[last].stage
    if stage is None:
        return ()
    width = stage.output_map.w
    return tuple(sorted({-(-width // strips) for strips in range(1, width + 1)}, reverse=True))


class BlockWalk:
    """Walks backwards from unit ``last`` and knows, after each step, what the block so far costs with each width."""

    def __init__(self, network: Network, kept: LinesKept, last: int, *widths: int) -> None:
        self._network = network
        self._kept = kept
        self._last = last
        self._widths = np.array(widths, np.int64)
        self._root: dict[int, int] = {}
        self._groups: dict[int, _GroupState] = {}
        self._rings: dict[int, Ints] = {}
        self._state: dict[int, int] = {}
        self._accumulating: dict[int, int] = {}
        self._readers: dict[int, list[int]] = {}
        self._overlaps: dict[tuple[tuple[int, int], ...], list[tuple[int, int, int]]] = {}
        self._extent = (0, 0)
        self._macs = np.zeros_like(self._widths)
        self._ring_bytes = np.zeros_like(self._widths)

    def candidates(self, max_workspace: int) -> Iterator[Candidate]:
        """The blocks, shortest first, whose workspace stays within ``max_workspace`` bytes.

        The block of one unit comes whatever it takes: there is no other way to run the unit.

        A width is given up where its progress records, accumulators and rings alone are more than that. Every unit
        that is taken in may add some of these and takes none away, so no longer block has less. Chunks do not count:
        they get shorter where a group takes in a wide tensor, so that a longer block may well take less than a short
        one.
        """
        for first in range(self._last, -1, -1):
            if not self._take_in(first) or self._progress_bytes() > PROGRESS_BYTES * MAX_GROUPS:
                return
            least, workspaces = self._without_chunks(), self._workspace()
            yield from self._candidates_from(first, workspaces, max_workspace)
            if not self._keep(least <= max_workspace):
                return

    def _candidates_from(self, first: int, workspaces: Ints, max_workspace: int) -> Iterator[Candidate]:
        inputs = tuple(sorted({self._network.copies.get(tensor, tensor) for tensor in self._readers}))
        if len(inputs) > MAX_OPERANDS - OWN_OPERANDS:
            return
        output = self._stage(self._last).output
        for width, workspace, macs in zip(self._widths.tolist(), workspaces.tolist(), self._macs.tolist(), strict=True):
            if workspace <= max_workspace or first == self._last:
                found = Candidate(first, self._last, width, workspace, macs, inputs, output)
                alone = width < self._full_width or self._state
                yield found if alone else self._over_an_input(found)

    @property
    def _full_width(self) -> int:
        return self._stage(self._last).output_map.w

    def _keep(self, widths: Bools) -> bool:
        """Goes on with some widths only; False if there are none."""
        if not widths.all():
            strips = np.repeat(widths, -(-self._full_width // self._widths))
            self._groups = {root: group.kept(widths, strips) for root, group in self._groups.items()}
            self._widths, self._macs, self._ring_bytes = (
                column[widths] for column in (self._widths, self._macs, self._ring_bytes)
            )
            self._rings = {tensor: pixels[widths] for tensor, pixels in self._rings.items()}
        return len(self._widths) > 0

    def lay_out(self, first: int) -> Block:
        """The block from ``first`` on, every buffer placed. To be called on a fresh walk of one width."""
        for unit in range(self._last, first - 1, -1):
            self._take_in(unit)
        offset = self._progress_bytes()
        accumulators = []
        for unit, channels in sorted(self._accumulating.items()):
            accumulators.append((unit, offset))
            offset += 4 * channels
        buffers = []
        for tensor, pixels in sorted((tensor, int(pixels[0])) for tensor, pixels in self._rings.items()):
            buffers.append(Buffer(tensor, False, pixels, offset))
            offset += pixels * self._stage(self._network.producer[tensor]).output_map.c
        for group in self._groups.values():
            buffers.extend(self._chunk_buffers(group, offset))
        groups = (group.finished() for _, group in sorted(self._groups.items()))
        (candidate,) = self._candidates_from(first, self._workspace(), int(self._workspace()[0]))
        return Block(
            candidate,
            self._network,
            tuple(groups),
            tuple(buffers),
            tuple(accumulators),
            tuple(sorted(self._state.items())),
        )

    def _chunk_buffers(self, group: _GroupState, offset: int) -> Iterator[Buffer]:
        for tensor, channels_before in group.chunk_offsets.items():
            chunk = int(group.chunk[0])
            yield Buffer(tensor, True, chunk, offset + chunk * channels_before)

    def _stage(self, unit: int) -> Stage:
        stage = self._network.units[unit].stage
        assert stage is not None
        return stage

    def _progress_bytes(self) -> int:
        """One record for each group; copying a prefix takes a group of its own."""
        return PROGRESS_BYTES * (len(self._groups) + (self._stage(self._last).prefix is not None))

    def _workspace(self) -> Ints:
        chunks = [group.chunk_bytes for group in self._groups.values() if group.chunk_channels]
        return self._without_chunks() + (np.max(chunks, axis=0) if chunks else 0)

    def _without_chunks(self) -> Ints:
        return self._ring_bytes + (self._progress_bytes() + 4 * sum(self._accumulating.values()))

    def _take_in(self, unit: int) -> bool:
        """Adds a unit in front; False if it cannot be in the block."""
        stage = self._network.units[unit].stage
        if stage is None or (unit != self._last and not self._becomes_inner(stage)):
            return False
        if stage.history and unit == self._last:
            return False
        rows, cols = stage.extent
        self._extent = max(self._extent[0], rows), max(self._extent[1], cols)
        if not can_be_numbered(*self._extent):
            return False
        runs_once = stage.reduces or stage.op is StageOp.SOURCE or stage.prefix is not None or stage.history > 0
        if runs_once and not self._keep(self._widths == self._full_width):
            return False
        group = self._group_of(unit, stage)
        if group is None:
            return False
        for tensor in dict.fromkeys(stage.reads):
            self._readers.setdefault(tensor, []).append(unit)
        self._readers.pop(stage.output, None)
        if stage.reduces:
            self._accumulating[unit] = stage.output_map.c
        if stage.macs_per_pixel:
            rows = max(int(group.steps[-1]) - stage.history, 0)
            self._macs = self._macs + stage.macs_per_pixel * rows * group.all_cols
        return True

    def _becomes_inner(self, stage: Stage) -> bool:
        """True if the stage's output is read here only, in the layout that the stage gives it."""
        readers = self._readers.get(stage.output, [])
        everywhere = self._network.consumers.get(stage.output, ())
        if len(readers) != len(everywhere) or stage.output in self._network.outputs or not readers:
            return False
        if stage.prefix is not None or any(self._stage(reader).prefix == stage.output for reader in readers):
            return False
        return all(
            grid == stage.output_map
            for reader in readers
            for source, grid in zip(self._stage(reader).inputs, self._stage(reader).input_maps, strict=False)
            if source == stage.output
        )

    def _group_of(self, unit: int, stage: Stage) -> _GroupState | None:
        if unit == self._last:
            return self._start_last_group(unit, stage)
        makes_rows = stage.reduces or stage.op is StageOp.SOURCE or stage.history > 0
        if is_chunk(self._network, stage.output) and not makes_rows:
            root = self._root[self._readers[stage.output][0]]
            group = self._groups[root]
            layout = chunk_layout([self._stage(u) for u in sorted([*group.units, unit])])
            group = self._groups[root] = group.taken_in(unit, *layout)
            self._root[unit] = root
            return group
        group = self._needed_by_readers(unit, stage)
        if stage.op is StageOp.SOURCE:
            group = replace(group, whole_rows=stage.output_map.w)
        pixels = self._ring_pixels(stage, group)
        if stage.history:
            self._state[stage.output] = max(int(pixels[0]), stage.history * stage.output_map.w)
        else:
            self._rings[stage.output] = pixels
            self._ring_bytes = self._ring_bytes + pixels * stage.output_map.c
        self._root[unit] = unit
        self._groups[unit] = group
        return group

    def _ring_pixels(self, stage: Stage, group: _GroupState) -> Ints:
        """Pixels between the oldest that is still read and the newest that may have been made.

        All rows but the newest are kept whole; of that one, what a chunk's window covers, and what a chunk of the
        producer may be ahead.
        """
        if stage.reduces:
            return np.full_like(self._widths, stage.output_map.pixels)
        rows, newest = self._kept(stage.output)
        height = stage.output_map.h
        if stage.op is StageOp.SOURCE:
            return np.full_like(self._widths, min(rows, height) * stage.output_map.w)
        pixels = (rows - 1) * group.cols + np.minimum(newest, group.cols)
        return np.maximum(1, np.minimum(pixels, height * group.cols))

    def _start_last_group(self, unit: int, stage: Stage) -> _GroupState:
        out = stage.output_map
        done = np.arange(out.h + 1)
        strips = [(x, min(x + width, out.w)) for width in self._widths.tolist() for x in range(0, out.w, width)]
        group = self._group(unit, done, *np.array(strips, np.int64).T)
        if stage.op is StageOp.SOURCE:
            group = replace(group, whole_rows=out.w)
        self._root[unit] = unit
        self._groups[unit] = self._as_reducing(group, stage) if stage.reduces else group
        return self._groups[unit]

    def _needed_by_readers(self, unit: int, stage: Stage) -> _GroupState:
        """What the readers of the stage's output ask of it, for each output row and each strip."""
        height, width = stage.output_map.h, stage.output_map.w
        parts = []
        for reader in self._readers[stage.output]:
            group, window = self._groups[self._root[reader]], self._stage(reader).window
            rows = np.clip(window.top(group.steps - 1) + window.reach_h, 0, height)
            x0 = np.clip(window.left(group.x0), 0, width)
            x1 = np.clip(window.left(group.x1 - 1) + window.reach_w, 0, width)
            parts.append((np.where(group.steps > 0, rows, 0), x0, x1))
        steps, x0, x1 = parts[0]
        for other in parts[1:]:
            steps, x0, x1 = np.maximum(steps, other[0]), np.minimum(x0, other[1]), np.maximum(x1, other[2])
        if width == 1:
            x0, x1 = np.zeros_like(x0), np.ones_like(x1)
        group = self._group(unit, steps, x0, np.maximum(x0, x1))
        return self._as_reducing(group, stage) if stage.reduces else group

    def _group(self, unit: int, steps: Ints, x0: Ints, x1: Ints) -> _GroupState:
        counts = -(-self._full_width // self._widths)
        starts = np.cumsum(counts) - counts
        cols = x1 - x0
        return _GroupState([unit], steps, x0, x1, np.maximum.reduceat(cols, starts), np.add.reduceat(cols, starts))

    def _as_reducing(self, group: _GroupState, stage: Stage) -> _GroupState:
        steps = np.where(group.steps > 0, stage.grid.h, 0)
        return self._group(group.units[0], steps, np.zeros(1, np.int64), np.full(1, stage.grid.w))

    def _over_an_input(self, plain: Candidate) -> Candidate:
        """The candidate, of full width, with its output over the input where that saves most."""
        dying = [tensor for tensor in plain.inputs if self._network.last_use[tensor] <= self._last]
        gains = [gain for tensor in dying for gain in self._gains(tensor)]
        gain, tensor, distance = max(gains, default=(0, 0, 0))
        return plain._replace(overlap_input=tensor, overlap=distance) if gain > 0 else plain

    def _gains(self, tensor: int) -> list[tuple[int, int, int]]:
        """What letting the output overlap ``tensor`` saves, and how; found once for each set of readers."""
        read = tuple(
            (source, reader)
            for source, readers in self._readers.items()
            if self._network.copies.get(source, source) == tensor
            for reader in readers
        )
        if read not in self._overlaps:
            distances = self._distance(tensor, read)
            self._overlaps[read] = [(self._gain(tensor, distance), tensor, distance) for distance in distances]
        return self._overlaps[read]

    def _gain(self, tensor: int, distance: int) -> int:
        """Bytes saved by letting the output overlap ``tensor``."""
        output, source = self._network.nbytes(self._stage(self._last).output), self._network.nbytes(tensor)
        return output + source - max(output, distance + source)

    def _distance(self, tensor: int, read: tuple[tuple[int, int], ...]) -> list[int]:
        """Bytes by which an input has to start behind the output so that pixels are only overwritten once dead.

        Empty if the readers see the input in different layouts. A prefix is copied before anything else is written.
        """
        before = self._stage(self._last).prefix_map.elements
        distances, layouts = [0], set()
        for _, reader in read:
            stage = self._stage(reader)
            for source, grid in zip(stage.inputs, stage.input_maps, strict=False):
                if self._network.copies.get(source, source) == tensor:
                    layouts.add(grid)
                    distances.append(before + self._distance_to_reader(reader, stage, grid))
        return [align(max(distances), 16)] if len(layouts) <= 1 else []

    def _distance_to_reader(self, reader: int, stage: Stage, grid: Map) -> int:
        """The most by which the end of what has been written is ahead of the input that ``reader`` needs next."""
        last, group = self._stage(self._last), self._groups[self._root[reader]]
        out, in_row = last.output_map, grid.w * grid.c
        window = stage.window
        if last.reduces:
            dead_rows = grid.h - 1 if self._root[reader] == self._last else grid.h
            return out.elements - dead_rows * in_row
        rows = np.arange(out.h)
        serves_all = window == POINTWISE and grid.pixels == 1
        if self._root[reader] != self._last:
            steps = group.steps[:-1]
            needed = np.clip(window.top(steps), 0, 0 if serves_all else grid.h)
            needed = np.where(steps >= group.steps[-1], grid.h, needed)
            return int(((rows + 1) * out.w * out.c - needed * in_row).max())
        if serves_all:
            return out.elements
        first_row = np.clip(window.top(rows), 0, grid.h)
        ahead_rows = rows * out.w * out.c - first_row * in_row
        cols = np.arange(out.w)
        first_col = np.clip(window.left(cols), 0, grid.w)
        ahead_cols = np.minimum(cols + CHUNK_PIXELS, out.w) * out.c - first_col * grid.c
        row_read_again = np.append(first_row[1:] == first_row[:-1], False)
        ahead = ahead_rows + np.where(row_read_again, out.w * out.c, ahead_cols.max())
        return int(ahead.max())
