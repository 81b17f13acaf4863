"""Least MACs under a limit on the head and on the number of edges: A* on the fusion DAG, clear of known no-goods.

The estimate for the rest of a path is exact without no-goods: the least MACs from a cut to the end, and the fewest
edges  Without no-goods A* goes straight to the end.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from heapq import heappop, heappush
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tflm_msf.search.dag import is_as_easy
from tflm_msf.search.edge import Edge
from tflm_msf.search.effort import UNLIMITED, Effort
from tflm_msf.search.nogoods import NOTHING_BEGUN, Begun, Conflict, after, roles_of

Ints = npt.NDArray[np.int64]

MOST_STATES = 100_000
"""States that one search goes on from before it gives up: about a second."""

OUT_OF_REACH = 1 << 62
"""MACs and edges to the end where there is no way."""


class Point(NamedTuple):
    """A plan that no other beats in both bytes (head, and tail for each block) and MACs."""

    head: int
    macs: int
    edges: tuple[Edge, ...]


class GivenUpError(Exception):
    """A search was cut short; no path that it has not found has fewer than ``macs``."""

    def __init__(self, macs: int) -> None:
        super().__init__(macs)
        self.macs = macs


class _Cut(NamedTuple):
    """The edges that leave a cut: their numbers, and what there is to know of each."""

    edges: Ints
    ends: Ints
    heads: Ints
    macs: Ints


class _Rest(NamedTuple):
    """For each cut (and each number of edges that are left, if those count), what lies between it and the end."""

    macs: list[Any]
    edges: list[Any]


class _Task(NamedTuple):
    """What one search is about: its limits, its no-goods, and what it knows of the rest of each path."""

    head_limit: int
    max_edges: int
    active: tuple[int, ...]
    free: _Rest
    counted: _Rest | None

    def rest(self, cut: int, taken: int) -> tuple[int, int]:
        """At least so many MACs, and edges, lie between ``cut`` and the end if ``taken`` edges lie behind."""
        if self.counted is None:
            return self.free.macs[cut], self.free.edges[cut]
        return self.counted.macs[cut][self.max_edges - taken], self.counted.edges[cut][self.max_edges - taken]


_Trail = tuple["_Trail", int] | None
"""The edges of a path, from the last one back."""


class Search:
    """Shortest paths on one fusion DAG, and the no-goods that were learnt about it."""

    def __init__(self, edges: Sequence[Edge], cuts: int, effort: Effort = UNLIMITED) -> None:
        self._edges = edges
        self._cuts = cuts
        self._effort = effort
        leaving: list[list[int]] = [[] for _ in range(cuts)]
        self._between: dict[tuple[int, int], list[int]] = {}
        for index, edge in enumerate(edges):
            leaving[edge.first].append(index)
            self._between.setdefault((edge.first, edge.last), []).append(index)
        self._leaving = [self._cut(numbers) for numbers in leaving]
        self._heads = sorted({edge.head for edge in edges})
        self._free: dict[int, _Rest] = {}
        self._counted: dict[tuple[int, int], _Rest] = {}
        self._conflicts: list[Conflict] = []

    def _cut(self, numbers: list[int]) -> _Cut:
        edges = [self._edges[number] for number in numbers]
        columns = (numbers, [e.last + 1 for e in edges], [e.head for e in edges], [e.macs for e in edges])
        return _Cut(*(np.array(column, np.int64) for column in columns))

    def avoid(self, run: tuple[Edge, ...], needed: int) -> None:
        """Keeps ``run``, or what is no easier between the same cuts, out of paths whose limit is below ``needed``."""
        alike = (
            frozenset(n for n in self._between[edge.first, edge.last] if is_as_easy(edge, self._edges[n]))
            for edge in run
        )
        self._conflicts.append(Conflict(tuple(alike), needed))

    def cheapest(self, head_limit: int, max_edges: int) -> Point | None:
        """The path with the least MACs, then the fewest edges, within both limits.

        Raises:
            GivenUpError: after :data:`MOST_STATES`, or when time is over.
        """
        free = self._free_rest(head_limit)
        if free.macs[0] >= OUT_OF_REACH:
            return None
        counted = self._counted_rest(head_limit, max_edges) if free.edges[0] > max_edges else None
        active = tuple(n for n, conflict in enumerate(self._conflicts) if conflict.needed > head_limit)
        trail = self._follow(_Task(head_limit, max_edges, active, free, counted))
        path: list[Edge] = []
        while trail is not None:
            trail, edge = trail
            path.append(self._edges[edge])
        path.reverse()
        return Point(max(edge.head for edge in path), sum(edge.macs for edge in path), tuple(path)) if path else None

    def _follow(self, task: _Task) -> _Trail:
        """The edges of the best path; None if there is none."""
        roles, conflicts = roles_of(self._conflicts, task.active), self._conflicts
        queue: list[tuple[int, int, int, int, int, int, Begun, _Trail]]
        queue = [(*task.rest(0, 0), 0, 0, 0, 0, NOTHING_BEGUN, None)]
        known: dict[tuple[int, Begun], list[tuple[int, int]]] = {}
        pushed = expanded = 0
        while queue:
            total, _, back, _, macs, taken, begun, trail = heappop(queue)
            cut = -back
            if total >= OUT_OF_REACH:
                return None
            if cut == self._cuts:
                return trail
            if _is_known(known, cut, begun, macs, taken):
                continue
            known.setdefault((cut, begun), []).append((macs, taken))
            expanded += 1
            if expanded > MOST_STATES or (expanded % 256 == 0 and expanded > self._cuts and self._effort.is_spent()):
                raise GivenUpError(total)  # a search without no-goods is over before that: there is always a plan
            for edge, end, more in self._ways(cut, task.head_limit):
                now = after(begun, roles[edge], conflicts) if edge in roles else NOTHING_BEGUN
                if now is None or taken == task.max_edges:
                    continue
                rest, edges = task.rest(end, taken + 1)
                if rest >= OUT_OF_REACH or _is_known(known, end, now, macs + more, taken + 1):
                    continue
                pushed += 1
                estimate = macs + more + rest, taken + 1 + edges
                heappush(queue, (*estimate, -end, pushed, macs + more, taken + 1, now, (trail, edge)))
        return None

    def _ways(self, cut: int, head_limit: int) -> Iterator[tuple[int, int, int]]:
        """Number, end and MACs of the edges that may leave a cut."""
        leaving = self._leaving[cut]
        low = leaving.heads <= head_limit
        return zip(leaving.edges[low].tolist(), leaving.ends[low].tolist(), leaving.macs[low].tolist(), strict=True)

    def _free_rest(self, head_limit: int) -> _Rest:
        """The rest of any path under a limit; limits between the heads of two edges are all alike."""
        number = bisect_right(self._heads, head_limit)
        if number not in self._free:
            macs, edges = self._find_rest(head_limit, 0)
            self._free[number] = _Rest(macs[:, 0].tolist(), edges[:, 0].tolist())
        return self._free[number]

    def _counted_rest(self, head_limit: int, max_edges: int) -> _Rest:
        """The same for each number of edges that are left."""
        key = bisect_right(self._heads, head_limit), max_edges
        if key not in self._counted:
            self._counted.clear()  # a table for each cut is too much to keep many
            macs, edges = self._find_rest(head_limit, max_edges)
            self._counted[key] = _Rest(macs.tolist(), edges.tolist())
        return self._counted[key]

    def _find_rest(self, head_limit: int, max_edges: int) -> tuple[Ints, Ints]:
        """MACs and edges from each cut to the end, over at most 0, 1, ... ``max_edges`` edges; 0: over any number."""
        shape = self._cuts + 1, max_edges + 1
        macs, edges = np.full(shape, OUT_OF_REACH, np.int64), np.zeros(shape, np.int64)
        macs[-1] = 0
        before, now = (slice(-1), slice(1, None)) if max_edges else (slice(None), slice(None))
        for cut in range(self._cuts - 1, -1, -1):
            leaving = self._leaving[cut]
            low = leaving.heads <= head_limit
            if not low.any():
                continue
            ends, costs = leaving.ends[low], leaving.macs[low]
            totals = costs[:, None] + macs[ends, before]
            least = totals.min(axis=0)
            macs[cut, now] = np.minimum(least, OUT_OF_REACH)
            edges[cut, now] = 1 + np.where(totals == least, edges[ends, before], OUT_OF_REACH).min(axis=0)
        return macs, edges


def _is_known(known: Mapping[tuple[int, Begun], list[tuple[int, int]]], cut: int, begun: Begun, *cost: int) -> bool:
    """True if a path with no more MACs and edges was gone on from in the same state."""
    return any(macs <= cost[0] and taken <= cost[1] for macs, taken in known.get((cut, begun), ()))
