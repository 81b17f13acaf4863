"""Plans whose blocks are made faster where the arena has room for it."""

from __future__ import annotations

from random import Random

from testing.layers import Geometry, Layers, Weighting
from testing.wide_networks import random_wide_network
from tests.exactness import Original, rescheduled
from tflm_msf.cost.time_model import instructions, load_costs
from tflm_msf.cost.work import work_of
from tflm_msf.format import Order
from tflm_msf.network.units import Network, build_network
from tflm_msf.plan import Plan, make_plan
from tflm_msf.relax import Relaxing
from tflm_msf.search.dag import find_edges
from tflm_msf.search.edge import Edge
from tflm_msf.search.front import search_front
from tflm_msf.search.placing import Placer

COSTS = load_costs()["m4"]
MUCH = 1 << 30


def path_of(network: Network) -> tuple[Edge, ...]:
    """The least arena."""
    units = len(network.units)
    return search_front(find_edges(network), units, 136, Placer(network)).points[-1].edges


def time(plan: Plan) -> float:
    return instructions(work_of(plan), COSTS)


def two_blocks(seed: int) -> Network:
    """A front of wide maps that holds the peak, and a long tail of small ones that has room."""
    layers = Layers(Random(seed))
    x = layers.input(1, 40, 40, 4)
    for stride in (1, 2, 1, 2, 1, 2, 1, 1):
        x = layers.depthwise(
            layers.conv(x, 8, Geometry((1, 1)), Weighting()), 1, Geometry((3, 3), (stride, stride)), Weighting()
        )
    return build_network(layers.model([x]).main)


def test_no_arena_more_and_no_time_more() -> None:
    faster = 0
    for seed in range(40):
        network = build_network(random_wide_network(Random(seed)).main)
        path = path_of(network)
        plain, plan = make_plan(network, path), Relaxing(network, COSTS).plan(path, True)
        assert plan.head <= plain.head and plan.macs == plain.macs and plan.proved
        assert time(plan) <= time(plain)
        faster += time(plan) < time(plain)
    assert faster >= 3


def test_each_block_alone_could_not_be_faster_in_the_same_arena() -> None:
    """Against all schedules of each block, its tensors and all other steps being where they are."""
    compared = 0
    for seed in range(20):
        network = build_network(random_wide_network(Random(seed)).main)
        relaxing, path = Relaxing(network, COSTS), path_of(network)
        plan = relaxing.plan(path, True)
        edges = tuple(step.edge for step in plan.steps)
        for step, edge in enumerate(edges):
            for way in range(6):
                other = rescheduled(network, edge, Random(way))
                changed = make_plan(network, (*edges[:step], other, *edges[step + 1 :]))
                if changed.offsets == plan.offsets:
                    compared += other != edge
                    assert changed.head > plan.head or time(changed) >= time(plan)
    assert compared >= 20


def test_where_there_is_room_all_blocks_make_whole_chunks() -> None:
    network = two_blocks(1)
    path = path_of(network)
    assert {edge.block.schedule.order for edge in path if edge.block} == {Order.ASKED}
    fast = Relaxing(network, COSTS).plan(path, True, MUCH)
    assert time(fast) < time(make_plan(network, path))
    orders = [block.candidate.schedule.order for block in fast.blocks if len(block.groups) > 1]
    assert orders and set(orders) == {Order.CHUNKS}


def test_relaxed_plans_are_exact_and_as_large_as_predicted() -> None:
    for seed in range(12):
        original = Original(random_wide_network(Random(seed)))
        path = path_of(original.network)
        plan = Relaxing(original.network, COSTS).plan(path, True)
        original.assert_exact(tuple(step.edge for step in plan.steps))
