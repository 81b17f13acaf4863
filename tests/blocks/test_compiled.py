"""The compiled walk finds the blocks that its definition in Python finds."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from benchmarks.families import FAMILIES
from testing.networks import random_network
from tests.blocks.test_in_ring import NETWORKS, narrow
from tests.kinds import KINDS
from tests.kinds import network as model_of_kind
from tests.time_series import time_series
from tflm_msf.blocks import space as module
from tflm_msf.blocks.compiled import CompiledWalks
from tflm_msf.blocks.rings import RingSizes
from tflm_msf.blocks.schedule import CHUNKS, Schedule, schedules
from tflm_msf.blocks.walk import BlockWalk, Walked
from tflm_msf.core import load_core
from tflm_msf.format import Order
from tflm_msf.network.units import Network, build_network
from tflm_msf.planner import Planner
from tflm_msf.request import LEAST_HOP, Request
from tflm_msf.search.dag import find_edges
from tflm_msf.search.edge import Edge
from tflm_msf.search.memory import Memory

LIMITS = (-1, 0, 300, 5_000, 1 << 40)


def walked(network: Network, sizes: RingSizes, last: int, among: tuple[Schedule, ...], limit: int) -> Walked:
    walk = BlockWalk(network, sizes, last, among)
    blocks = list(walk.candidates(limit))
    return Walked(blocks, walk.reached, walk.was_limited)


def assert_the_core_is_right(network: Network) -> None:
    core = load_core()
    assert core is not None
    sizes = RingSizes(network)
    walks = CompiledWalks(core, network, sizes)
    for last in range(len(network.units)):
        among = schedules(network, last)
        short = [schedules(network, last, chunk) for chunk in CHUNKS[1:]]
        ways = (among, tuple(each._replace(order=Order.CHUNKS) for each in among[:2]), among[-1:], *short)
        for way in filter(None, ways):
            for limit in LIMITS:
                assert walks.run(last, way, limit) == walked(network, sizes, last, way, limit)


def edges_of(network: Network, monkeypatch: pytest.MonkeyPatch, is_compiled: bool) -> list[Edge]:
    with monkeypatch.context() as patched:
        if not is_compiled:
            patched.setattr(module, "load_core", lambda: None)
        return find_edges(network, memory=Memory())


def networks() -> Iterator[Network]:
    yield from (build_network(random_network(Random(seed)).main) for seed in range(60))
    yield from (build_network(narrow(Random(seed)).main) for seed in range(NETWORKS))
    yield from (build_network(family(21).main) for family in FAMILIES.values())


@pytest.mark.parametrize("seed", range(60))
def test_random_networks(seed: int) -> None:
    assert_the_core_is_right(build_network(random_network(Random(seed)).main))


@pytest.mark.parametrize("kind", KINDS)
def test_kinds(kind: str) -> None:
    assert_the_core_is_right(build_network(model_of_kind(kind).main))


@pytest.mark.parametrize("family", FAMILIES)
def test_families(family: str) -> None:
    assert_the_core_is_right(build_network(FAMILIES[family](21).main))


def test_edges_are_the_same_without_the_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the core leaves out because another block is better is what the search leaves out."""
    for network in networks():
        assert edges_of(network, monkeypatch, True) == edges_of(network, monkeypatch, False)


def test_no_schedule_gives_no_block() -> None:
    network = build_network(random_network(Random(0)).main)
    core = load_core()
    assert core is not None
    assert CompiledWalks(core, network, RingSizes(network)).run(0, (), 1 << 40) == Walked([], 1, False)


@pytest.mark.parametrize("seed", range(12))
def test_steps_that_keep_rows(seed: int) -> None:
    model = time_series(seed)
    assert_the_core_is_right(Planner.of_model(model, "m", Request(stateful=LEAST_HOP)).network)
