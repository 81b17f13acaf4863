"""All fusion blocks that a network can be cut into."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from tflm_msf.blocks.block import Block, BlockWalk, Candidate, LinesKept, tile_widths
from tflm_msf.blocks.recompute import Gate, Reruns, find_gates, reruns_before
from tflm_msf.network.units import Network


class BlockSpace:
    """Finds candidates and lays them out. A block keeps the maps of all of its gates, or of none."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._kept = LinesKept(network)
        self._reruns: dict[tuple[Gate, ...], tuple[Reruns, LinesKept]] = {}

    @cached_property
    def _gates(self) -> tuple[Gate, ...]:
        return find_gates(self._network)

    def candidates(self, last: int, widths: Sequence[int], max_workspace: int) -> Iterator[Candidate]:
        """Blocks that end at unit ``last``, in strips as wide as one of ``widths`` pixels.

        As for :meth:`BlockWalk.candidates`, those are left out whose workspace is above ``max_workspace`` bytes.
        """
        if self._network.units[last].stage is None:
            return
        yield from BlockWalk(self._network, self._kept, last, *widths).candidates(max_workspace)
        has_gates = any(gate.pool <= last for gate in self._gates)
        full = tile_widths(self._network, last)[0]
        if has_gates and full in widths:
            yield from self._with_reruns(last, full, max_workspace)

    def _with_reruns(self, last: int, tile_w: int, max_workspace: int) -> Iterator[Candidate]:
        reruns, walk = self._walk_with_reruns(last, tile_w)
        last_copy = max((at for at, unit in enumerate(reruns.origin[1:]) if unit == reruns.origin[at]), default=-1)
        for found in walk.candidates(max_workspace):
            first = reruns.origin[found.first]
            if first <= reruns.start:
                return
            is_whole = found.first == 0 or reruns.origin[found.first - 1] < first
            if is_whole and found.first <= last_copy:
                yield found._replace(first=first, last=last, reruns=True)

    def lay_out(self, candidate: Candidate) -> Block:
        """The block of a candidate, every buffer placed."""
        if not candidate.reruns:
            walk = BlockWalk(self._network, self._kept, candidate.last, candidate.tile_w)
            return replace(walk.lay_out(candidate.first), candidate=candidate)
        reruns, walk = self._walk_with_reruns(candidate.last, candidate.tile_w)
        return replace(walk.lay_out(reruns.origin.index(candidate.first)), candidate=candidate)

    def _walk_with_reruns(self, last: int, tile_w: int) -> tuple[Reruns, BlockWalk]:
        reruns = reruns_before(self._network, self._gates, last)
        if reruns.gates not in self._reruns:
            self._reruns[reruns.gates] = reruns, LinesKept(reruns.expanded)
        reruns, kept = self._reruns[reruns.gates]
        at = len(reruns.origin) - 1 - reruns.origin[::-1].index(last)
        return reruns, BlockWalk(reruns.expanded, kept, at, tile_w)
