"""What is called proved is the least of all execution orders and plans; what time cut short is not called so."""

from __future__ import annotations

from itertools import permutations
from random import Random

import pytest

from testing.layers import Geometry, Layers, Weighting
from tflm_msf.blocks.schedule import CHUNKS
from tflm_msf.graph import Model
from tflm_msf.network.orders import MOST_ORDERS, execution_orders
from tflm_msf.network.units import Network, build_network
from tflm_msf.planner import Planner
from tflm_msf.request import Request
from tflm_msf.search.dag import find_edges
from tflm_msf.search.front import Doubt, is_proved, pareto_front
from tflm_msf.search.placing import Placer

TAIL_ROUNDED = 32
"""Bytes that more blocks may take less for the search, which counts as much tail for each, and not in fact."""

POINT, WINDOW = Geometry((1, 1)), Geometry((3, 3))


def branched(seed: int) -> Model:
    """Two branches of one to three operators that are added up, between a first operator and a last one."""
    random = Random(seed)
    layers = Layers(random)
    x = layers.conv(layers.input(1, 6, 6, 2), random.randint(2, 9), WINDOW, Weighting())
    ends, channels = [], random.randint(1, 4)
    for _ in range(2):
        y = x
        for _ in range(random.randint(0, 2)):
            y = layers.conv(y, random.randint(1, 12), random.choice([POINT, WINDOW]), Weighting())
        ends.append(layers.conv(y, channels, POINT, Weighting()))
    return layers.model([layers.conv(layers.add(*ends), 3, WINDOW, Weighting())])


def is_order(network: Network, order: tuple[int, ...]) -> bool:
    position = {unit: place for place, unit in enumerate(order)}
    return all(
        position[network.producer[tensor]] < position[index]
        for index, unit in enumerate(network.units)
        for tensor in unit.inputs
        if tensor in network.producer
    )


def test_all_orders_are_searched_where_they_are_few() -> None:
    several = 0
    for seed in range(20):
        network = build_network(branched(seed).main)
        if len(network.units) > 7:
            continue
        possible = [o for o in permutations(range(len(network.units))) if is_order(network, o)]
        orders = execution_orders(network)
        assert orders.are_all == (len(possible) <= MOST_ORDERS)
        if orders.are_all:
            found = {tuple(network.units.index(unit) for unit in each.units) for each in orders.networks}
            assert found == set(possible) and orders.networks[0] is network
            several += len(possible) > 1
    assert several >= 5


@pytest.mark.parametrize("chunk", CHUNKS)
def test_a_proved_front_is_that_of_all_orders(chunk: int) -> None:
    better_than_own = 0
    for seed in range(12):
        planner = Planner.of_model(branched(seed), "model")
        orders = execution_orders(planner.network)
        if not orders.are_all:
            assert not any(choice.plan.proved for choice in planner.front)
            continue
        tail = planner.request.block_bytes
        costs = [
            {
                (p.macs, p.head + tail * len(p.edges))
                for p in pareto_front(find_edges(n, chunk=chunk), len(n.units), tail, Placer(n))
            }
            for n in orders.networks
        ]
        best = _undominated(set().union(*costs))
        choices = planner.front_in((chunk,))
        front = _undominated({(c.plan.macs, c.plan.head + tail * len(c.plan.steps)) for c in choices})
        assert front <= best, f"seed {seed}"
        for macs, total in best - front:
            assert any(m <= macs and t - total <= TAIL_ROUNDED for m, t in front), f"seed {seed}"
        assert all(choice.plan.proved for choice in choices)
        better_than_own += best != _undominated(costs[0])
    assert better_than_own >= 1 or chunk == 1


def _undominated(costs: set[tuple[int, int]]) -> set[tuple[int, int]]:
    return {
        one for one in costs if not any(other != one and other[0] <= one[0] and other[1] <= one[1] for other in costs)
    }


def test_what_remains_open_counts_against_plans_that_it_could_beat() -> None:
    doubts = [Doubt(macs=100, total=5_000)]
    assert is_proved(99, 9_000, doubts), "the other needs more MACs"
    assert is_proved(100, 5_000, doubts), "the other takes no less"
    assert not is_proved(100, 5_001, doubts)


def test_a_search_without_time_has_a_plan_that_is_not_proved() -> None:
    model = branched(1)
    hurried = Planner.of_model(model, "model", Request(time_limit=0))
    assert hurried.front and not any(choice.plan.proved for choice in hurried.front)
    least = min(choice.needed for choice in Planner.of_model(model, "model").front)
    assert least <= min(choice.needed for choice in hurried.front)


def test_a_search_says_what_it_does() -> None:
    heard: list[str] = []
    assert Planner.of_model(branched(1), "model", say=heard.append).front
    assert any("operator" in said for said in heard) and any("plans" in said for said in heard)
