"""The compiled core decides as the Python search does that defines it, step by step."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

import pytest

from tflm_msf.arena.placement import compiled as core
from tflm_msf.arena.placement import dbm, offsets
from tflm_msf.arena.placement.compiled import search_compiled
from tflm_msf.arena.placement.dbm import CutShortError, Pair, Span, ZoneSearch
from tflm_msf.arena.placement.offsets import Item
from tflm_msf.core import load_core
from tflm_msf.sizes import TENSOR_ALIGNMENT

Problem = tuple[list[Span], dict[Pair, int]]


def problem(random: Random, steps: int) -> Problem:
    """Tensors and workspaces of a chain of blocks with some later readers; outputs may lie over inputs."""
    spans, distances = [], {}
    for tensor in range(steps + 1):
        last = min(steps - 1, tensor + (random.randint(1, 3) if random.random() < 0.5 else 0))
        spans.append(Span(TENSOR_ALIGNMENT * random.randint(1, 60), max(tensor - 1, 0), last))
        if tensor and spans[tensor - 1].last == tensor - 1 and random.random() < 0.7:
            distances[tensor, tensor - 1] = min(TENSOR_ALIGNMENT * random.randint(0, 60), spans[tensor].size)
    spans += [
        Span(TENSOR_ALIGNMENT * random.randint(1, 60), step, step) for step in range(steps) if random.random() < 0.8
    ]
    order = list(range(len(spans)))
    random.shuffle(order)
    place = {item: index for index, item in enumerate(order)}
    return [spans[item] for item in order], {(place[a], place[b]): least for (a, b), least in distances.items()}


def result_of(search: Callable[[], list[int] | None]) -> list[int] | str | None:
    try:
        return search()
    except CutShortError:
        return "cut short"


def live_bytes(spans: list[Span]) -> int:
    steps = range(max(span.last for span in spans) + 1)
    return max(sum(span.size for span in spans if span.first <= step <= span.last) for step in steps)


def test_the_core_decides_as_its_definition() -> None:
    compiled = load_core()
    assert compiled is not None, "a development install compiles it"
    seen = []
    for seed in range(250):
        random = Random(seed)
        spans, distances = problem(random, random.randint(1, 20))
        most = live_bytes(spans)
        limit = max(most - TENSOR_ALIGNMENT * random.choice([0, 0, 4, 16]), *(span.size for span in spans))
        for nodes in (5, 150):
            expected = result_of(ZoneSearch(spans, distances, limit, nodes).run)
            found = result_of(partial(search_compiled, compiled, spans, distances, limit, nodes))
            assert found == expected, f"seed {seed}"
            seen.append("found" if isinstance(expected, list) else expected)
    assert min(seen.count(outcome) for outcome in ("found", "cut short", None)) >= 10


@pytest.mark.parametrize("most_held", [40, 150, 600])
def test_both_give_wide_problems_up_at_the_same_size(monkeypatch: pytest.MonkeyPatch, most_held: int) -> None:
    compiled = load_core()
    assert compiled is not None
    monkeypatch.setattr(dbm, "MOST_HELD", most_held)
    monkeypatch.setattr(core, "MOST_HELD", most_held)
    given_up = 0
    for seed in range(60):
        random = Random(seed)
        spans, distances = problem(random, random.randint(1, 20))
        limit = live_bytes(spans)
        expected = result_of(ZoneSearch(spans, distances, limit, 500).run)
        assert result_of(partial(search_compiled, compiled, spans, distances, limit, 500)) == expected
        given_up += expected == "cut short"
    assert given_up >= 1


def test_nothing_has_a_place_in_both() -> None:
    compiled = load_core()
    assert compiled is not None
    assert search_compiled(compiled, [], {}, 0, 1) == ZoneSearch([], {}, 0, 1).run() == []


def test_placements_are_the_same_without_the_core(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = []
    for seed in range(30):
        spans, distances = problem(Random(seed), 8)
        problems.append(([Item(key, *span) for key, span in enumerate(spans)], distances))
    compiled = [offsets.place(*each, 200) for each in problems]
    monkeypatch.setattr(offsets, "load_core", lambda: None)
    assert [offsets.place(*each, 200) for each in problems] == compiled


@pytest.mark.parametrize("seed", range(150))
def test_items_are_put_down_alike_without_the_core(seed: int) -> None:
    random = Random(seed)
    spans, distances = problem(random, random.randint(1, 30))
    items = [Item(key, *span) for key, span in enumerate(spans)]
    for _ in range(5):
        random.shuffle(items)
        assert offsets._in_order(items, distances) == offsets._in_order_defined(items, distances)
