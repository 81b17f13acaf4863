"""The fusion DAG, and the exact trade-off between arena and compute on it.

Nodes are the cuts of the execution order, 0 to n; an edge is a fusion block (or an operator that stays a builtin) that
leads from the cut before it to the cut after it. The head of a plan is the maximum of its edges' bytes, its MACs are
their sum, and every edge adds a fixed number of bytes to the tail. So for a limit on the head, and for a number of
blocks, the least MACs are a shortest path; sweeping both gives the whole Pareto front.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import networkx as nx
import numpy as np
import numpy.typing as npt

from tflm_msf.fusion.block import BlockWalk, Candidate, LinesKept, align, tile_widths
from tflm_msf.fusion.network import Network

TENSOR_ALIGNMENT = 16
"""TFLM rounds every tensor in the arena up to this many bytes (``MicroArenaBufferAlignment``)."""

UNREACHABLE = np.inf

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
        edges.append(Edge(index, index, liveness.after(index) + dying + unread, macs, None))
    return edges


def find_edges(network: Network, admit: Callable[[Candidate], Candidate | None] = lambda found: found) -> list[Edge]:
    """All edges of the fusion DAG, of those between the same cuts only the ones that nothing dominates.

    A block that takes more than the whole network layer by layer is of no use and ends the walk over longer ones.
    ``admit`` restricts the space: it turns a candidate away (None) or hands it on, changed perhaps.
    """
    layerwise = layerwise_edges(network)
    limit = max(edge.head for edge in layerwise)
    kept, liveness = LinesKept(network), _Liveness(network)
    edges = [edge for edge in layerwise if network.units[edge.first].stage is None]
    for last, unit in enumerate(network.units):
        if unit.stage is None:
            continue
        alive = liveness.after(last)
        found: dict[int, list[Edge]] = {}
        for width in tile_widths(network, last):
            for candidate in BlockWalk(network, kept, last, width).candidates(limit):
                admitted = admit(candidate)
                if admitted is not None:
                    edge = _edge(network, admitted, alive, liveness)
                    found.setdefault(edge.first, []).append(edge)
        for choices in found.values():
            edges.extend(undominated(choices))
    return edges


def _edge(network: Network, candidate: Candidate, alive: int, liveness: _Liveness) -> Edge:
    dying = liveness.dying(candidate.inputs, candidate.last)
    head = alive + sum(padded_bytes(network, t) for t in dying) + align(candidate.workspace, TENSOR_ALIGNMENT)
    if candidate.overlap_input is not None:
        source, output = padded_bytes(network, candidate.overlap_input), padded_bytes(network, candidate.output)
        head -= source + output - max(output, candidate.overlap + source)
    return Edge(candidate.first, candidate.last, head, candidate.macs, candidate)


def undominated(edges: list[Edge]) -> list[Edge]:
    """Of edges between the same two cuts, those that no other beats in both bytes and MACs."""
    kept: list[Edge] = []
    for edge in sorted(edges, key=lambda e: (e.head, e.macs)):
        if not kept or edge.macs < kept[-1].macs:
            kept.append(edge)
    return kept


def as_networkx(network: Network, edges: list[Edge]) -> nx.MultiDiGraph:
    """The fusion DAG for a user to look at: nodes are cuts, edges carry ``head`` (bytes), ``macs`` and ``tile_w``."""
    dag: nx.MultiDiGraph = nx.MultiDiGraph()
    dag.add_nodes_from(range(len(network.units) + 1))
    for edge in edges:
        tile = edge.block.tile_w if edge.block else 0
        dag.add_edge(edge.first, edge.last + 1, head=edge.head, macs=edge.macs, tile_w=tile)
    return dag


class Search:
    """Shortest paths on a fusion DAG under a limit on the head and on the number of edges."""

    def __init__(self, edges: list[Edge], cuts: int) -> None:
        self._edges = edges
        self._cuts = cuts
        into: list[list[int]] = [[] for _ in range(cuts + 1)]
        for index, edge in enumerate(edges):
            into[edge.last + 1].append(index)
        self._into = [np.array(indices, np.int64) for indices in into]
        self._first = np.array([edge.first for edge in edges], np.int64)
        self._heads = np.array([edge.head for edge in edges], np.int64)
        self._macs = np.array([edge.macs for edge in edges], np.float64)
        self._solve = lru_cache(maxsize=None)(self._solve_uncached)

    def _solve_uncached(self, head_limit: int) -> tuple[Floats, npt.NDArray[np.int64]]:
        """Least MACs to each cut (axis 0) with exactly k edges (axis 1), and the last edge of such a path."""
        cost = np.full((self._cuts + 1, self._cuts + 1), UNREACHABLE)
        via = np.full((self._cuts + 1, self._cuts + 1), -1, np.int64)
        cost[0, 0] = 0
        for cut in range(1, self._cuts + 1):
            into = self._into[cut][self._heads[self._into[cut]] <= head_limit]
            if len(into) == 0:
                continue
            totals = cost[self._first[into], :-1] + self._macs[into, None]
            best = totals.argmin(axis=0)
            cost[cut, 1:] = totals[best, np.arange(self._cuts)]
            via[cut, 1:] = into[best]
        return cost, via

    def cheapest(self, head_limit: int, max_edges: int) -> Point | None:
        """The path with the least MACs, then the fewest edges, within both limits."""
        cost, via = self._solve(head_limit)
        k = int(cost[self._cuts, : max_edges + 1].argmin())
        if cost[self._cuts, k] == UNREACHABLE:
            return None
        path: list[Edge] = []
        cut = self._cuts
        while cut > 0:
            edge = self._edges[via[cut, k]]
            path.append(edge)
            cut, k = edge.first, k - 1
        path.reverse()
        return Point(max(edge.head for edge in path), sum(edge.macs for edge in path), tuple(path))


def pareto_front(edges: list[Edge], cuts: int, tail_per_edge: int) -> list[Point]:
    """All plans that no other beats in both ``head + tail_per_edge * blocks`` and MACs, least MACs first.

    For every number of blocks, the limit on the head goes down from one optimum to just below it; where an earlier
    plan is already as good, down to where it no longer would be. Both jumps skip dominated plans only.
    """
    search = Search(edges, cuts)
    front: list[Point] = []

    def total(point: Point) -> int:
        return point.head + tail_per_edge * len(point.edges)

    for max_edges in range(cuts, 0, -1):
        limit = max((edge.head for edge in edges), default=0)
        while (point := search.cheapest(limit, max_edges)) is not None:
            rivals = [total(other) for other in front if other.macs <= point.macs]
            if not rivals or total(point) < min(rivals):
                front = [o for o in front if o.macs < point.macs or total(o) < total(point)]
                front.append(point)
                limit = point.head - 1
            else:
                limit = min(point.head - 1, min(rivals) - tail_per_edge * len(point.edges) - 1)
    return sorted(front, key=lambda point: (point.macs, total(point)))
