"""What the walk leaves out takes more than it may, and nothing else is left out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from random import Random

from testing.layers import Geometry, Layers, Weighting
from tflm_msf.blocks.rings import RingSizes
from tflm_msf.blocks.schedule import Schedule, schedules
from tflm_msf.blocks.walk import BlockWalk
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


def walk(network: Network, last: int, among: Sequence[Schedule]) -> BlockWalk:
    return BlockWalk(network, RingSizes(network), last, among)


def test_a_limit_leaves_out_what_is_above_it_and_nothing_else() -> None:
    longer_and_smaller = left_out = 0
    for seed in range(60):
        network = widening(seed)
        for last in range(len(network.units)):
            among = schedules(network, last)
            everything = list(walk(network, last, among).candidates(NO_LIMIT))
            limit = Random(seed).choice([found.workspace for found in everything])
            kept = [found for found in everything if found.workspace <= limit or found.first == last]
            assert list(walk(network, last, among).candidates(limit)) == kept
            left_out += len(everything) - len(kept)
            for schedule in among:
                sizes = [found.workspace for found in everything if found.schedule == schedule]
                longer_and_smaller += any(after < before for before, after in pairwise(sizes))
    assert left_out >= 100
    assert longer_and_smaller >= 10, "no longer block that takes less: the walk may as well stop at the first too large"


def test_all_schedules_in_step_are_what_each_is_alone() -> None:
    for seed in range(20):
        network = widening(seed)
        for last in range(len(network.units)):
            among = schedules(network, last)
            together = list(walk(network, last, among).candidates(NO_LIMIT))
            for schedule in among:
                alone = list(walk(network, last, (schedule,)).candidates(NO_LIMIT))
                assert [found for found in together if found.schedule == schedule] == alone
