"""The fusion DAG, and the exact trade-off between arena and compute on it.

Nodes are the cuts of the execution order, 0 to n; an edge is a fusion block (or an operator that stays a builtin) that
leads from the cut before it to the cut after it. The head of a plan is the maximum of its edges' bytes, its MACs are
their sum, and every edge adds a fixed number of bytes to the tail. So for a limit on the head, and for a number of
blocks, the least MACs are a shortest path; sweeping both gives the whole Pareto front.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, Protocol

import networkx as nx
import numpy as np
import numpy.typing as npt

from tflm_msf.blocks.block import Candidate, align, tile_widths
from tflm_msf.blocks.space import BlockSpace
from tflm_msf.network.units import Network
from tflm_msf.search.nogoods import Conflict, Ints, State, states_without

TENSOR_ALIGNMENT = 16
"""TFLM rounds every tensor in the arena up to this many bytes (``MicroArenaBufferAlignment``)."""

BLOCK_BYTES = 144
"""What a block more can add to the arena's tail, at the most."""

UNREACHABLE = np.inf

NO_LIMIT = 1 << 62
"""More bytes than any head has: what is alive beside the edges (inputs that nobody reads) counts too."""

MOST_DOUBTS = 4
"""Paths that a search passes over because their placement was cut short: each costs a second or so."""

MOST_CONFLICTS = 300
"""Conflicts that a search learns before it takes paths as they come: each makes every further path dearer to find."""

Floats = npt.NDArray[np.float64]


class Edge(NamedTuple):
    """One step of a plan: a block, or (``block`` None) the builtin unit ``first``.

    ``head`` counts every byte of the arena's head while the step runs: boundary tensors alive across it, and its
    workspace.
    """

    first: int
    last: int
    head: int
    macs: int
    block: Candidate | None


class Point(NamedTuple):
    """A plan that no other beats in both bytes (head, and tail for each block) and MACs."""

    head: int
    macs: int
    edges: tuple[Edge, ...]


def padded_bytes(network: Network, tensor: int) -> int:
    """What a tensor takes of the arena."""
    return align(network.nbytes(tensor), TENSOR_ALIGNMENT)


@dataclass(frozen=True, eq=False)
class _Liveness:
    network: Network

    def after(self, unit: int) -> int:
        """Bytes alive between ``unit`` and the next one (-1: before the first)."""
        return sum(padded_bytes(self.network, t) for t in self._tensors_after(unit))

    def _tensors_after(self, unit: int) -> list[int]:
        made = [*self.network.inputs, *(t for t, p in self.network.producer.items() if p <= unit)]
        return [t for t in dict.fromkeys(made) if self.network.last_use.get(t, -1) > unit]

    def dying(self, tensors: tuple[int, ...], last: int) -> list[int]:
        """Those tensors that nobody needs after unit ``last``."""
        return [tensor for tensor in tensors if self.network.last_use[tensor] <= last]


def layerwise_edges(network: Network) -> list[Edge]:
    """Every unit on its own, as TFLM runs them: the edges that always exist."""
    liveness = _Liveness(network)
    edges = []
    for index, unit in enumerate(network.units):
        dying = sum(padded_bytes(network, t) for t in liveness.dying(unit.inputs, index))
        unread = sum(padded_bytes(network, t) for t in unit.outputs if network.last_use[t] <= index)
        macs = unit.stage.macs if unit.stage else 0
        head = liveness.after(index) + dying + unread
        overwritten = network.overwritten(index)
        if overwritten is not None:
            head -= _saved(network, *overwritten, unit.outputs[0])
        edges.append(Edge(index, index, head, macs, None))
    return edges


def find_edges(network: Network, admit: Callable[[Candidate], Candidate | None] = lambda found: found) -> list[Edge]:
    """All edges of the fusion DAG, of those between the same cuts only the ones that nothing dominates.

    A block that takes more than the whole network layer by layer, every block's share of the tail included, is of no
    use and ends the walk over longer ones.
    ``admit`` restricts the space: it turns a candidate away (None) or hands it on, changed perhaps.
    """
    layerwise = layerwise_edges(network)
    space, liveness = BlockSpace(network), _Liveness(network)
    limit = max(edge.head for edge in layerwise) + _most_saved(network, space)
    edges = [edge for edge in layerwise if network.units[edge.first].stage is None]
    for last, unit in enumerate(network.units):
        if unit.stage is None:
            continue
        alive = liveness.after(last)
        found: dict[int, list[Edge]] = {}
        for width in tile_widths(network, last):
            for candidate in space.candidates(last, width, limit):
                admitted = admit(candidate)
                if admitted is not None:
                    edge = _edge(network, admitted, alive, liveness)
                    found.setdefault(edge.first, []).append(edge)
        for choices in found.values():
            edges.extend(undominated(choices, _beats_wherever_placed))
    return edges


def _most_saved(network: Network, space: BlockSpace) -> int:
    """Bytes beyond its tensors that a network takes with every unit on its own: workspace, and tail for each block."""
    workspaces = [
        candidate.workspace
        for unit in range(len(network.units))
        if tile_widths(network, unit)
        for candidate in space.candidates(unit, tile_widths(network, unit)[0], 0)
    ]
    return align(max(workspaces, default=0), TENSOR_ALIGNMENT) + BLOCK_BYTES * len(network.units)


def _edge(network: Network, candidate: Candidate, alive: int, liveness: _Liveness) -> Edge:
    dying = liveness.dying(candidate.inputs, candidate.last)
    head = alive + sum(padded_bytes(network, t) for t in dying) + align(candidate.workspace, TENSOR_ALIGNMENT)
    if candidate.overlap_input is not None:
        head -= _saved(network, candidate.overlap_input, candidate.overlap, candidate.output)
    return Edge(candidate.first, candidate.last, head, candidate.macs, candidate)


def _saved(network: Network, source: int, distance: int, output: int) -> int:
    """Bytes less that an output takes together with an input that may start ``distance`` bytes behind it."""
    upper, lower = padded_bytes(network, source), padded_bytes(network, output)
    return upper + lower - max(lower, align(distance, TENSOR_ALIGNMENT) + upper)


def beats(edge: Edge, other: Edge) -> bool:
    """True if ``edge`` takes neither more bytes nor more MACs."""
    return edge.head <= other.head and edge.macs <= other.macs


def undominated(edges: list[Edge], is_better: Callable[[Edge, Edge], bool] = beats) -> list[Edge]:
    """Of edges between the same two cuts, those that no other is better than, one of those that are as good."""
    kept: list[Edge] = []
    for edge in sorted(edges, key=lambda e: (e.macs, e.head)):
        if not any(is_better(other, edge) for other in kept):
            kept.append(edge)
    return kept


def _is_as_easy(edge: Edge, other: Edge) -> bool:
    """True if whatever has room for ``other``, between the same cuts, has room for ``edge``.

    The head alone does not tell: output over input saves bytes only where the neighbours leave room for it.
    """
    block, rival = edge.block, other.block
    if block is None or rival is None:
        return block is rival
    if align(block.workspace, TENSOR_ALIGNMENT) > align(rival.workspace, TENSOR_ALIGNMENT):
        return False
    if rival.overlap_input is None:
        return True
    return block.overlap_input == rival.overlap_input and block.overlap <= rival.overlap


def _beats_wherever_placed(edge: Edge, other: Edge) -> bool:
    return edge.macs <= other.macs and _is_as_easy(edge, other)


def as_networkx(network: Network, edges: list[Edge]) -> nx.MultiDiGraph:
    """The fusion DAG for a user to look at: nodes are cuts, edges carry ``head`` (bytes), ``macs`` and ``tile_w``."""
    dag: nx.MultiDiGraph = nx.MultiDiGraph()
    dag.add_nodes_from(range(len(network.units) + 1))
    for edge in edges:
        tile = edge.block.tile_w if edge.block else 0
        dag.add_edge(edge.first, edge.last + 1, head=edge.head, macs=edge.macs, tile_w=tile)
    return dag


class Search:
    """Shortest paths on a fusion DAG under a limit on the head and on the number of edges, clear of known conflicts."""

    def __init__(self, edges: list[Edge], cuts: int) -> None:
        self._edges = edges
        self._cuts = cuts
        self._into: list[list[int]] = [[] for _ in range(cuts + 1)]
        self._between: dict[tuple[int, int], list[int]] = {}
        for index, edge in enumerate(edges):
            self._into[edge.last + 1].append(index)
            self._between.setdefault((edge.first, edge.last), []).append(index)
        self._first = [edge.first for edge in edges]
        self._heads = np.array([edge.head for edge in edges], np.int64)
        self._macs = np.array([edge.macs for edge in edges], np.float64)
        self._conflicts: list[Conflict] = []
        self._states = lru_cache(maxsize=None)(self._states_uncached)
        self._solve = lru_cache(maxsize=None)(self._solve_uncached)

    def avoid(self, run: tuple[Edge, ...], needed: int) -> None:
        """Keeps ``run``, or what is no easier between the same cuts, out of paths whose limit is below ``needed``."""
        alike = (
            frozenset(n for n in self._between[edge.first, edge.last] if _is_as_easy(edge, self._edges[n]))
            for edge in run
        )
        self._conflicts.append(Conflict(tuple(alike), needed))

    def _states_uncached(self, active: tuple[int, ...]) -> list[State]:
        return states_without(self._first, self._into, [self._conflicts[number] for number in active])

    def _solve_uncached(self, head_limit: int, active: tuple[int, ...]) -> tuple[Floats, Ints, Ints]:
        """For each state (axis 0) and number of edges (axis 1): least MACs, last edge, and the state before that."""
        states = self._states(active)
        shape = len(states), self._cuts + 1
        cost, via, source = np.full(shape, UNREACHABLE), np.full(shape, -1, np.int64), np.full(shape, -1, np.int64)
        cost[0, 0] = 0
        for number, state in enumerate(states):
            low = self._heads[state.edges] <= head_limit
            edges, sources = state.edges[low], state.sources[low]
            if len(edges) == 0:
                continue
            totals = cost[sources, :-1] + self._macs[edges, None]
            best = totals.argmin(axis=0)
            cost[number, 1:] = totals[best, np.arange(self._cuts)]
            via[number, 1:], source[number, 1:] = edges[best], sources[best]
        return cost, via, source

    def cheapest(self, head_limit: int, max_edges: int) -> Point | None:
        """The path with the least MACs, then the fewest edges, within both limits."""
        active = tuple(n for n, conflict in enumerate(self._conflicts) if conflict.needed > head_limit)
        cost, via, source = self._solve(head_limit, active)
        ends = [number for number, state in enumerate(self._states(active)) if state.cut == self._cuts]
        choices = [(cost[end, k], k, end) for end in ends for k in [int(cost[end, : max_edges + 1].argmin())]]
        least, k, state = min(choices, default=(UNREACHABLE, 0, 0))
        if least == UNREACHABLE:
            return None
        path: list[Edge] = []
        while state != 0:
            path.append(self._edges[via[state, k]])
            state, k = source[state, k], k - 1
        path.reverse()
        return Point(max(edge.head for edge in path), sum(edge.macs for edge in path), tuple(path))


class Placer(Protocol):
    """Knows what placements reach, see :class:`tflm_msf.search.placing.Placer`."""

    def head(self, path: tuple[Edge, ...]) -> int:
        """Bytes that a plan takes."""

    def exceeds(self, run: tuple[Edge, ...], limit: int) -> bool:
        """True if it is certain that no plan with ``run`` in it gets by with ``limit`` bytes."""


def pareto_front(
    edges: list[Edge], cuts: int, tail_per_edge: int, placer: Placer | None = None, known: Sequence[Point] = ()
) -> list[Point]:
    """All plans that no other beats in both ``head + tail_per_edge * blocks`` and MACs, least MACs first.

    For every number of blocks, the limit on the head goes down from one optimum to just below it; where an earlier
    plan is already as good, down to where it no longer would be. Both jumps skip dominated plans only, and plans of
    fewer blocks, whose turn comes later. Numbers of blocks that no optimum made use of are skipped as well.

    Without ``placer``, the head of a plan is the most that one of its edges needs. With it, it is what a placement
    really takes. The front is exact then too, as long as placements are (see :class:`_PlacedSearch`).

    ``known`` are plans found elsewhere, for another execution order, say: what they are as good as is not looked for.
    """
    unplaced = Search(edges, cuts)
    search = _PlacedSearch(unplaced, placer)
    front = list(known)

    def total(point: Point) -> int:
        return point.head + tail_per_edge * len(point.edges)

    cheapest = unplaced.cheapest(NO_LIMIT, cuts)
    least_macs = cheapest.macs if cheapest else 0
    start = min((total(other) - tail_per_edge - 1 for other in known if other.macs <= least_macs), default=NO_LIMIT)
    max_edges = cuts
    while max_edges > 0:
        limit = start
        most_taken = 0
        while (found := search.cheapest(limit, max_edges)) is not None:
            point, least = found
            most_taken = max(most_taken, len(point.edges))
            rivals = [total(other) for other in front if other.macs <= point.macs]
            if not rivals or total(point) < min(rivals):
                front = [o for o in front if o.macs < point.macs or total(o) < total(point)]
                front.append(point)
                limit = least - 1
            else:
                limit = min(least - 1, min(rivals) - tail_per_edge * len(point.edges) - 1)
        max_edges = most_taken - 1
    found_here = [point for point in front if all(point is not other for other in known)]
    return sorted(found_here, key=lambda point: (point.macs, total(point)))


@dataclass
class _PlacedSearch:
    """Shortest paths whose tensors have been placed.

    A path with no placement below the limit gives away a run of its edges that is the reason, which no later path
    takes again. Where it remains unknown whether there is one, the path is passed over too, until ``doubts_left`` and
    ``conflicts_left`` are spent; after that, paths are taken with what their placement reaches.
    """

    search: Search
    placer: Placer | None
    doubts_left: int = MOST_DOUBTS
    conflicts_left: int = MOST_CONFLICTS
    heads: dict[tuple[Edge, ...], int] = field(default_factory=dict)

    def cheapest(self, limit: int, max_edges: int) -> tuple[Point, int] | None:
        """The path with the least MACs within both limits, and a head below which no path has as few MACs."""
        while (point := self.search.cheapest(limit, max_edges)) is not None:
            if self.placer is None:
                return point, point.head
            path = point.edges
            may_not_fit = self.heads.get(path, limit + 1) > limit
            if may_not_fit and self.conflicts_left > 0 and self.placer.exceeds(path, limit):
                self.search.avoid(_shortest(path, limit, self.placer), limit + 1)
            else:
                if path not in self.heads:
                    self.heads[path] = self.placer.head(path)
                placed = point._replace(head=self.heads[path])
                if placed.head <= limit:
                    return placed, placed.head
                if self.conflicts_left == 0 or self.doubts_left == 0:
                    return placed, point.head
                self.doubts_left -= 1
                self.search.avoid(path, limit + 1)
            self.conflicts_left -= 1
        return None


def _shortest(path: tuple[Edge, ...], limit: int, placer: Placer) -> tuple[Edge, ...]:
    """A run of edges in ``path`` that exceeds ``limit`` too, and does not without its first or its last edge."""
    stop = bisect_left(range(1, len(path)), True, key=lambda end: placer.exceeds(path[:end], limit)) + 1
    starts = range(stop - 1, 0, -1)
    start = bisect_left(starts, True, key=lambda begin: placer.exceeds(path[begin:stop], limit))
    return path[[*starts, 0][start] : stop]
