"""What the walk leaves out takes more than it may, and nothing else is left out."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from tests.layers import Geometry, Layers, Weighting
from tflm_msf.blocks.block import BlockWalk, LinesKept, tile_widths
from tflm_msf.network.units import Network, build_network

NO_LIMIT = 1 << 40
WIDE, NARROW = 700, 4


def widening(seed: int) -> Network:
    """Few and very many channels in turn: chunks of the wide ones are short."""
    random = Random(seed)
    layers = Layers(random)
    x = layers.input(1, random.randint(2, 6), random.randint(2, 8), NARROW)
    for _ in range(random.randint(2, 5)):
        channels = random.choice([NARROW, 60, 300, WIDE])
        if random.random() < 0.3:
            x = layers.depthwise(x, 1, Geometry((3, 3)), Weighting())
        else:
            x = layers.conv(x, channels, Geometry((1, 1)), Weighting())
    return build_network(layers.model([x]).main)


def walk(network: Network, last: int, *widths: int) -> BlockWalk:
    return BlockWalk(network, LinesKept(network), last, *widths)


def test_a_limit_leaves_out_what_is_above_it_and_nothing_else() -> None:
    longer_and_smaller = left_out = 0
    for seed in range(60):
        network = widening(seed)
        for last in range(len(network.units)):
            widths = tile_widths(network, last)
            everything = list(walk(network, last, *widths).candidates(NO_LIMIT))
            limit = Random(seed).choice([found.workspace for found in everything])
            kept = [found for found in everything if found.workspace <= limit or found.first == last]
            assert list(walk(network, last, *widths).candidates(limit)) == kept
            left_out += len(everything) - len(kept)
            for width in widths:
                sizes = [found.workspace for found in everything if found.tile_w == width]
                longer_and_smaller += any(after < before for before, after in pairwise(sizes))
    assert left_out >= 100
    assert longer_and_smaller >= 10, "no longer block that takes less: the walk may as well stop at the first too large"


def test_all_widths_in_step_are_what_each_is_alone() -> None:
    for seed in range(20):
        network = widening(seed)
        for last in range(len(network.units)):
            widths = tile_widths(network, last)
            together = list(walk(network, last, *widths).candidates(NO_LIMIT))
            for width in widths:
                alone = list(walk(network, last, width).candidates(NO_LIMIT))
                assert [found for found in together if found.tile_w == width] == alone
