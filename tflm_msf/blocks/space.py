"""All fusion blocks that a network can be cut into."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

from tflm_msf.blocks.block import Block, Candidate
from tflm_msf.blocks.compiled import CompiledWalks
from tflm_msf.blocks.loads import with_loads
from tflm_msf.blocks.recompute import Copies, Gate, copies_before, find_gates
from tflm_msf.blocks.rings import RingSizes
from tflm_msf.blocks.schedule import Schedule
from tflm_msf.blocks.walk import BlockWalk, Walked
from tflm_msf.core import load_core
from tflm_msf.network.units import Network

NO_LIMIT = 1 << 60
"""Bytes of workspace that no block has."""


class Ending(NamedTuple):
    """Blocks that end at the last unit ``seen``, and the units that decide what they cost.

    ``is_limited``: some were left out, or never looked at, for their workspace. ``added`` as in
    :class:`tflm_msf.blocks.walk.Walked`.
    """

    blocks: list[Candidate]
    seen: range
    is_limited: bool
    added: list[int] | None = None


class BlockSpace:
    """Finds candidates and lays them out. A block keeps the maps of all of its gates, or of none."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._walks = _Walks(network)
        self._copied: dict[tuple[Gate, ...], tuple[Copies, _Walks]] = {}
        self._laid_out: dict[Candidate, Block] = {}

    @cached_property
    def _gates(self) -> tuple[Gate, ...]:
        return find_gates(self._network)

    def candidates(self, last: int, among: Sequence[Schedule], max_workspace: int) -> Iterator[Candidate]:
        """Blocks that end at unit ``last``, made as one of the schedules ``among`` says.

        As for :meth:`BlockWalk.candidates`, those are left out whose workspace is above ``max_workspace`` bytes.
        """
        if self._network.units[last].stage is None:
            return
        yield from self._walks.find(last, among, max_workspace, False).blocks
        if self._has_gates(last):
            yield from self._with_copies(last, among, max_workspace, False)

    def ending_at(self, last: int, among: Sequence[Schedule], max_workspace: int, undominated: bool = False) -> Ending:
        """All of :meth:`candidates`, and the units that were looked at for them: no other one matters to any.

        With ``undominated``, those may be missing that another one of the same units is better than, wherever the two
        are placed.
        """
        walked = self._walks.find(last, among, max_workspace, undominated)
        if not self._has_gates(last):
            return Ending(walked.blocks, range(walked.reached, last + 1), walked.was_limited, walked.added)
        found = [*walked.blocks, *self._with_copies(last, among, max_workspace, undominated)]
        return Ending(found, range(last + 1), True)

    def _has_gates(self, last: int) -> bool:
        return any(gate.pool <= last for gate in self._gates)

    def _with_copies(
        self, last: int, among: Sequence[Schedule], max_workspace: int, undominated: bool
    ) -> Iterator[Candidate]:
        """Blocks of whole rows that make some maps anew."""
        width = self._network.stage(last).output_map.w
        whole = [schedule for schedule in among if schedule.tile_w == width]
        if not whole:
            return
        copies, walks, at = self._walks_with_copies(last)
        last_copy = max((at for at, unit in enumerate(copies.origin[1:]) if unit == copies.origin[at]), default=-1)
        for found in walks.find(at, whole, max_workspace, undominated).blocks:
            first = copies.origin[found.first]
            if first <= copies.start:
                return
            is_whole = found.first == 0 or copies.origin[found.first - 1] < first
            if is_whole and found.first <= last_copy:
                yield found._replace(first=first, last=last, recomputes=True)

    def loading(
        self, plain: Sequence[Candidate], loads: tuple[int, ...], max_workspace: int
    ) -> Iterator[tuple[Candidate, int]]:
        """The blocks ``plain``, all of the same units, if they load some inputs; and the bytes that they load.

        None whose workspace is above ``max_workspace``, and none with copies of units.
        """
        macs = {found.schedule: found.macs for found in plain if not found.recomputes}
        if not macs:
            return
        first, last = plain[0].first, plain[0].last
        loaded = with_loads(self._network, first, last, loads)
        for found in _Walks(loaded.network).find(loaded.last, tuple(macs), max_workspace, False).blocks:
            if found.first == first and found.workspace <= max_workspace:
                here = macs[found.schedule]
                yield found._replace(last=last, macs=here, loads=loads), found.macs - here

    def lay_out(self, candidate: Candidate) -> Block:
        """The block of a candidate, every buffer placed."""
        if candidate not in self._laid_out:
            self._laid_out[candidate] = replace(self._walked(candidate), candidate=candidate)
        return self._laid_out[candidate]

    def rescheduled(self, candidate: Candidate, schedule: Schedule) -> Candidate:
        """The same units, in the same strips, made as another schedule says; itself if another input is overlapped."""
        if schedule == candidate.schedule:
            return candidate
        found = self._found_again(candidate, schedule)
        changed = candidate._replace(schedule=schedule, workspace=found.workspace)
        if candidate.overlap_input is None:
            return changed
        is_alike = found.overlap_input == candidate.overlap_input
        return changed._replace(overlap=found.overlap) if is_alike else candidate

    def _found_again(self, candidate: Candidate, schedule: Schedule) -> Candidate:
        """The block of the same units by another schedule, whatever it takes."""
        walks, first, last = self._place_of(candidate)
        found = walks.find(last, (schedule,), NO_LIMIT, False).blocks
        return next(block for block in found if block.first == first)

    def _walked(self, candidate: Candidate) -> Block:
        """The block with what the walk says of it: units and inputs in the network that may have copies."""
        walks, first, last = self._place_of(candidate)
        return walks.lay_out(first, last, candidate.schedule)

    def _place_of(self, candidate: Candidate) -> tuple[_Walks, int, int]:
        """Walks over the network that a block is in, copies and loads included, and its first and last unit there."""
        if candidate.loads:
            loaded = with_loads(self._network, candidate.first, candidate.last, candidate.loads)
            return _Walks(loaded.network), loaded.first, loaded.last
        if not candidate.recomputes:
            return self._walks, candidate.first, candidate.last
        copies, walks, at = self._walks_with_copies(candidate.last)
        return walks, copies.origin.index(candidate.first), at

    def _walks_with_copies(self, last: int) -> tuple[Copies, _Walks, int]:
        """The network that has copies for blocks up to unit ``last``, walks there, and the number of ``last`` there."""
        copies = copies_before(self._network, self._gates, last)
        if copies.gates not in self._copied:
            self._copied[copies.gates] = copies, _Walks(copies.expanded)
        copies, walks = self._copied[copies.gates]
        return copies, walks, len(copies.origin) - 1 - copies.origin[::-1].index(last)


class _Walks:
    """Walks over one network, in the compiled core where there is one."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._sizes = RingSizes(network)
        core = load_core()
        self._compiled = None if core is None else CompiledWalks(core, network, self._sizes)

    def find(self, last: int, among: Sequence[Schedule], max_workspace: int, undominated: bool) -> Walked:
        """The blocks that end at unit ``last``, as :meth:`BlockSpace.ending_at` finds them."""
        if self._compiled is not None and len({(each.chunk, each.order) for each in among}) == 1:
            return self._compiled.run(last, among, max_workspace, undominated)
        walk = BlockWalk(self._network, self._sizes, last, among)
        blocks = list(walk.candidates(max_workspace))
        return Walked(blocks, walk.reached, walk.was_limited)

    def lay_out(self, first: int, last: int, schedule: Schedule) -> Block:
        """The block of units ``first`` to ``last``."""
        return BlockWalk(self._network, self._sizes, last, (schedule,)).lay_out(first)
