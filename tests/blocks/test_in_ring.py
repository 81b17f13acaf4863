"""Chunks that lie in the ring that their group makes: on random narrow maps, against the walk and on the kernels."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from testing.layers import Geometry, Weighting
from testing.operators import MoreLayers
from tests.blocks.test_walk import NO_LIMIT, differ
from tests.blocks.walk import Walk, rings_of
from tflm_msf.blocks.block import Block
from tflm_msf.blocks.schedule import schedules
from tflm_msf.blocks.scratch import with_scratch
from tflm_msf.blocks.space import BlockSpace
from tflm_msf.format import Order
from tflm_msf.graph import Model
from tflm_msf.network.units import Network, build_network

NETWORKS = 24
MOST_BLOCKS = 6
OVER = ("LEAKY_RELU", "LOGISTIC", "TANH", "HARD_SWISH")


def narrow(random: Random) -> Model:
    """Windows along one axis, tables and sums between them; maps of few rows, or of few columns."""
    layers = MoreLayers(random)
    x = layers.input(1, random.randint(1, 6), random.randint(1, 20), random.randint(1, 3))
    for _ in range(random.randint(2, 4)):
        _, h, w, _ = layers.shape(x)
        kernel = random.randint(1, min(h, 5)), random.randint(1, min(w, 5))
        geometry = Geometry(kernel, random.choice([(1, 1), kernel]), same=random.random() < 0.5)
        if random.random() < 0.3:
            x = layers.average_pool(x, geometry)
        elif random.random() < 0.5:
            x = layers.depthwise(x, 1, geometry, Weighting())
        else:
            x = layers.conv(x, random.randint(1, 5), geometry, Weighting())
        if random.random() < 0.7:
            y = layers.activation(random.choice(OVER), x)
            x = layers.add(x, y) if random.random() < 0.3 else y
    return layers.model([x])


def chunks_in_rings(block: Block) -> list[int]:
    """Numbers of the groups whose last chunk lies in the ring that they make."""
    places = {buffer.tensor: buffer for buffer in block.buffers}
    found = []
    for number, group in enumerate(block.groups[:-1]):
        last = block.network.stage(group.units[-1])
        source, ring = places.get(last.inputs[0]), places.get(last.output)
        if source is not None and ring is not None and source.is_chunk and source.offset == ring.offset:
            found.append(number)
    return found


def apart(block: Block) -> Block:
    """The block with all chunks behind everything else, each by itself."""
    channels = {
        block.network.stage(u).output: block.network.stage(u).output_map.c for g in block.groups for u in g.units
    }
    end, buffers = block.candidate.workspace, []
    for buffer in block.buffers:
        buffers.append(buffer._replace(offset=end) if buffer.is_chunk else buffer)
        end += buffer.pixels * channels[buffer.tensor] if buffer.is_chunk else 0
    return replace(block, candidate=block.candidate._replace(workspace=end), buffers=tuple(buffers))


def blocks_of(model: Model, order: Order) -> tuple[Network, list[Block]]:
    net = build_network(model.main)
    space = BlockSpace(net)
    return net, [
        space.lay_out(found)
        for last in range(len(net.units))
        for schedule in schedules(net, last)
        for found in space.candidates(last, (schedule._replace(order=order),), NO_LIMIT)
        if found.last > found.first
    ]


@pytest.mark.parametrize("order", Order, ids=lambda order: order.name.lower())
def test_every_step_begins_where_the_ring_does_and_bits_are_the_same(order: Order) -> None:
    in_rings = 0
    for seed in range(NETWORKS):
        net, blocks = blocks_of(narrow(Random(seed)), order)
        for block in [block for block in blocks if chunks_in_rings(block)][:MOST_BLOCKS]:
            walk = Walk(block, rings_of(block))
            walk.run()
            assert all(walk.first_places[number] == {0} for number in chunks_in_rings(block))
            assert not differ(net, block, apart(block))
            in_rings += 1
    assert in_rings > 20


def test_scratch_lies_behind_rings_that_hold_chunks() -> None:
    for seed in range(NETWORKS):
        for block in blocks_of(narrow(Random(seed)), Order.ASKED)[1]:
            if chunks_in_rings(block):
                stages = {
                    block.network.stage(unit).output: block.network.stage(unit)
                    for unit in range(len(block.network.units))
                }
                ends = [b.offset + b.pixels * stages[b.tensor].output_map.c for b in block.buffers if not b.is_chunk]
                assert all(scratch.offset >= max(ends) for scratch in with_scratch(block, 1 << 20).scratch)
