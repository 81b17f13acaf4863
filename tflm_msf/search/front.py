"""The exact trade-off between arena and compute on a fusion DAG.

The head of a plan is the maximum of its edges' bytes (or what a placement of all its tensors takes, which is no less),
its MACs are their sum, and every edge adds a fixed number of bytes to the tail. So for a limit on the head, and for a
number of blocks, the least MACs are a shortest path; sweeping both gives the whole Pareto front.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from tflm_msf.search.edge import NO_LIMIT, Edge
from tflm_msf.search.effort import UNLIMITED, Effort, no_collection
from tflm_msf.search.shortest import GivenUpError, Point, Search

MOST_DOUBTS = 8
"""Paths that a search passes over because their placement was cut short."""

MOST_CONFLICTS = 1000
"""Conflicts that a search learns before it takes paths as they come: each makes every further path dearer to find."""

MOST_AT_ONCE = 300
"""Conflicts learnt for one limit."""

MOST_IN_DOUBT = 10
"""The same once something was not ruled out: more limits are searched a little, rather than few of them to the end."""


class Doubt(NamedTuple):
    """There may be a plan with ``macs`` or more that takes ``total`` bytes of head and tail or more: none was ruled
    out.
    """

    macs: int
    total: int


class Front(NamedTuple):
    """The plans that a search found, least MACs first, and what it does not know."""

    points: tuple[Point, ...]
    doubts: tuple[Doubt, ...]


def is_proved(macs: int, total: int, doubts: Iterable[Doubt]) -> bool:
    """True if no plan with at most ``macs`` takes less than ``total`` bytes, whatever was not ruled out."""
    return not any(doubt.macs <= macs and doubt.total < total for doubt in doubts)


class Placer(Protocol):
    """Knows what placements reach, see :class:`tflm_msf.search.placing.Placer`."""

    def head(self, path: tuple[Edge, ...]) -> int:
        """Bytes that a plan takes."""

    def exceeds(self, run: tuple[Edge, ...], limit: int) -> bool:
        """True if it is certain that no plan with ``run`` in it gets by with ``limit`` bytes."""


def pareto_front(
    edges: list[Edge],
    cuts: int,
    tail_per_edge: int,
    placer: Placer | None = None,
    known: Sequence[Point] = (),
) -> list[Point]:
    """The plans of :func:`search_front`."""
    return list(search_front(edges, cuts, tail_per_edge, placer, known).points)


@no_collection()
def search_front(
    edges: list[Edge],
    cuts: int,
    tail_per_edge: int,
    placer: Placer | None = None,
    known: Sequence[Point] = (),
    effort: Effort = UNLIMITED,
) -> Front:
    """All plans that no other beats in both ``head + tail_per_edge * blocks`` and MACs, least MACs first.

    For every number of blocks, the limit on the head goes down from one optimum to just below it; where an earlier
    plan is already as good, down to where it no longer would be. Both jumps skip dominated plans only, and plans of
    fewer blocks, whose turn comes later. Numbers of blocks that no optimum made use of are skipped as well.

    Without ``placer``, the head of a plan is the most that one of its edges needs. With it, it is what a placement
    really takes. The front is exact then too, but for the doubts that come with it (see :class:`_PlacedSearch`).

    ``known`` are plans found elsewhere, for another execution order, say: what they are as good as is not looked for.
    """
    search = _PlacedSearch(Search(edges, cuts, effort), placer, tail_per_edge, effort)
    front = list(known)

    def total(point: Point) -> int:
        return point.head + tail_per_edge * len(point.edges)

    cheapest = search.unplaced(NO_LIMIT, cuts)
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
                effort.say(f"{len(front)} plans; the least needs {min(map(total, front)):,} bytes")
                limit = least - 1
            else:
                limit = min(least - 1, min(rivals) - tail_per_edge * len(point.edges) - 1)
            if effort.is_spent():
                break
        max_edges = 0 if effort.is_spent() else most_taken - 1
    found_here = [point for point in front if all(point is not other for other in known)]
    points = sorted(found_here, key=lambda point: (point.macs, total(point)))
    return Front(tuple(points), tuple(search.doubts))


@dataclass
class _PlacedSearch:
    """Shortest paths whose tensors have been placed.

    A path with no placement below the limit gives away a run of its edges that is the reason, which no later path
    takes again. Where it remains unknown whether there is one, the path is passed over too, until ``passes_left`` and
    ``conflicts_left`` are spent, or ``conflicts_left`` is down to ``conflicts_kept`` for later limits; after that,
    paths are taken with what their placement reaches. What was not ruled out is written down as a doubt.
    """

    search: Search
    placer: Placer | None
    tail_per_edge: int
    effort: Effort
    passes_left: int = MOST_DOUBTS
    conflicts_left: int = MOST_CONFLICTS
    conflicts_kept: int = 0
    heads: dict[tuple[Edge, ...], int] = field(default_factory=dict)
    doubts: list[Doubt] = field(default_factory=list)

    def unplaced(self, limit: int, max_edges: int) -> Point | None:
        """The path with the least MACs if edges alone decide; None, and a doubt, if the search for it was cut short."""
        try:
            return self.search.cheapest(limit, max_edges)
        except GivenUpError as error:
            self.doubts.append(Doubt(error.macs, 0))
            return None

    def cheapest(self, limit: int, max_edges: int) -> tuple[Point, int] | None:
        """The path with the least MACs within both limits, and a head below which no path has as few MACs."""
        self.conflicts_kept = self.conflicts_left - (MOST_IN_DOUBT if self.doubts else MOST_AT_ONCE)
        while (point := self.unplaced(limit, max_edges)) is not None:
            if self.placer is None:
                return point, point.head
            path = point.edges
            may_not_fit = self.heads.get(path, limit + 1) > limit
            if may_not_fit and self._may_learn() and self.placer.exceeds(path, limit):
                self.search.avoid(_shortest(path, limit, self.placer), limit + 1)
            else:
                if path not in self.heads:
                    self.heads[path] = self.placer.head(path)
                placed = point._replace(head=self.heads[path])
                if placed.head <= limit:
                    return placed, placed.head
                self.doubts.append(Doubt(point.macs, point.head + self.tail_per_edge))
                if not self._may_learn() or self.passes_left == 0:
                    return placed, point.head
                self.passes_left -= 1
                self.search.avoid(path, limit + 1)
            self.conflicts_left -= 1
        return None

    def _may_learn(self) -> bool:
        return self.conflicts_left > max(0, self.conflicts_kept) and not self.effort.is_spent()


def _shortest(path: tuple[Edge, ...], limit: int, placer: Placer) -> tuple[Edge, ...]:
    """A run of edges in ``path`` that exceeds ``limit`` too, and does not without its first or its last edge."""
    stop = bisect_left(range(1, len(path)), True, key=lambda end: placer.exceeds(path[:end], limit)) + 1
    starts = range(stop - 1, 0, -1)
    start = bisect_left(starts, True, key=lambda begin: placer.exceeds(path[begin:stop], limit))
    return path[[*starts, 0][start] : stop]
