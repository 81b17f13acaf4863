"""Scratch of operators that stay TFLM builtins counts in the search, as TFLM allocates it."""

from __future__ import annotations

from random import Random

from testing.layers import Geometry, Weighting
from testing.operators import MoreLayers
from tests.exactness import BLOCK_TAIL_BYTES, Original, random_path
from tflm_msf.graph import Model
from tflm_msf.network.units import Network
from tflm_msf.plan import make_plan
from tflm_msf.search.dag import find_edges
from tflm_msf.search.edge import Edge
from tflm_msf.search.front import pareto_front
from tflm_msf.search.placing import Placer

POINT = Geometry((1, 1))


def summed(seed: int) -> Model:
    """A map that a SUM over its channels reads, which no block has, and other layers around it."""
    random = Random(seed)
    layers = MoreLayers(random)
    x = layers.input(1, random.randint(4, 12), random.randint(4, 12), random.randint(1, 4))
    x = layers.conv(x, random.randint(2, 12), Geometry((3, 3)), Weighting())
    kept = layers.conv(x, random.randint(1, 4), POINT, Weighting())
    total = layers.sum(x, axes=random.choice([(3,), (1,), (2,), (1, 3)]))
    y = layers.conv(kept, random.randint(1, 8), Geometry((3, 3), (2, 2)), Weighting())
    return layers.model([layers.conv(total, 3, POINT, Weighting()), y])


def front_of(network: Network) -> list[tuple[Edge, ...]]:
    edges, units = find_edges(network), len(network.units)
    return [point.edges for point in pareto_front(edges, units, BLOCK_TAIL_BYTES, Placer(network))]


def test_heads_are_what_tflm_takes_scratch_included() -> None:
    decided = 0
    for seed in range(40):
        original = Original(summed(seed))
        for path in (*front_of(original.network), random_path(original.network, Random(seed))):
            original.assert_exact(path)
            plan = make_plan(original.network, path)
            assert plan.head == plan.head_bound, f"seed {seed}"
            decided += plan.head == max(edge.head for edge in path if edge.block is None)
    assert decided > 10, "scratch hardly ever matters"
