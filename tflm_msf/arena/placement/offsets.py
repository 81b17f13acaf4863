"""Where each tensor goes: offsets in the arena's head that tensors alive at the same time do not share.

This is dynamic storage allocation with one addition: a block's output may lie over one of its inputs, if that input
starts at least a given distance behind it. Plans are small enough for it to be solved exactly, but for a few.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from tflm_msf.arena.placement.compiled import place_compiled, search_compiled
from tflm_msf.arena.placement.dbm import CutShortError, Pair, Span, ZoneSearch
from tflm_msf.core import load_core
from tflm_msf.sizes import TENSOR_ALIGNMENT, align_up

MOST_NODES = 2000
"""Decisions that a search for a placement takes before it gives up: some tenths of a second."""

MANY_ALIVE = 48
"""Where more are alive at once, each decision takes longer, and as many fewer are taken."""

MOST_ITEMS = 1000
"""More of them than this are placed in the best of a few likely orders, with no search."""


FEW_ITEMS = 32
"""So many are searched for a placement at once by the compiled core: likely orders take longer to try."""

FORWARDS, BACKWARDS = 1, -1
"""Through the steps, as a search for a placement goes. Backwards fewer get lost in streamed detectors."""


@dataclass(frozen=True)
class Item:
    """A tensor: ``size`` bytes (a multiple of 16), alive from step ``first`` to ``last`` inclusive."""

    key: int
    size: int
    first: int
    last: int


Overlaps = Mapping[tuple[int, int], int]
"""(lower item's key, upper item's key) -> least distance in bytes from the lower one's start to the upper one's, 0 or
more. Two such items may also lie apart, either way round."""


class Placement(NamedTuple):
    """Offsets (key -> bytes, multiples of 16), the end of the last item, and what no placement can go below.

    ``total`` is ``bound`` unless a search was cut short.
    """

    offsets: dict[int, int]
    total: int
    bound: int


def place(items: Sequence[Item], overlaps: Overlaps, most_nodes: int = MOST_NODES) -> Placement:
    """The placement with the least total.

    Putting the items down in likely orders, each as low as it goes, gives a first one. Then a search decides whether
    everything fits into the lower bound, and if it does not, by bisection, into how little it does.

    Args:
        items: what to place.
        overlaps: which items may share bytes.
        most_nodes: effort for each decision; the same effort gives the same placement on any computer. Once one was
            cut short, those after it get an eighth.
    """
    overlaps = _aligned(overlaps)
    best = min((_in_order(order, overlaps) for order in _likely_orders(items)), key=lambda found: _total(items, found))
    bound = low = limit = lower_bound(items, overlaps)
    effort = most_nodes
    while low < _total(items, best) and len(items) <= MOST_ITEMS:
        found, proved = _search(items, overlaps, limit, effort)
        if found is not None:
            best = found
        else:
            low = limit + TENSOR_ALIGNMENT
            bound = low if proved else bound
            effort = effort if proved else most_nodes // 8
        limit = low + (_total(items, best) - low) // (2 * TENSOR_ALIGNMENT) * TENSOR_ALIGNMENT
    return Placement(best, _total(items, best), bound)


def exceeds(items: Sequence[Item], overlaps: Overlaps, limit: int, most_nodes: int = MOST_NODES) -> bool:
    """True if it is certain that no placement ends at or below ``limit``. Arguments as for :func:`place`."""
    if lower_bound(items, overlaps) > limit:
        return True
    overlaps = _aligned(overlaps)
    if len(items) > MOST_ITEMS:
        return False
    is_small = len(items) <= FEW_ITEMS and load_core() is not None
    if not is_small and any(_total(items, _in_order(order, overlaps)) <= limit for order in _likely_orders(items)):
        return False
    return _search(items, overlaps, limit, most_nodes, (BACKWARDS, FORWARDS)) == (None, True)


def lower_bound(items: Sequence[Item], overlaps: Overlaps) -> int:
    """Bytes that no placement can go below: the most that is alive at one step, overlaps granted in full."""
    change = [0] * (max((item.last for item in items), default=0) + 2)
    for item in items:
        change[item.first] += item.size
        change[item.last + 1] -= item.size
    by_key = {item.key: item for item in items}
    for (lower, upper), distance in overlaps.items():
        low, up = by_key[lower], by_key[upper]
        first, last = max(low.first, up.first), min(low.last, up.last)
        if first <= last:
            shared = max(0, low.size + up.size - max(low.size, distance + up.size))
            change[first] -= shared
            change[last + 1] += shared
    return max(accumulate(change))


def _aligned(overlaps: Overlaps) -> dict[tuple[int, int], int]:
    return {pair: align_up(distance, TENSOR_ALIGNMENT) for pair, distance in overlaps.items()}


def _total(items: Iterable[Item], offsets: Mapping[int, int]) -> int:
    return max((offsets[item.key] + item.size for item in items), default=0)


def _likely_orders(items: Sequence[Item]) -> Iterator[list[Item]]:
    yield sorted(items, key=lambda item: (-item.first, item.size))
    yield sorted(items, key=lambda item: (item.first, -item.size))
    yield sorted(items, key=lambda item: (-item.size, item.first))
    yield sorted(items, key=lambda item: (item.first - item.last, -item.size))


def _in_order(order: Sequence[Item], overlaps: Overlaps) -> dict[int, int]:
    """Offsets if every item, in its turn, goes as low as it can."""
    core = load_core()
    if core is None:
        return _in_order_defined(order, overlaps)
    place = {item.key: number for number, item in enumerate(order)}
    distances = {(place[low], place[up]): distance for (low, up), distance in overlaps.items()}
    spans = [Span(item.size, item.first, item.last) for item in order]
    return dict(zip(place, place_compiled(core, spans, distances), strict=True))


def _in_order_defined(order: Sequence[Item], overlaps: Overlaps) -> dict[int, int]:
    """What the core computes."""
    offsets: dict[int, int] = {}
    above: dict[int, list[int]] = {}
    below: dict[int, list[int]] = {}
    for low, up in overlaps:
        above.setdefault(low, []).append(up)
        below.setdefault(up, []).append(low)
    placed: list[tuple[int, int, int, int, int]] = []
    for item in order:
        key, size, first, last = item.key, item.size, item.first, item.last
        taken = {other: (start - size, end) for a, z, start, end, other in placed if a <= last and first <= z}
        for other in above.get(key, ()):
            if other in taken:
                taken[other] = offsets[other] - min(size, overlaps[key, other]), taken[other][1]
        for other in below.get(key, ()):
            if other in taken:
                end = offsets[other] + overlaps[other, key]
                taken[other] = taken[other][0], min(taken[other][1], end)
        offset = 0
        for start, end in sorted(taken.values()):
            if start < offset < end:
                offset = end
        offsets[key] = offset
        placed.append((first, last, offset, offset + size, key))
    return offsets


def _search(
    items: Sequence[Item],
    overlaps: Overlaps,
    limit: int,
    most_nodes: int,
    directions: Sequence[int] = (FORWARDS, BACKWARDS),
) -> tuple[dict[int, int] | None, bool]:
    """Offsets that end at or below ``limit``, or None; and whether that is certain.

    Where the search through the steps in one direction gets lost, the one in the other may not.
    """
    sized = [item for item in items if item.size > 0]
    index = {item.key: number for number, item in enumerate(sized)}
    distances = {
        (index[lower], index[upper]): min(distance, sized[index[lower]].size)
        for (lower, upper), distance in overlaps.items()
        if lower in index and upper in index
    }
    for direction in directions:
        spans = [Span(item.size, *sorted((direction * item.first, direction * item.last))) for item in sized]
        try:
            found = _offsets_within(spans, distances, limit, most_nodes)
        except CutShortError:
            continue
        if found is None:
            return None, True
        return dict.fromkeys((item.key for item in items), 0) | dict(zip(index, found, strict=True)), True
    return None, False


def _offsets_within(
    spans: Sequence[Span], distances: Mapping[Pair, int], limit: int, most_nodes: int
) -> list[int] | None:
    if not spans:
        return []
    if len(spans) > MANY_ALIVE:
        most_nodes = most_nodes * MANY_ALIVE**2 // max(MANY_ALIVE, _most_alive(spans)) ** 2
    core = load_core()
    if core is None:
        return ZoneSearch(spans, distances, limit, most_nodes).run()
    return search_compiled(core, spans, distances, limit, most_nodes)


def _most_alive(spans: Sequence[Span]) -> int:
    """The most items that are alive at one step."""
    change = [0] * (max(span.last for span in spans) - (low := min(span.first for span in spans)) + 2)
    for span in spans:
        change[span.first - low] += 1
        change[span.last - low + 1] -= 1
    return max(accumulate(change))
