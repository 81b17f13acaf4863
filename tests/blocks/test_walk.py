"""Ring sizes, overlaps, workspace and MACs of random blocks, against a walk over their pixels that knows no formula."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import NamedTuple

import numpy as np
import pytest

from tests.blocks.walk import Walk, rings_of, works
from tests.kernels.library import Bytes, Status, aligned, invoke, prepare
from tests.kinds import KINDS, network
from tflm_msf.blocks.block import Block
from tflm_msf.blocks.schedule import CHUNK_PIXELS, CHUNKS, schedules
from tflm_msf.blocks.space import BlockSpace
from tflm_msf.format import Order
from tflm_msf.network.units import Network, build_network
from tflm_msf.ops import Stage
from tflm_msf.program.encode import encode

NO_LIMIT = 1 << 40
LONG_BLOCKS, ANY_BLOCKS = 3, 9
MOST_RINGS = 16
"""After so many rings there are enough blocks."""
ENGINE_BYTES = 16
"""Of workspace for each group (SPEC.md, *Workspace*)."""


class Spare(NamedTuple):
    """What some blocks of a network take more than the walk over their pixels needs.

    ``pixels``: of ``rings`` rings together, taken off one by one, each alone. ``overlap``: bytes that ``over`` outputs
    are further away from the input that they lie over. ``chunks`` in bytes.
    ``macs``: of pixels that are counted and never made, the rest of a row that is read up to its middle.
    """

    rings: int
    pixels: int
    over: int
    overlap: int
    chunks: int = 0
    macs: int = 0


SPARE_IN_CHUNKS = {
    "ssd_heads": Spare(7, 0, 10, 144),
    "feature_pyramid": Spare(6, 0, 11, 0),
    "yolo_with_route": Spare(12, 3, 12, 192),
    "fire_modules": Spare(17, 0, 12, 128),
    "u_net_resized": Spare(16, 37, 1, 0),
    "u_net_transposed": Spare(17, 50, 9, 0),
    "efficient_gates": Spare(21, 8, 0, 0),
    "hard_swish_gates": Spare(16, 4, 3, 0),
    "audio_along_time": Spare(16, 0, 3, 32),
    "audio_along_width": Spare(16, 0, 4, 32),
    "spectrogram": Spare(16, 0, 4, 96),
    "residual_prelu": Spare(16, 0, 9, 96),
    "residual_leaky": Spare(17, 15, 6, 48),
    "inverted_residuals": Spare(16, 14, 1, 0),
    "padded_constants": Spare(16, 1, 5, 48),
    "shuffled_halves": Spare(17, 24, 1, 0, 64, 0),
    "cropped": Spare(16, 8, 11, 160, 0, 1134),
    "focus": Spare(20, 14, 5, 0),
    "float_ends": Spare(10, 2, 7, 16),
    "uint8_ends": Spare(16, 10, 8, 160),
    "two_inputs": Spare(15, 0, 12, 128),
    "normalised": Spare(11, 0, 8, 0),
    "auto_encoder": Spare(18, 51, 8, 128),
    "spatial_pyramid": Spare(5, 1, 12, 64, 368, 0),
    "u_net_aligned": Spare(16, 50, 2, 0),
    "shuffled_groups": Spare(17, 21, 2, 0),
    "electrodes": Spare(17, 18, 3, 32),
}
SPARE: Mapping[Order, Mapping[str, Spare]] = {
    Order.CHUNKS: SPARE_IN_CHUNKS,
    Order.ASKED: SPARE_IN_CHUNKS
    | {
        name: SPARE_IN_CHUNKS[name]._replace(pixels=pixels)
        for name, pixels in {
            "yolo_with_route": 0,
            "u_net_resized": 44,
            "u_net_transposed": 57,
            "efficient_gates": 2,
            "residual_prelu": 12,
            "residual_leaky": 20,
            "inverted_residuals": 5,
            "padded_constants": 3,
            "shuffled_halves": 6,
            "cropped": 2,
            "float_ends": 1,
            "uint8_ends": 6,
            "auto_encoder": 54,
            "spatial_pyramid": 0,
            "u_net_aligned": 51,
            "shuffled_groups": 6,
            "electrodes": 0,
        }.items()
    }
    | {"cropped": SPARE_IN_CHUNKS["cropped"]._replace(pixels=2, macs=2916)},
}
"""Formulas grant a group what it may make more than it is asked for in full, up to three pixels on every way to a
reader, and an output the whole row that it is at; first fit leaves gaps between chunks that are joined later. Less may
be written here, more may not."""


AUDIBLE = ("feature_pyramid", "residual_prelu", "audio_along_time", "cropped", "float_ends")
"""Networks whose outputs differ whenever one pixel inside does. Those of the others are too often saturated."""


def blocks_of(name: str, order: Order = Order.ASKED, chunk: int = CHUNK_PIXELS) -> tuple[Network, list[Block]]:
    """The longest blocks of a network, and some others, in strips of any width; always the same ones."""
    net = build_network(network(name).main)
    space, random = BlockSpace(net), Random(name)
    found = [
        candidate
        for last in range(len(net.units))
        for schedule in schedules(net, last, chunk)
        for candidate in space.candidates(last, (schedule._replace(order=order),), NO_LIMIT)
        if candidate.last > candidate.first
    ]
    random.shuffle(found)
    found.sort(key=lambda candidate: candidate.first - candidate.last)
    chosen = [*found[:LONG_BLOCKS], *random.sample(found[LONG_BLOCKS:], min(ANY_BLOCKS, len(found) - LONG_BLOCKS))]
    blocks: list[Block] = []
    for block in map(space.lay_out, chosen):
        if not has_prefix(block) and sum(len(rings_of(other)) for other in blocks) < MOST_RINGS:
            blocks.append(block)
    return net, blocks


def has_prefix(block: Block) -> bool:
    """True where the output begins with bytes that another block has made: the walk does not know that."""
    last = block.network.units[block.groups[-1].units[-1]].stage
    assert last is not None
    return last.prefix is not None


def least(block: Block, tensor: int) -> int:
    """Pixels of a ring when one less would be too few."""
    rings = rings_of(block)
    pixels = rings[tensor]
    while pixels > 1 and works(block, {**rings, tensor: pixels - 1}):
        pixels -= 1
    return pixels


def distance(block: Block, walk: Walk) -> int:
    """Bytes that the overlapping input has to start behind the output, a multiple of 16."""
    names, source = block.network.copies, block.candidate.overlap_input
    return (
        -(-max(0, *(ahead for tensor, ahead in walk.ahead.items() if names.get(tensor, tensor) == source)) // 16) * 16
    )


def spare_of(block: Block) -> Spare:
    walk = Walk(block, rings_of(block))
    walk.run()
    candidate = block.candidate
    return Spare(
        len(walk.rings),
        sum(pixels - least(block, tensor) for tensor, pixels in walk.rings.items()),
        candidate.overlap_input is not None,
        0 if candidate.overlap_input is None else candidate.overlap - distance(block, walk),
        candidate.workspace - least_workspace(block, walk),
        candidate.macs - walk.macs,
    )


@pytest.mark.parametrize("order", Order, ids=lambda order: order.name.lower())
@pytest.mark.parametrize("name", KINDS)
def test_nothing_is_wasted(name: str, order: Order) -> None:
    spare = [spare_of(block) for block in blocks_of(name, order)[1]]
    assert min(min(found) for found in spare) >= 0
    assert Spare(*map(sum, zip(*spare, strict=True))) == SPARE[order][name]


@pytest.mark.parametrize("name", KINDS)
def test_making_what_is_asked_takes_no_more_bytes_and_no_more_macs(name: str) -> None:
    """So that the search leaves the other order out."""
    net = build_network(network(name).main)
    space = BlockSpace(net)
    for last in range(len(net.units)):
        found = {
            order: list(space.candidates(last, [each._replace(order=order) for each in schedules(net, last)], NO_LIMIT))
            for order in Order
        }
        for asked, chunks in zip(found[Order.ASKED], found[Order.CHUNKS], strict=True):
            assert asked.workspace <= chunks.workspace
            assert asked == chunks._replace(schedule=asked.schedule, workspace=asked.workspace)


@pytest.mark.parametrize("chunk", CHUNKS[1:])
@pytest.mark.parametrize("name", KINDS)
def test_rings_hold_what_short_chunks_need(name: str, chunk: int) -> None:
    for block in blocks_of(name, chunk=chunk)[1]:
        assert min(spare_of(block)) >= 0


@pytest.mark.parametrize("name", KINDS)
def test_shorter_chunks_take_no_more_bytes_and_no_more_macs(name: str) -> None:
    """So that shorter chunks are of use for less memory only."""
    net = build_network(network(name).main)
    space = BlockSpace(net)
    for last in range(len(net.units)):
        found = [list(space.candidates(last, schedules(net, last, chunk), NO_LIMIT)) for chunk in CHUNKS]
        for longer, shorter in pairwise(found):
            for one, other in zip(longer, shorter, strict=True):
                assert other.workspace <= one.workspace or has_chunk_in_ring(space.lay_out(one))
                assert other.overlap_input != one.overlap_input or other.overlap <= one.overlap
                assert one.macs == other.macs


def has_chunk_in_ring(block: Block) -> bool:
    """True where the last chunk of a group lies in the ring that is made of it, which it may if it is a whole row."""
    rings = {buffer.offset for buffer in block.buffers if not buffer.is_chunk}
    return any(buffer.is_chunk and buffer.offset in rings for buffer in block.buffers)


def least_workspace(block: Block, walk: Walk) -> int:
    """Progress records, sums of 4 bytes, rings, and the chunks of the group that needs most for them.

    A ring holds the chunk that its maker writes over, if every step of a walk begins where the ring does.
    """
    stages = {unit: stage for unit, stage in enumerate(unit.stage for unit in block.network.units) if stage}
    channels = {stage.output: stage.output_map.c for stage in stages.values()}
    sums = sum(stages[unit].output_map.c for group in block.groups for unit in group.units if stages[unit].reduces)
    rings = sum(pixels * channels[tensor] for tensor, pixels in rings_of(block).items())
    chunks = [
        group.chunk * most_alive([stages[unit] for unit in group.units], lies_in_ring=places == {0})
        for group, places in zip(block.groups, walk.first_places, strict=True)
    ]
    return ENGINE_BYTES * len(block.groups) + 4 * sums + rings + max(chunks)


def most_alive(stages: list[Stage], lies_in_ring: bool) -> int:
    """Channels of the chunks that a group holds at once; some operators write over their first input."""
    most, alive, last = 0, dict[int, int](), stages[-1]
    for stage in stages[:-1]:
        channels, first = stage.output_map.c, alive.get(stage.inputs[0])
        if lies_in_ring and writes_in_place(last) and [stage.output, channels] == [last.inputs[0], last.output_map.c]:
            channels = 0
        writes_over = writes_in_place(stage) and first == channels
        most = max(most, sum(alive.values()) + (0 if writes_over else channels))
        for source in stage.inputs:
            alive.pop(source, None)
        alive[stage.output] = channels
    return most


def writes_in_place(stage: Stage) -> bool:
    return stage.op.name in ("ADD", "SUB", "MUL", "TABLE")


@pytest.mark.parametrize("name", AUDIBLE)
def test_one_pixel_less_gives_other_bits(name: str) -> None:
    """On the kernels: the least ring gives the bits that the planned one does, and one pixel less does not."""
    net, blocks = blocks_of(name)
    rings = 0
    for block in blocks:
        for tensor in rings_of(block):
            pixels = least(block, tensor)
            assert not differ(net, block, shrunk(block, tensor, pixels))
            if pixels > 1:
                rings += 1
                assert differ(net, block, shrunk(block, tensor, pixels - 1))
    assert rings > 5


def shrunk(block: Block, tensor: int, pixels: int) -> Block:
    """The block with a ring of so many pixels; what lies behind it stays where it is."""
    buffers = tuple(buffer._replace(pixels=pixels) if buffer.tensor == tensor else buffer for buffer in block.buffers)
    return replace(block, buffers=buffers)


def differ(net: Network, one: Block, other: Block) -> bool:
    """True if the kernels make other bytes of some noise, loud or soft."""
    return any(
        not np.array_equal(run(net, one, seed, loudness), run(net, other, seed, loudness))
        for loudness in (128, 40, 10, 3)
        for seed in range(3)
    )


def run(net: Network, block: Block, seed: int, loudness: int) -> Bytes:
    """What the kernels make of values from -``loudness`` up to ``loudness`` - 1."""
    random = np.random.default_rng(seed)
    encoded = encode(block)
    inputs = [aligned(net.nbytes(tensor)) for tensor in block.candidate.inputs]
    for values in inputs:
        values[:] = random.integers(-loudness, loudness, values.size).astype(np.int8).view(np.uint8)
    params, output = aligned(len(encoded.params)), aligned(net.nbytes(block.candidate.output))
    params[:] = np.frombuffer(encoded.params, np.uint8)
    operands = [*inputs, params, output, aligned(block.candidate.workspace)]
    assert prepare(encoded.program, operands) == Status.OK
    assert invoke(encoded.program, operands) == Status.OK
    return output
