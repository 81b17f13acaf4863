"""Least MACs under a limit on the head and on the number of edges: A* on the fusion DAG, clear of known no-goods.

The estimate for the rest of a path is exact without no-goods: the least MACs from a cut to the end, and the fewest
edges. Without no-goods A* goes straight to the end. Ways out of a cut are made best first, and only as many as are
asked for: of all but one in a hundred, nothing but their order is ever looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np

from tflm_msf.core import load_core
from tflm_msf.search.compiled import CorePaths
from tflm_msf.search.dag import is_as_easy
from tflm_msf.search.edge import Edge
from tflm_msf.search.effort import UNLIMITED, Effort
from tflm_msf.search.nogoods import NOTHING_BEGUN, Begun, Conflict, Role, add_roles, after
from tflm_msf.search.rest import OUT_OF_REACH, Rest, columns_of, find_rest
from tflm_msf.search.ways import Way, find_ways

MOST_STATES = 100_000
"""States that one search goes on from before it gives up: about a second."""


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


@dataclass
class _Task:
    """What one search is about: its limit on the head, and what it knows of the rest of each path.

    ``counts``: edges are limited so that it makes a difference. ``ways`` are those out of a cut, with so many edges
    left, that were looked at.
    """

    head_limit: int
    counts: bool
    rest: Rest
    ways: dict[tuple[int, int], list[Way]] = field(default_factory=dict)


_Trail = tuple["_Trail", int] | None
"""The edges of a path, from the last one back."""


class _Path(NamedTuple):
    """A path to a cut, and the ways on from there."""

    macs: int
    taken: int
    begun: Begun
    trail: _Trail
    ways: list[Way]


class _Queue:
    """Ways on from paths, the best one first; of each path only the best that was not taken yet is in it."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, int, int, _Path, Way, int]] = []
        self._pushed = 0

    def __bool__(self) -> bool:
        return bool(self._heap)

    def push(self, path: _Path, place: int = 0) -> None:
        if place < len(path.ways):
            way = path.ways[place]
            self._pushed += 1
            estimate = path.macs + way.total, path.taken + way.taken
            heappush(self._heap, (*estimate, -way.end, self._pushed, path, way, place))

    def pop(self) -> tuple[int, _Path, Way]:
        """The MACs of a whole path that begins with ``path`` and ``way``, at the least, and these two."""
        total, _, _, _, path, way, place = heappop(self._heap)
        self.push(path, place + 1)
        return total, path, way


class Search:
    """Shortest paths on one fusion DAG, and the no-goods that were learnt about it."""

    def __init__(self, edges: Sequence[Edge], cuts: int, effort: Effort = UNLIMITED) -> None:
        self._edges = edges
        self._cuts = cuts
        self._effort = effort
        self._columns = columns_of(edges, cuts)
        self._heads = np.unique(self._columns.heads)
        self._tasks: dict[tuple[int, int], _Task] = {}
        self._conflicts: list[Conflict] = []
        self._roles: dict[int, list[Role]] = {}
        core = load_core()
        self._compiled = None if core is None else CorePaths(core, self._columns, effort.is_spent)

    def avoid(self, run: tuple[Edge, ...], needed: int) -> None:
        """Keeps ``run``, or what is no easier between the same cuts, out of paths whose limit is below ``needed``."""
        alike = (frozenset(n for n in self._between(edge) if is_as_easy(edge, self._edge(n))) for edge in run)
        conflict = Conflict(tuple(alike), needed)
        if self._compiled is not None:
            self._compiled.avoid(conflict)
            return
        self._conflicts.append(conflict)
        add_roles(self._roles, self._conflicts)

    def _between(self, edge: Edge) -> list[int]:
        """Where all edges between the same cuts are in the columns."""
        leaving = self._columns.leaving(edge.first)
        there = np.flatnonzero(self._columns.ends[leaving] == edge.last + 1) + leaving.start
        places: list[int] = there.tolist()
        return places

    def _edge(self, place: int) -> Edge:
        return self._edges[int(self._columns.numbers[place])]

    def cheapest(self, head_limit: int, max_edges: int) -> Point | None:
        """The path with the least MACs, then the fewest edges, within both limits.

        Raises:
            GivenUpError: after :data:`MOST_STATES`, or when time is over.
        """
        task = self._task(head_limit, 0)
        if task.rest.macs[0, 0] >= OUT_OF_REACH:
            return None
        if task.rest.edges[0, 0] > max_edges:
            task = self._task(head_limit, max_edges)
        path = tuple(map(self._edge, self._best(task, head_limit, max_edges)))
        return Point(max(edge.head for edge in path), sum(edge.macs for edge in path), path) if path else None

    def _best(self, task: _Task, head_limit: int, max_edges: int) -> list[int]:
        """Where the edges of the best path are in the columns; none if there is no path."""
        if self._compiled is None:
            return _forwards(self._follow(task, head_limit, max_edges))
        trail, least = self._compiled.best(task.rest, head_limit, max_edges, MOST_STATES)
        if least is not None:
            raise GivenUpError(least)
        return trail or []

    def _follow(self, task: _Task, head_limit: int, max_edges: int) -> _Trail:
        """The edges of the best path; None if there is none. This is what the core does."""
        conflicts = self._conflicts
        known: dict[tuple[int, Begun], list[tuple[int, int]]] = {}
        expanded = 0
        queue = _Queue()
        ways = self._ways(task, 0, max_edges)
        if ways is not None:
            queue.push(_Path(0, 0, NOTHING_BEGUN, None, ways))
        while queue:
            total, path, way = queue.pop()
            roles = self._roles.get(way.edge)
            begun = after(path.begun, roles, conflicts, head_limit) if roles else NOTHING_BEGUN
            macs, taken = path.macs + way.macs, path.taken + 1
            if begun is None or taken > max_edges:
                continue
            if way.end == self._cuts:
                return path.trail, way.edge
            if not _is_better(known.setdefault((way.end, begun), []), macs, taken):
                continue
            expanded += 1
            if expanded > MOST_STATES or (expanded % 256 == 0 and expanded > self._cuts and self._effort.is_spent()):
                raise GivenUpError(total)  # a search without no-goods is over before that: there is always a plan
            ways = self._ways(task, way.end, max_edges - taken)
            if ways is not None:
                queue.push(_Path(macs, taken, begun, (path.trail, way.edge), ways))
        return None

    def _task(self, head_limit: int, max_edges: int) -> _Task:
        """For limits on the head and on edges (0: any number); limits between the heads of two edges are all alike."""
        level = int(np.searchsorted(self._heads, head_limit, "right"))
        if (level, max_edges) not in self._tasks:
            above = [task.rest for (known, counted), task in self._tasks.items() if known > level and not counted]
            self._tasks = {key: task for key, task in self._tasks.items() if key == (level, 0)}
            rest = find_rest(self._columns, head_limit, max_edges, above[0] if above else None)
            self._tasks[level, max_edges] = _Task(head_limit, max_edges > 0, rest)
        return self._tasks[level, max_edges]

    def _ways(self, task: _Task, cut: int, left: int) -> list[Way] | None:
        """The ways out of a cut, if ``left`` more edges may be taken; None if none may."""
        if not task.counts:
            left = 0
        elif left == 0:
            return None
        key = cut, left
        if key not in task.ways:
            task.ways[key] = find_ways(self._columns, task.rest, cut, task.head_limit, max(left - 1, 0))
        return task.ways[key]


def _forwards(trail: _Trail) -> list[int]:
    places: list[int] = []
    while trail is not None:
        trail, place = trail
        places.append(place)
    return places[::-1]


def _is_better(known: list[tuple[int, int]], macs: int, taken: int) -> bool:
    """True, and remembered, unless a path with no more MACs and edges was gone on from in the same state."""
    if any(least <= macs and fewest <= taken for least, fewest in known):
        return False
    known.append((macs, taken))
    return True
