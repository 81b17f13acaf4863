"""All blocks that end at the same unit, found in one walk backwards: each step takes in the unit before, and with it
what it adds to workspace and MACs. All schedules go in step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tflm_msf.blocks.block import OWN_OPERANDS, Block, Candidate
from tflm_msf.blocks.demand import Bools, Demand, Ints, Strips
from tflm_msf.blocks.overlap import Overlaps
from tflm_msf.blocks.readers import is_chunk, may_be_cut_short
from tflm_msf.blocks.rings import RingSizes
from tflm_msf.blocks.schedule import Schedule
from tflm_msf.blocks.workspace import (
    Members,
    accumulator_bytes,
    most_chunk_bytes,
    place_accumulators,
    place_rings,
    progress_bytes,
)
from tflm_msf.format.limits import MAX_GROUPS, MAX_OPERANDS, PROGRESS_BYTES, can_be_numbered
from tflm_msf.network.units import Network
from tflm_msf.ops import Stage, StageOp


class Walked(NamedTuple):
    """What a walk found: blocks, the first unit that it looked at, and whether its limit left a block out.

    ``added``: of blocks that no other one of the same units is better than, bytes beside inputs and output, less those
    that these share (see :class:`tflm_msf.blocks.block.Found`); None if others may be among them.
    """

    blocks: list[Candidate]
    reached: int
    was_limited: bool
    added: list[int] | None = None


class BlockWalk:
    """Walks backwards from unit ``last`` and knows, after each step, what the block so far costs with each schedule."""

    def __init__(self, network: Network, sizes: RingSizes, last: int, schedules: Sequence[Schedule]) -> None:
        self._network = network
        self._sizes = sizes
        self._last = last
        self._strips = Strips(network.stage(last).output_map, schedules)
        self._overlaps = Overlaps(network, last, self._strips)
        self._root: dict[int, int] = {}
        self._groups: dict[int, Members] = {}
        self._rings: dict[int, Ints] = {}
        self._state: dict[int, int] = {}
        self._accumulating: dict[int, int] = {}
        self._readers: dict[int, list[int]] = {}
        self._extent = (0, 0)
        self.reached = last + 1
        """The first unit that was looked at."""
        self.was_limited = False
        """Whether a limit on the workspace left a block out."""
        self._macs = np.zeros(len(schedules), np.int64)
        self._ring_bytes = np.zeros(len(schedules), np.int64)

    def candidates(self, max_workspace: int) -> Iterator[Candidate]:
        """The blocks, shortest first, whose workspace stays within ``max_workspace`` bytes.

        The block of one unit comes whatever it takes: there is no other way to run the unit.

        A schedule is given up where its progress records, accumulators and rings alone are more than that. Every unit
        that is taken in may add some of these and takes none away, so no longer block has less. Chunks do not count:
        they get shorter where a group takes in a wide tensor, so that a longer block may well take less than a short
        one.
        """
        for first in range(self._last, -1, -1):
            if not self._take_in(first) or self._progress_bytes() > PROGRESS_BYTES * MAX_GROUPS:
                return
            least, workspaces = self._without_chunks(), self._workspace()
            self.was_limited |= bool((workspaces > max_workspace).any())
            yield from self._candidates_from(first, workspaces, max_workspace)
            if self._inputs_not_made() > MAX_OPERANDS - OWN_OPERANDS or not self._keep(least <= max_workspace):
                return

    def lay_out(self, first: int) -> Block:
        """The block from ``first`` on, every buffer placed. To be called on a fresh walk of one schedule."""
        for unit in range(self._last, first - 1, -1):
            self._take_in(unit)
        accumulators = tuple(place_accumulators(self._accumulating, self._progress_bytes()))
        offset = self._progress_bytes() + accumulator_bytes(self._accumulating)
        channels = {tensor: self._maker(tensor).output_map.c for tensor in self._rings}
        buffers = list(place_rings(self._rings, channels, offset))
        rings, chunks_in_rings = {ring.tensor: ring.offset for ring in buffers}, self._chunks_in_rings()
        for root, group in self._groups.items():
            is_in_ring = root in chunks_in_rings and bool(chunks_in_rings[root][0])
            ring = rings[self._stage(root).output] if is_in_ring else None
            buffers.extend(group.chunks_from(offset + int(self._ring_bytes[0]), ring))
        (candidate,) = self._candidates_from(first, self._workspace(), int(self._workspace()[0]))
        return Block(
            candidate,
            self._network,
            tuple(group.finished() for _, group in sorted(self._groups.items())),
            tuple(buffers),
            accumulators,
            tuple(sorted(self._state.items())),
        )

    def _inputs_not_made(self) -> int:
        """Tensors that the block reads and no unit makes: each stays an operand of every longer block."""
        return sum(tensor not in self._network.producer for tensor in self._readers)

    def _candidates_from(self, first: int, workspaces: Ints, max_workspace: int) -> Iterator[Candidate]:
        inputs = tuple(sorted({self._network.copies.get(tensor, tensor) for tensor in self._readers}))
        if len(inputs) > MAX_OPERANDS - OWN_OPERANDS:
            return
        output = self._stage(self._last).output
        for schedule, workspace, macs, over in zip(
            self._strips.schedules, workspaces.tolist(), self._macs.tolist(), self._over_inputs(inputs), strict=True
        ):
            if workspace <= max_workspace or first == self._last:
                found = Candidate(first, self._last, schedule, workspace, macs, inputs, output)
                yield found if over is None else found._replace(overlap_input=over[0], overlap=over[1])

    def _over_inputs(self, inputs: Sequence[int]) -> list[tuple[int, int] | None]:
        """For each schedule the input that the output had best lie over, and how far behind the output it starts."""
        dying = [] if self._state else [tensor for tensor in inputs if self._network.last_use[tensor] <= self._last]
        return self._overlaps.best(dying, self._readers, self._asked_of_another)

    def _asked_of_another(self, unit: int) -> Demand | None:
        root = self._root[unit]
        return None if root == self._last else self._groups[root].demand

    def _keep(self, schedules: Bools) -> bool:
        """Goes on with some schedules only; False if there are none."""
        if not schedules.all():
            strips = self._strips.keep(schedules)
            self._groups = {root: group.kept(schedules, strips) for root, group in self._groups.items()}
            self._macs, self._ring_bytes = self._macs[schedules], self._ring_bytes[schedules]
            self._rings = {tensor: pixels[schedules] for tensor, pixels in self._rings.items()}
        return len(self._strips.schedules) > 0

    def _stage(self, unit: int) -> Stage:
        return self._network.stage(unit)

    def _maker(self, tensor: int) -> Stage:
        return self._network.stage(self._network.producer[tensor])

    def _progress_bytes(self) -> int:
        """One record for each group; copying a prefix takes a group of its own."""
        return progress_bytes(len(self._groups) + (self._stage(self._last).prefix is not None))

    def _workspace(self) -> Ints:
        return self._without_chunks() + most_chunk_bytes(self._groups, self._chunks_in_rings())

    def _chunks_in_rings(self) -> dict[int, Bools]:
        """For groups whose last chunk may lie in the ring that they make, with which schedules it does.

        Each step has to make the pixels from the ring's beginning on, and no others are in the ring then. That is so
        where a chunk is a whole row and the ring keeps no more, if rows are asked for as a whole: by groups that make
        whole rows themselves, and whose windows are the only ones on the map.
        """
        by_rows: dict[int, Bools] = {}
        found = {}
        for root in sorted(self._groups, reverse=True):
            group, made = self._groups[root], self._stage(root).output
            if root == self._last:
                by_rows[root] = group.makes_whole_rows
                continue
            readers = self._network.consumers[made]
            asked = by_rows.get(self._root[readers[0]]) if len(readers) == 1 else None
            if asked is not None and asked.any():
                by_rows[root] = asked & group.makes_whole_rows
                if group.in_ring is not None:
                    found[root] = by_rows[root] & group.fills(self._rings[made], self._strips.counts)
        return found

    def _without_chunks(self) -> Ints:
        return self._ring_bytes + (self._progress_bytes() + accumulator_bytes(self._accumulating))

    def _take_in(self, unit: int) -> bool:
        """Adds a unit in front; False if it cannot be in the block."""
        self.reached = unit
        stage = self._network.units[unit].stage
        if stage is None or not self._may_be_in(unit, stage):
            return False
        group = self._group_of(unit, stage)
        for tensor in dict.fromkeys(stage.reads):
            self._readers.setdefault(tensor, []).append(unit)
        self._readers.pop(stage.output, None)
        if stage.reduces:
            self._accumulating[unit] = stage.output_map.c
        if stage.macs_per_pixel:
            rows = max(int(group.demand.rows[-1]) - stage.history, 0)
            self._macs = self._macs + stage.macs_per_pixel * rows * group.demand.all_cols
        return True

    def _may_be_in(self, unit: int, stage: Stage) -> bool:
        """Whether the block may take in a unit; goes on with schedules only that can make it."""
        if unit == self._last:
            if stage.history:
                return False
        elif not self._becomes_inner(stage):
            return False
        rows, cols = stage.extent
        self._extent = max(self._extent[0], rows), max(self._extent[1], cols)
        if not can_be_numbered(*self._extent):
            return False
        return self._keep(self._strips.counts <= stage.most_strips)

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

    def _group_of(self, unit: int, stage: Stage) -> Members:
        """The group that the unit runs in, which it joins or begins."""
        makes_rows = stage.reduces or stage.op is StageOp.SOURCE or stage.history > 0
        if unit != self._last and is_chunk(self._network, stage.output) and not makes_rows:
            root = self._root[self._readers[stage.output][0]]
            group = self._groups[root]
            group = group.taken_in(self._network, unit, makes_ring=self._stage(root).output in self._rings)
        else:
            root = unit
            demand = self._demand_of(unit, stage)
            whole_rows = stage.output_map.w if stage.op is StageOp.SOURCE else 0
            cut = may_be_cut_short(self._network, stage)
            group = Members((unit,), demand, self._strips.chunks, whole_rows=whole_rows, may_be_cut_short=cut)
            if unit != self._last:
                self._keep_rows(stage, demand)
        self._root[unit] = root
        self._groups[root] = group
        return group

    def _demand_of(self, unit: int, stage: Stage) -> Demand:
        demand = self._strips.of_output if unit == self._last else self._needed_by_readers(stage)
        return self._strips.of_reducing(stage, demand) if stage.reduces else demand

    def _needed_by_readers(self, stage: Stage) -> Demand:
        """What the readers of the stage's output ask of it."""
        readers = self._readers[stage.output]
        asking = [(self._groups[self._root[reader]].demand, self._stage(reader).window) for reader in readers]
        return self._strips.of_readers(stage.output_map, asking)

    def _keep_rows(self, stage: Stage, demand: Demand) -> None:
        """Gives the stage's output a ring, in the workspace or among what outlives an invocation."""
        pixels = self._sizes.pixels(stage, demand, self._strips.schedules)
        if stage.history:
            self._state[stage.output] = max(int(pixels[0]), stage.history * stage.output_map.w)
        else:
            self._rings[stage.output] = pixels
            self._ring_bytes = self._ring_bytes + pixels * stage.output_map.c
