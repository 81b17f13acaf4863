"""Blocks that the arena has room for may as well be made by a faster schedule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property

from tflm_msf.arena.placement.offsets import Item, Placement
from tflm_msf.blocks.block import Candidate
from tflm_msf.blocks.schedule import no_slower
from tflm_msf.blocks.space import BlockSpace
from tflm_msf.cost.time_model import Costs, instructions
from tflm_msf.cost.work import block_work
from tflm_msf.network.units import Network
from tflm_msf.plan import Plan, make_plan
from tflm_msf.search.dag import added_bytes
from tflm_msf.search.edge import Edge
from tflm_msf.search.memory import MEMORY, Remembered
from tflm_msf.search.placing import Placer, room_for, tensors_during
from tflm_msf.search.shortest import Point
from tflm_msf.sizes import TENSOR_ALIGNMENT, align_up


class Relaxing:
    """Plans of a network whose blocks are as fast as they can be in the same arena; time is what ``costs`` say."""

    def __init__(
        self,
        network: Network,
        costs: Costs,
        space: BlockSpace | None = None,
        place: Callable[[tuple[Edge, ...]], Placement] | None = None,
    ) -> None:
        """``space`` and ``place`` are the network's, with what they know from a search, if there was one."""
        self.network = network
        self._costs = costs
        self._space = BlockSpace(network) if space is None else space
        self._place = Placer(network).place if place is None else place
        self._others: dict[Candidate, set[Candidate]] = {}
        self._times: dict[Candidate, float] = {}

    def plan(self, edges: tuple[Edge, ...], proved: bool, head: int = 0) -> Plan:
        """The plan of a path, in ``head`` bytes, or in what the path takes if that is more."""
        placement = self._place(edges)
        limit = max(head, placement.total)
        relaxed = tuple(self._relaxed(edges, placement.offsets, limit))
        if relaxed != edges and (faster := self._place(relaxed)).total <= limit:
            edges, placement = relaxed, faster
        return make_plan(self.network, edges, proved, self._space, placement)

    def in_chunks(self, point: Point, chunk: int) -> Point:
        """The same blocks, whose groups make up to ``chunk`` pixels at a time, placed anew."""
        edges = tuple(
            _with_block(
                self.network, edge, self._space.rescheduled(edge.block, edge.block.schedule._replace(chunk=chunk))
            )
            if edge.block
            else edge
            for edge in point.edges
        )
        return Point(self._place(edges).total, point.macs, edges)

    def _relaxed(self, edges: tuple[Edge, ...], offsets: Mapping[int, int], limit: int) -> Iterator[Edge]:
        """The path with the fastest schedule that there is room for in each step, tensors staying where they are."""
        alive = tensors_during(self.network, edges)
        for step, edge in enumerate(edges):
            if edge.block is not None:
                others = self._rescheduled(edge.block)
                fitting = [each for each in others if self._fits(alive[step], offsets, each, limit)]
                edge = _with_block(self.network, edge, self._fastest(edge.block, *fitting) if fitting else edge.block)
            yield edge

    def _fits(self, alive: Sequence[Item], offsets: Mapping[int, int], candidate: Candidate, limit: int) -> bool:
        if candidate.overlap_input is not None:
            source = candidate.overlap_input
            apart = offsets[source] - offsets[candidate.output]
            if -self.network.nbytes(source) < apart < min(candidate.overlap, self.network.nbytes(candidate.output)):
                return False
        nbytes = align_up(candidate.workspace, TENSOR_ALIGNMENT)
        return room_for(alive, offsets, nbytes, limit)

    def _rescheduled(self, candidate: Candidate) -> set[Candidate]:
        """The same block by other schedules."""
        if candidate not in self._others:
            others = {self._space.rescheduled(candidate, each) for each in no_slower(candidate.schedule)}
            self._others[candidate] = others - {candidate}
        return self._others[candidate]

    def _fastest(self, *blocks: Candidate) -> Candidate:
        return min(blocks, key=lambda each: (self._time(each), each.workspace, each))

    def _time(self, candidate: Candidate) -> float:
        if candidate not in self._times:
            self._times[candidate] = self._measured(candidate)
        return self._times[candidate]

    def _measured(self, candidate: Candidate) -> float:
        def measured() -> float:
            return instructions(block_work(self._space.lay_out(candidate)), self._costs)

        return self._remembered.time(candidate, self._costs_in_short, measured)

    @cached_property
    def _remembered(self) -> Remembered:
        return MEMORY.of(self.network)

    @cached_property
    def _costs_in_short(self) -> tuple[tuple[str, float], ...]:
        return tuple(sorted(self._costs.items()))


def _with_block(network: Network, edge: Edge, block: Candidate) -> Edge:
    if edge.block is None or block == edge.block:
        return edge
    more = added_bytes(network, block) - added_bytes(network, edge.block)
    return edge._replace(head=edge.head + more, block=block)
