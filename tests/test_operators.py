"""Random networks of all kinds of operators: the bits of stock TFLM, whatever the schedule."""

from __future__ import annotations

from random import Random

import pytest

from testing.operators import MoreLayers
from testing.wide_networks import random_wide_network
from tests.exactness import Original, blocks_to, pareto_paths, random_path


def assert_exact(seed: int) -> None:
    random = Random(seed)
    original = Original(random_wide_network(random))
    paths = [*pareto_paths(original.network, most=4), *(random_path(original.network, random) for _ in range(2))]
    try:
        for path in dict.fromkeys(paths):
            original.assert_exact(path)
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}") from error


@pytest.mark.parametrize("first_seed", range(0, 100, 25))
def test_networks(first_seed: int) -> None:
    for seed in range(first_seed, first_seed + 25):
        assert_exact(seed)


@pytest.mark.slow
@pytest.mark.parametrize("first_seed", range(100, 2000, 50))
def test_many_networks(first_seed: int) -> None:
    for seed in range(first_seed, first_seed + 50):
        assert_exact(seed)


def test_a_pixel_that_scales_a_whole_map_is_not_overwritten() -> None:
    layers = MoreLayers(Random(0))
    x, gate = layers.input(1, 10, 5, 15), layers.input(1, 1, 1, 15)
    network = Original(layers.model([layers.mul(x, layers.relu(gate)), layers.relu(x)])).network
    alone = [edge.block for edge in blocks_to(network, 1) if edge.block and edge.first == 1]
    assert alone
    assert all(block.overlap_input is None or block.overlap >= 10 * 5 * 15 for block in alone)
