"""What lies between a cut and the end: the compiled core gives what its definition gives."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from tflm_msf.core import load_core
from tflm_msf.search import rest as module
from tflm_msf.search.edge import Edge
from tflm_msf.search.rest import OUT_OF_REACH, columns_of


def random_edges(random: Random, cuts: int) -> list[Edge]:
    """Edges with few different heads and MACs, so that there are ties; no way leads out of some cuts."""
    firsts = [first for first in range(cuts) if random.random() < 0.9]
    return [
        Edge(first, random.randrange(first, min(cuts, first + 6)), random.randrange(8), random.randrange(5), None)
        for first in firsts
        for _ in range(random.randrange(1, 8))
    ]


@pytest.mark.parametrize("seed", range(50))
def test_the_core_gives_what_its_definition_gives(seed: int) -> None:
    random = Random(seed)
    columns = columns_of(random_edges(random, 12), 12)
    core = load_core()
    assert core is not None
    for limit in range(8):
        for most in (0, 1, 3, 12):
            defined, compiled = module._defined(columns, limit, most), module._compiled(core, columns, limit, most)
            assert np.array_equal(defined.macs, compiled.macs)
            reached = defined.macs < OUT_OF_REACH
            assert np.array_equal(defined.edges[reached], compiled.edges[reached])


@pytest.mark.parametrize("seed", range(50))
def test_it_is_found_from_that_above(seed: int) -> None:
    """Each limit from the one before, some left out."""
    random = Random(seed)
    columns = columns_of(random_edges(random, 12), 12)
    above = None
    for limit in range(8, -1, -1):
        if random.random() < 0.3:
            continue
        defined, above = module._defined(columns, limit, 0), module.find_rest(columns, limit, 0, above)
        assert np.array_equal(defined.macs, above.macs)
        reached = defined.macs < OUT_OF_REACH
        assert np.array_equal(defined.edges[reached], above.edges[reached])


@pytest.mark.parametrize("seed", range(20))
def test_it_is_the_best_of_all_ways(seed: int) -> None:
    edges = random_edges(Random(seed), 7)
    rest = module.find_rest(columns_of(edges, 7), 5, 0)
    macs, counts = rest.macs, rest.edges

    def ways(cut: int) -> list[tuple[int, int]]:
        if cut == 7:
            return [(0, 0)]
        low = [edge for edge in edges if edge.first == cut and edge.head <= 5]
        return [(edge.macs + more, 1 + count) for edge in low for more, count in ways(edge.last + 1)]

    for cut in range(8):
        best = min(ways(cut), default=None)
        assert (int(macs[cut, 0]), int(counts[cut, 0])) == best if best else macs[cut, 0] == OUT_OF_REACH
