"""Paths clear of no-goods: the compiled core finds what its definition finds, however often it is cut short."""

from __future__ import annotations

from random import Random

import pytest

from tests.search.test_rest import random_edges
from tflm_msf.blocks.block import Candidate
from tflm_msf.blocks.schedule import Schedule
from tflm_msf.search import shortest as module
from tflm_msf.search.edge import Edge
from tflm_msf.search.effort import UNLIMITED, Effort
from tflm_msf.search.shortest import GivenUpError, Point, Search

CUTS = 10


def block(first: int, last: int, head: int, macs: int) -> Edge:
    """An edge that is as easy to place as those between the same cuts with heads no smaller."""
    return Edge(first, last, head, macs, Candidate(first, last, Schedule(1), 16 * head, macs, (), 0))


def edges_of(random: Random) -> list[Edge]:
    """Several between the same cuts, and a way to the end below any limit but 0."""
    several = random_edges(random, CUTS) + random_edges(random, CUTS)
    return [block(*edge[:4]) for edge in several] + [Edge(cut, cut, 1, 9, None) for cut in range(CUTS)]


def found(search: Search, limit: int, most: int) -> Point | int | None:
    """The path, or the MACs that a search cut short has ruled out fewer than."""
    try:
        return search.cheapest(limit, most)
    except GivenUpError as error:
        return error.macs


def history(random: Random, edges: list[Edge], effort: Effort) -> list[Point | int | None]:
    """What a search finds that learns a run of most paths that it comes to."""
    search, points = Search(edges, CUTS, effort), []
    for _ in range(60):
        limit, most = random.randrange(9), random.randrange(1, CUTS + 1)
        point = found(search, limit, most)
        points.append(point)
        if isinstance(point, Point) and random.random() < 0.8:
            start = random.randrange(len(point.edges))
            run = point.edges[start : random.randrange(start, len(point.edges)) + 1]
            search.avoid(run, limit + random.randrange(1, 4))
    return points


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("states", [3, 20, module.MOST_STATES])
def test_the_core_finds_what_its_definition_finds(seed: int, states: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_STATES", states)
    edges = edges_of(Random(seed))
    compiled = history(Random(seed), edges, UNLIMITED)
    monkeypatch.setattr(module, "load_core", lambda: None)
    assert history(Random(seed), edges, UNLIMITED) == compiled


@pytest.mark.parametrize("is_compiled", [True, False])
def test_searches_end_when_time_is_over(is_compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not is_compiled:
        monkeypatch.setattr(module, "load_core", lambda: None)
    cuts = 30
    search = Search([block(cut, cut, 4 - macs, macs) for cut in range(cuts) for macs in range(4)], cuts, Effort(-1))
    for _ in range(500):
        point = found(search, 4, cuts)
        if isinstance(point, int):
            return
        assert point is not None
        search.avoid(point.edges, 5)
    pytest.fail("it goes on")
