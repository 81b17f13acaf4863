"""Decides, exactly, whether items fit into a limit: a search over which of two items alive together lies above.

Once that is settled for all pairs, offsets are a system of difference constraints, as in critical path planning. The
search goes through the steps in time, and of what is behind it only a *zone* matters: the offsets that the items still
alive can take together, kept as a difference-bound matrix (DBM): the least distance from each of them up to each other
one, closed under going round by a third. A zone inside one that led nowhere leads nowhere either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

Zone = list[list[int]]
"""A difference-bound matrix: ``zone[i][j]`` bytes at least from item i's start up to item j's; item 0 stands for the
bottom of the arena. Always closed: no detour over a third item says more."""

Pair = tuple[int, int]

MOST_HELD = 1 << 23
"""Distances in zones that a search keeps at a time, for later and as hopeless: so wide a problem is given up."""


class CutShortError(Exception):
    """The search ran out of nodes, or of room for zones."""


class Span(NamedTuple):
    """What the search has to know of an item: bytes (more than 0), first and last step at which it is alive."""

    size: int
    first: int
    last: int


class _Node(NamedTuple):
    """A step with ``pairs`` of places yet to be settled; place 1 is that of ``items[0]``."""

    step: int
    items: list[int]
    zone: Zone
    pairs: list[Pair]


class _Exhausted(NamedTuple):
    """Everything after ``step`` was tried for a zone with these bounds, in vain."""

    step: int
    bounds: list[int]


class ZoneSearch:
    """Looks for offsets that end at or below a limit.

    Args:
        spans: the items.
        distances: (i, j) -> least distance from i's start up to j's if j starts above i, where that is not i's size.
        limit: bytes, no fewer than any item has.
        most_nodes: decisions after which to give up.
    """

    def __init__(self, spans: Sequence[Span], distances: Mapping[Pair, int], limit: int, most_nodes: int) -> None:
        self._spans = spans
        self._distances = distances
        self._limit = limit
        self._nodes_left = most_nodes
        self._held = 0
        steps = sorted({span.first for span in spans})
        self._alive = [[i for i, span in enumerate(spans) if span.first <= step <= span.last] for step in steps]
        self._hopeless: list[list[list[int]]] = [[] for _ in steps]
        self._trace: list[tuple[list[int], Zone] | None] = [None for _ in steps]

    def run(self) -> list[int] | None:
        """Offsets of all items, or None if there are none. Raises CutShortError if that remains unknown."""
        waiting: list[_Node | _Exhausted] = []
        done = self._enter(0, [], [[0]], waiting)
        while waiting and not done:
            if self._held > MOST_HELD:
                raise CutShortError
            task = waiting.pop()
            if isinstance(task, _Exhausted):
                self._give_up(task)
            elif self._nodes_left == 0:
                raise CutShortError
            else:
                self._nodes_left -= 1
                self._held -= len(task.zone) ** 2
                done = self._decide(task, waiting)
        return self._offsets() if done else None

    def _give_up(self, task: _Exhausted) -> None:
        hopeless = self._hopeless[task.step]
        others = [other for other in hopeless if not _inside(other, task.bounds)]
        self._held -= (len(hopeless) - len(others)) * len(task.bounds)
        self._hopeless[task.step] = [*others, task.bounds]

    def _offsets(self) -> list[int]:
        """Back from the last step: the lowest offsets in each zone that go with those found already."""
        offsets: dict[int, int] = {}
        for items, zone in reversed([settled for settled in self._trace if settled is not None]):
            known = [(0, 0), *((place, offsets[item]) for place, item in enumerate(items, 1) if item in offsets)]
            for place, item in enumerate(items, 1):
                if item not in offsets:
                    offsets[item] = max(offset + zone[other][place] for other, offset in known)
        return [offsets[item] for item in range(len(self._spans))]

    def _enter(self, step: int, survivors: list[int], zone: Zone, waiting: list[_Node | _Exhausted]) -> bool:
        """Goes on with a step to which ``survivors`` come in ``zone``. True if there is no such step."""
        if step == len(self._alive):
            return True
        bounds = [distance for row in zone for distance in row]
        if not any(_inside(bounds, other) for other in self._hopeless[step]):
            items = [*survivors, *(item for item in self._alive[step] if item not in survivors)]
            pairs = [(low, up) for up in range(len(zone), len(items) + 1) for low in range(1, up)]
            waiting += [_Exhausted(step, bounds), _Node(step, items, self._with_new(zone, items), pairs)]
            self._held += len(bounds) + (len(items) + 1) ** 2
        return False

    def _with_new(self, zone: Zone, items: list[int]) -> Zone:
        """The zone with the items that are not in it yet anywhere between the bottom and the limit."""
        old, count = len(zone), len(items) + 1
        result = [row + [row[0]] * (count - old) for row in zone]
        for place in range(old, count):
            highest = self._limit - self._spans[items[place - 1]].size
            result.append([distance - highest for distance in result[0]])
            result[place][place] = 0
        return result

    def _decide(self, node: _Node, waiting: list[_Node | _Exhausted]) -> bool:
        """Settles the pair of places with the least room on one side, both ways; the way with more room comes first.

        True if that was the last one of all.
        """
        step, items, zone, pairs = node
        rooms = self._settle(items, zone, pairs)
        if rooms is None:
            return False
        if not rooms:
            return self._leave(step, items, zone, waiting)
        low, up = min(rooms, key=lambda pair: min(rooms[pair]))
        left = [pair for pair in rooms if pair != (low, up)]
        ways = [(up, low), (low, up)] if rooms[low, up][0] >= rooms[low, up][1] else [(low, up), (up, low)]
        for way in ways:
            narrowed = [list(row) for row in zone]
            _narrow(narrowed, way, self._distance(items, way))
            waiting.append(_Node(step, items, narrowed, left))
            self._held += len(zone) ** 2
        return False

    def _settle(self, items: list[int], zone: Zone, pairs: list[Pair]) -> dict[Pair, tuple[int, int]] | None:
        """Narrows ``zone`` where one of two items has no room above the other; None if neither has.

        Returns the room that is left on both sides for each pair that is not settled.
        """
        changed = True
        while changed:
            changed = False
            rooms = {}
            for low, up in pairs:
                above, below = self._distance(items, (low, up)), self._distance(items, (up, low))
                if zone[low][up] >= above or zone[up][low] >= below:
                    continue
                room = -zone[up][low] - above, -zone[low][up] - below
                if max(room) < 0:
                    return None
                if min(room) >= 0:
                    rooms[low, up] = room
                elif room[0] >= 0:
                    changed = _narrow(zone, (low, up), above)
                else:
                    changed = _narrow(zone, (up, low), below)
            pairs = list(rooms)
        return rooms

    def _leave(self, step: int, items: list[int], zone: Zone, waiting: list[_Node | _Exhausted]) -> bool:
        """Goes on with the next step, which only those items take part in that are still alive."""
        if self._trace[step] is None:
            self._held += len(zone) ** 2
        self._trace[step] = (items, zone)
        later = self._alive[step + 1] if step + 1 < len(self._alive) else []
        staying = [0, *(place for place, item in enumerate(items, 1) if item in later)]
        kept = [[zone[low][up] for up in staying] for low in staying]
        return self._enter(step + 1, [items[place - 1] for place in staying[1:]], kept, waiting)

    def _distance(self, items: list[int], way: Pair) -> int:
        low, up = items[way[0] - 1], items[way[1] - 1]
        return self._distances.get((low, up), self._spans[low].size)


def _narrow(zone: Zone, way: Pair, distance: int) -> bool:
    """Adds that ``way[1]`` starts at least ``distance`` above ``way[0]``, for which there is room; closed again."""
    low, up = way
    beyond = list(zone[up])
    for row in zone:
        to_up = row[low] + distance
        for place, further in enumerate(beyond):
            if to_up + further > row[place]:
                row[place] = to_up + further
    return True


def _inside(bounds: Sequence[int], others: Sequence[int]) -> bool:
    """Inclusion of difference-bound matrices: True if a zone with ``bounds`` is part of the one with ``others``."""
    return all(mine >= other for mine, other in zip(bounds, others, strict=True))
