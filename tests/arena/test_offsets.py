"""Placements are valid, the same every time, and as small as brute force finds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

import pytest

from tflm_msf.arena.placement.offsets import MOST_ITEMS, Item, Overlaps, exceeds, lower_bound, place
from tflm_msf.sizes import TENSOR_ALIGNMENT

Problem = tuple[list[Item], dict[tuple[int, int], int]]


def problem(random: Random, steps: int, largest: int, stay: float) -> Problem:
    """The tensors (keys from 0) and workspaces (keys below 0) of a network of ``steps`` blocks.

    ``stay`` is the probability that a tensor is read again some steps later.
    """
    items, overlaps = [], {}
    for tensor in range(steps + 1):
        last = min(tensor, steps - 1)
        if random.random() < stay:
            last = min(steps - 1, last + random.randint(1, 3))
        items.append(Item(tensor, TENSOR_ALIGNMENT * random.randint(1, largest), max(tensor - 1, 0), last))
    for step in range(steps):
        if random.random() < 0.8:
            items.append(Item(-1 - step, TENSOR_ALIGNMENT * random.randint(1, largest), step, step))
        if items[step].last == step and random.random() < 0.7:
            overlaps[step + 1, step] = random.choice([0, random.randint(0, TENSOR_ALIGNMENT * largest)])
    random.shuffle(items)
    return items, overlaps


def small_problem(random: Random) -> Problem:
    return problem(random, random.randint(1, 3), 3, 0.3)


def collides(low: Item, up: Item, offsets: Mapping[int, int], overlaps: Overlaps) -> bool:
    """True if ``up``, which starts no lower than ``low``, is too near to it."""
    distance = min(low.size, overlaps.get((low.key, up.key), low.size))
    return offsets[up.key] - offsets[low.key] < distance


def are_valid(items: Sequence[Item], offsets: Mapping[int, int], overlaps: Overlaps) -> bool:
    return all(
        not (collides(a, b, offsets, overlaps) and collides(b, a, offsets, overlaps))
        for number, a in enumerate(items)
        for b in items[:number]
        if a.first <= b.last and b.first <= a.last
    )


def fits(items: list[Item], overlaps: Overlaps, limit: int, placed: dict[int, int]) -> bool:
    """Tries every offset for every item."""
    if len(placed) == len(items):
        return True
    item = items[len(placed)]
    for offset in range(0, limit - item.size + 1, TENSOR_ALIGNMENT):
        offsets = placed | {item.key: offset}
        if are_valid(items[: len(offsets)], offsets, overlaps) and fits(items, overlaps, limit, offsets):
            return True
    return False


@pytest.mark.parametrize("seed", range(150))
def test_as_small_as_brute_force_finds_them(seed: int) -> None:
    items, overlaps = small_problem(Random(seed))
    placement = place(items, overlaps)
    assert placement.bound == placement.total
    assert fits(items, overlaps, placement.total, {})
    assert not fits(items, overlaps, placement.total - TENSOR_ALIGNMENT, {})
    assert exceeds(items, overlaps, placement.total - 1)
    assert not exceeds(items, overlaps, placement.total)


def test_brute_force_saw_problems_that_are_harder_than_their_lower_bound() -> None:
    problems = [small_problem(Random(seed)) for seed in range(150)]
    assert sum(place(*each).total > lower_bound(*each) for each in problems) >= 10


@pytest.mark.parametrize("seed", range(40))
def test_large_placements_are_valid_and_optimal(seed: int) -> None:
    random = Random(seed)
    items, overlaps = problem(random, random.randint(5, 60), 60, 0.3)
    placement = place(items, overlaps)
    assert placement.offsets.keys() == {item.key for item in items}
    assert all(offset >= 0 and offset % TENSOR_ALIGNMENT == 0 for offset in placement.offsets.values())
    assert are_valid(items, placement.offsets, overlaps)
    assert placement.total == max(placement.offsets[item.key] + item.size for item in items)
    assert lower_bound(items, overlaps) <= placement.bound == placement.total


@pytest.mark.parametrize("seed", range(20))
def test_with_no_effort_placements_are_valid_and_their_bound_is_one(seed: int) -> None:
    items, overlaps = problem(Random(seed), 12, 60, 0.5)
    best, quick = place(items, overlaps), place(items, overlaps, most_nodes=0)
    assert are_valid(items, quick.offsets, overlaps)
    assert quick.bound <= best.bound == best.total <= quick.total


def test_the_same_every_time() -> None:
    items, overlaps = problem(Random(3), 40, 60, 0.5)
    assert place(items, overlaps) == place(list(items), dict(overlaps))


def test_outputs_below_their_inputs_need_room_to_go_down() -> None:
    """Each of two steps alone takes 1824 bytes, but the second output lies twice 144 bytes below the first input."""
    items = [Item(0, 1664, 0, 0), Item(1, 1664, 0, 1), Item(2, 832, 1, 1), Item(-1, 16, 0, 0), Item(-2, 16, 1, 1)]
    overlaps = {(1, 0): 144, (2, 1): 144}
    assert lower_bound(items, overlaps) == 1824
    assert place(items, overlaps).total == 1664 + 2 * 144
    assert place(items, {(1, 0): 131, (2, 1): 144}).total == 1664 + 2 * 144, "tensors start at multiples of 16"


def test_nothing_takes_nothing() -> None:
    assert place([], {}) == ({}, 0, 0)
    empty = Item(1, 0, 0, 1)
    assert place([empty], {}).total == 0
    items = [Item(0, 32, 0, 1), empty, Item(2, 16, 1, 1)]
    assert place(items, {(1, 0): 16, (2, 1): 0}).total == 48


def test_very_many_items_are_placed_without_a_search() -> None:
    random = Random(1)
    items = [
        Item(key, TENSOR_ALIGNMENT * random.randint(1, 9), key // 2, key // 2 + 1) for key in range(MOST_ITEMS + 1)
    ]
    placement = place(items, {})
    assert are_valid(items, placement.offsets, {})
    assert placement.bound == lower_bound(items, {}) <= placement.total < 2 * placement.bound
