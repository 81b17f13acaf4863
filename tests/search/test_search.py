"""The search against brute force: every path of random DAGs, every plan of random small networks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

import pytest

from testing.layers import Geometry, Layers, Weighting
from tflm_msf.arena import WHEEL64, predict
from tflm_msf.blocks.block import Candidate
from tflm_msf.blocks.schedule import Schedule, schedules
from tflm_msf.blocks.space import BlockSpace
from tflm_msf.graph import Model
from tflm_msf.network.units import Network, build_network
from tflm_msf.plan import make_plan
from tflm_msf.program.assemble import assemble
from tflm_msf.search.dag import find_edges
from tflm_msf.search.edge import Edge
from tflm_msf.search.front import pareto_front
from tflm_msf.search.placing import Placer
from tflm_msf.search.shortest import Point, Search

NO_LIMIT = 1 << 40

Path = tuple[Edge, ...]


class Cost(NamedTuple):
    """What a plan is judged by: bytes of head and of blocks' shares of the tail, and MACs."""

    total: int
    macs: int


def costs(points: Sequence[Point], tail_per_edge: int) -> list[Cost]:
    return [Cost(point.head + tail_per_edge * len(point.edges), point.macs) for point in points]


def best_of(found: set[Cost]) -> list[Cost]:
    """Those that no other beats, least MACs first."""
    best: list[Cost] = []
    for cost in sorted(found, key=lambda cost: (cost.macs, cost.total)):
        if not best or cost.total < best[-1].total:
            best.append(cost)
    return best


def paths(edges: Sequence[Edge], cuts: int, start: int = 0) -> Iterator[Path]:
    if start == cuts:
        yield ()
    for edge in edges:
        if edge.first == start:
            yield from ((edge, *rest) for rest in paths(edges, cuts, edge.last + 1))


def random_edges(random: Random, cuts: int) -> list[Edge]:
    """Up to three blocks between any two cuts, or none; few different heads and MACs, so that there are ties."""
    edges = []
    for first in range(cuts):
        for last in range(first, cuts):
            for _ in range(random.choice([0, 1, 1, 2, 3])):
                head, macs = random.randint(1, 12) * 112, random.randint(0, 9)
                edges.append(Edge(first, last, head, macs, Candidate(first, last, Schedule(1), head, macs, (), 0)))
    return edges


class Neighbours:
    """Runs of blocks that take more than each of them: between some cuts it is the sum of what they take, or nearly."""

    def __init__(self, random: Random, edges: Sequence[Edge]) -> None:
        spans = sorted({(edge.first, edge.last) for edge in edges})
        chained = [(a, b) for a in spans for b in spans if b[0] == a[1] + 1]
        longer = [(*run, b) for run in chained for b in spans if b[0] == run[-1][1] + 1]
        runs: list[tuple[tuple[int, int], ...]] = [*chained, *longer]
        self.less = {run: random.choice([0, 112, 560]) for run in runs if random.random() < 0.4}

    def head(self, path: Path) -> int:
        """Bytes of all of the path, found by looking at every run of two or three blocks in it."""
        heads = [edge.head for edge in path]
        for length in (2, 3):
            for start in range(len(path) - length + 1):
                run = path[start : start + length]
                less = self.less.get(tuple((edge.first, edge.last) for edge in run))
                if less is not None:
                    heads.append(sum(edge.head for edge in run) - less)
        return max(heads)

    def exceeds(self, run: Path, limit: int) -> bool:
        return self.head(run) > limit


@pytest.mark.parametrize("tail_per_edge", [0, 136, 1000])
@pytest.mark.parametrize("block", range(10))
def test_the_front_of_random_dags_is_that_of_all_paths(tail_per_edge: int, block: int) -> None:
    for seed in range(20 * block, 20 * block + 20):
        random = Random(seed)
        cuts = random.randint(1, 6)
        edges = random_edges(random, cuts)
        found = set()
        for path in paths(edges, cuts):
            head, macs = max(edge.head for edge in path), sum(edge.macs for edge in path)
            found.add(Cost(head + tail_per_edge * len(path), macs))
        front = pareto_front(edges, cuts, tail_per_edge)
        assert costs(front, tail_per_edge) == best_of(found), f"seed {seed}"
        assert all(point.head == max(edge.head for edge in point.edges) for point in front)


@pytest.mark.parametrize("tail_per_edge", [0, 136])
@pytest.mark.parametrize("block", range(10))
def test_the_front_of_dags_with_conflicts_is_that_of_all_paths(tail_per_edge: int, block: int) -> None:
    harder = 0
    for seed in range(20 * block, 20 * block + 20):
        random = Random(seed)
        cuts = random.randint(2, 5)
        edges = random_edges(random, cuts)
        neighbours = Neighbours(random, edges)
        found = {
            Cost(neighbours.head(path) + tail_per_edge * len(path), sum(edge.macs for edge in path))
            for path in paths(edges, cuts)
        }
        front = costs(pareto_front(edges, cuts, tail_per_edge, neighbours), tail_per_edge)
        assert front == best_of(found), f"seed {seed}"
        harder += front != costs(pareto_front(edges, cuts, tail_per_edge), tail_per_edge)
    assert harder > 0


def test_the_cheapest_path_has_the_fewest_edges_of_those_that_are_as_cheap() -> None:
    edges = [Edge(0, 0, 10, 1, None), Edge(1, 1, 10, 1, None), Edge(0, 1, 20, 2, None), Edge(0, 1, 5, 9, None)]
    search = Search(edges, 2)
    assert search.cheapest(20, 2) == Point(20, 2, (edges[2],))
    assert search.cheapest(19, 2) == Point(10, 2, (edges[0], edges[1]))
    assert search.cheapest(19, 1) == Point(5, 9, (edges[3],))
    assert search.cheapest(4, 2) is None


def test_a_dag_that_leads_nowhere_has_no_front() -> None:
    assert pareto_front([], 1, 136) == []
    assert pareto_front([Edge(0, 0, 16, 1, None)], 2, 136) == []


def small_network(random: Random) -> Model:
    """Two to four operators: wide and narrow maps in turn, paddings, which grow a map, and residual connections."""
    layers = Layers(random)
    x = layers.input(1, random.randint(3, 9), random.choice([1, 2, 3, 4, 8]), random.randint(1, 6))
    kinds = ["expand", "depthwise", "project"] if random.random() < 0.3 else []
    goal = random.randint(2, 4)
    while len(layers.model([x]).main.ops) < goal:
        x = _add_operator(layers, random, x, kinds.pop(0) if kinds else random.choice(KINDS))
    return layers.model([x])


KINDS = ("expand", "project", "conv", "depthwise", "depthwise", "pad", "relu", "residual", "gate")


def _add_operator(layers: Layers, random: Random, x: int, kind: str) -> int:
    geometry = Geometry((random.choice([2, 3, 5]), random.choice([1, 3, 5])), (random.choice([1, 1, 2]), 1))
    if kind in ("expand", "project"):
        return layers.conv(x, random.randint(1, 6) * (10 if kind == "expand" else 1), Geometry((1, 1)), Weighting())
    if kind == "conv":
        return layers.conv(x, random.randint(1, 8), geometry, Weighting())
    if kind == "depthwise":
        return layers.depthwise(x, 1, geometry, Weighting())
    if kind == "pad":
        return layers.pad(x, *(random.randint(0, 1) for _ in range(4)))
    if kind == "relu":
        return layers.relu(x)
    if kind == "gate":
        return layers.mul(x, layers.mean(x, keep_dims=True))
    return layers.add(x, layers.depthwise(x, 1, Geometry((3, 3)), Weighting()))


def all_edges(network: Network) -> list[Edge]:
    """Every block with every tile width, none left out as useless."""
    space = BlockSpace(network)
    return [
        Edge(found.first, found.last, 0, found.macs, found)
        for last in range(len(network.units))
        if schedules(network, last)
        for found in space.candidates(last, schedules(network, last), NO_LIMIT)
    ]


@pytest.mark.parametrize("tail_per_edge", [0, WHEEL64.block_bytes])
@pytest.mark.parametrize("block", range(10))
def test_the_front_of_random_networks_is_that_of_all_plans(tail_per_edge: int, block: int) -> None:
    for seed in range(10 * block, 10 * block + 10):
        network = build_network(small_network(Random(seed)).main)
        placer, cuts = Placer(network), len(network.units)
        found = {
            Cost(placer.head(path) + tail_per_edge * len(path), sum(edge.macs for edge in path))
            for path in paths(all_edges(network), cuts)
        }
        front = pareto_front(find_edges(network), cuts, tail_per_edge, placer)
        assert costs(front, tail_per_edge) == best_of(found), f"seed {seed}"


def test_random_networks_include_plans_that_take_more_than_each_of_their_blocks() -> None:
    networks = [build_network(small_network(Random(seed)).main) for seed in range(100)]
    placed = [pareto_front(find_edges(n), len(n.units), 0, Placer(n)) for n in networks]
    alone = [pareto_front(find_edges(n), len(n.units), 0) for n in networks]
    assert sum(costs(a, 0) != costs(b, 0) for a, b in zip(placed, alone, strict=True)) >= 3
    assert sum(len(front) > 1 for front in placed) >= 8


@pytest.mark.parametrize("seed", range(8))
def test_blocks_shares_of_the_tail_are_what_tflm_takes(seed: int) -> None:
    """The search may count the same for every block: up to rounding to 16 bytes, nothing else in a plan matters."""
    model = small_network(Random(seed))
    network = build_network(model.main)
    shares = set()
    for path in paths(find_edges(network), len(network.units)):
        tail = predict(assemble(model, network, make_plan(network, path)), WHEEL64).tail
        shares.add(tail - WHEEL64.block_bytes * len(path))
    assert max(shares) - min(shares) <= 8
