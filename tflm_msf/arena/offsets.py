"""Where each tensor goes: offsets in the arena's head that tensors alive at the same time do not share.

This is dynamic storage allocation with one addition: a block's output may lie over one of its inputs, if that input
starts at least a given distance behind it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

ALIGNMENT = 16
ORDERS_TRIED = 400


@dataclass(frozen=True)
class Item:
    """A tensor: ``size`` bytes (a multiple of 16), alive from step ``first`` to ``last`` inclusive."""

    key: int
    size: int
    first: int
    last: int


Overlaps = Mapping[tuple[int, int], int]
"""(lower item's key, upper item's key) -> least distance in bytes from the lower one's start to the upper one's."""


def lower_bound(items: Sequence[Item], overlaps: Overlaps) -> int:
    """Bytes that no assignment can go below: the most that is alive at one step, overlaps granted in full."""
    sizes = {item.key: item for item in items}
    steps = range(max((item.last for item in items), default=0) + 1)
    need = [sum(item.size for item in items if item.first <= step <= item.last) for step in steps]
    for (lower, upper), distance in overlaps.items():
        low, up = sizes[lower], sizes[upper]
        shared = low.size + up.size - max(low.size, distance + up.size)
        for step in range(max(low.first, up.first), min(low.last, up.last) + 1):
            need[step] -= max(shared, 0)
    return max(need, default=0)


def assign(items: Sequence[Item], overlaps: Overlaps) -> dict[int, int]:
    """Offsets (key -> bytes, multiples of 16) with the least total found.

    Every optimal assignment is reached by putting the items down in the right order, each as low as it goes. Orders by
    time and by size come first, then variations of the best one, until the lower bound is met or ORDERS_TRIED are
    spent. The result is the same every time.
    """
    bound = lower_bound(items, overlaps)
    shuffle = random.Random(0)  # noqa: S311 - no secret, and the same every time
    best: dict[int, int] = {}
    best_order: Sequence[Item] = ()
    best_total = None
    for order in _orders(items):
        chosen = order if order is not None else _varied(best_order, shuffle)
        offsets = _place(chosen, overlaps)
        total = total_bytes(items, offsets)
        if best_total is None or total <= best_total:
            best, best_order, best_total = offsets, chosen, total
        if best_total <= bound:
            break
    return best


def total_bytes(items: Iterable[Item], offsets: Mapping[int, int]) -> int:
    """End of the last item: the arena's head."""
    return max((offsets[item.key] + item.size for item in items), default=0)


def _orders(items: Sequence[Item]) -> Iterable[Sequence[Item] | None]:
    yield sorted(items, key=lambda item: (-item.first, item.size))
    yield sorted(items, key=lambda item: (item.first, -item.size))
    yield sorted(items, key=lambda item: (-item.size, item.first))
    yield sorted(items, key=lambda item: (-item.size, -item.first))
    yield sorted(items, key=lambda item: (item.first - item.last, -item.size))
    for _ in range(ORDERS_TRIED):
        yield None


def _varied(order: Sequence[Item], shuffle: random.Random) -> Sequence[Item]:
    varied = list(order)
    for _ in range(shuffle.randint(1, 3)):
        item = varied.pop(shuffle.randrange(len(varied)))
        varied.insert(shuffle.randint(0, len(varied)), item)
    return varied


def _place(order: Sequence[Item], overlaps: Overlaps) -> dict[int, int]:
    offsets: dict[int, int] = {}
    placed: list[Item] = []
    for item in order:
        blocked = sorted(
            _blocked(item, other, offsets[other.key], overlaps)
            for other in placed
            if item.first <= other.last and other.first <= item.last
        )
        offset = 0
        for low, high in blocked:
            if low < offset + 1 and offset < high:
                offset = -(-high // ALIGNMENT) * ALIGNMENT
            elif low >= offset + 1:
                break
        offsets[item.key] = offset
        placed.append(item)
    return offsets


def _blocked(item: Item, other: Item, other_offset: int, overlaps: Overlaps) -> tuple[int, int]:
    """Offsets of ``item`` strictly between these two would collide with ``other``."""
    above = overlaps.get((other.key, item.key))
    below = overlaps.get((item.key, other.key))
    high = other_offset + (other.size if above is None else min(above, other.size))
    low = other_offset - (item.size if below is None else min(below, item.size))
    return low, high
