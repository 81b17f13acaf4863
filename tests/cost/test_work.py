"""Work is counted as the kernels' walk does it."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from testing.layers import Geometry, Layers, Weighting
from tests.blocks.test_walk import blocks_of
from tests.blocks.walk import Walk, rings_of
from tests.kinds import KINDS
from tflm_msf.cost.steps import Ring, chunk_lengths, chunks_of
from tflm_msf.cost.work import Work
from tflm_msf.format import Order
from tflm_msf.planner import Planner
from tflm_msf.request import Limits, Request
from tflm_msf.search.presets import Preset
from tflm_msf.tflite_io import write_model


def walked(rows: int, width: int, chunk: int, rings: list[Ring], ends: tuple[int, ...]) -> dict[int, int]:
    """The kernels' rule, pixel by pixel: a chunk ends with the row, where it was asked to, where a ring begins anew."""
    lengths: dict[int, int] = {}
    for y in range(rows):
        x = 0
        while x < width:
            length = min(chunk, width - x, *(end - x for end in ends if end > x))
            for ring in rings:
                if ring.pixels:
                    length = min(length, ring.pixels - (y * ring.line + ring.offset + x) % ring.pixels)
            lengths[length] = lengths.get(length, 0) + 1
            x += length
    return lengths


def test_chunks_end_with_rows_and_rings() -> None:
    random = Random(3)
    for _ in range(300):
        rows, width, chunk = random.randint(1, 9), random.randint(1, 14), random.randint(1, 5)
        rings = [
            Ring(random.choice([0, random.randint(1, 40)]), width + random.randint(0, 5), random.randint(0, 4))
            for _ in range(random.randint(0, 3))
        ]
        ends = tuple(sorted(random.sample(range(1, width), random.randint(0, min(3, width - 1)))))
        assert chunk_lengths(np.arange(rows), width, chunk, rings, ends) == walked(rows, width, chunk, rings, ends)


def work(layers: Layers, output: int, preset: Preset = Preset.LAYERWISE) -> Work:
    return (
        Planner.of(write_model(layers.model([output])), "net", Request(preset=preset))
        .choose(Limits(max_overhead=9.0))
        .work
    )


def test_a_depthwise_convolution_is_split_into_inside_and_edge() -> None:
    layers = Layers(Random(1))
    done = work(layers, layers.depthwise(layers.input(1, 6, 8, 5), 1, Geometry((3, 3)), Weighting()))
    assert done["depthwise_taps"] == (48 - 24) * 9
    assert done["depthwise_threes"] == 24 * 3
    assert done["depthwise_macs"] == 48 * 9 * 5
    assert done["depthwise_spare_macs"] == 48 * 9
    assert done["blocks"] == 1


def test_pixels_of_a_convolution_come_in_fours_twos_and_ones() -> None:
    layers = Layers(Random(1))
    done = work(layers, layers.conv(layers.input(1, 5, 7, 8), 2, Geometry((1, 1)), Weighting()))
    assert _macs(done) == {4: 5 * 4 * 16, 2: 5 * 2 * 16, 1: 5 * 16}
    assert done["steps"] == 10


def _macs(done: Work) -> dict[int, int]:
    return {size: done.get(f"conv_macs_by_{size}", 0) for size in (4, 2, 1)}


def test_a_window_that_is_copied_is_filled_up_to_whole_words() -> None:
    layers = Layers(Random(1))
    done = work(layers, layers.conv(layers.input(1, 8, 8, 3), 2, Geometry((3, 3)), Weighting()))
    assert done["im2col_bytes"] == 64 * 28
    assert _macs(done) == {4: 64 * 28 * 2, 2: 0, 1: 0}
    layers = Layers(Random(1))
    large = work(layers, layers.conv(layers.input(1, 8, 8, 11), 2, Geometry((3, 3)), Weighting()))
    assert _macs(large) == {4: 0, 2: 64 * 100 * 2, 1: 0}, "two windows are all that there is room for"


@pytest.mark.parametrize("preset", [Preset.FULL, Preset.MCUNETV2])
def test_no_multiplication_is_lost(preset: Preset) -> None:
    layers = Layers(Random(2))
    x = layers.conv(layers.input(1, 24, 24, 4), 8, Geometry((3, 3)), Weighting())
    x = layers.conv(x, 16, Geometry((1, 1)), Weighting())
    x = layers.conv(x, 4, Geometry((3, 3), (2, 2)), Weighting())
    data = write_model(layers.model([x]))
    for choice in Planner.of(data, "net", Request(preset=preset)).front:
        macs = sum(count for kind, count in choice.work.items() if kind.startswith("conv_macs_by"))
        assert macs == choice.plan.macs


@pytest.mark.parametrize("order", Order, ids=lambda order: order.name.lower())
@pytest.mark.parametrize("name", KINDS)
def test_steps_are_those_of_the_walk(name: str, order: Order) -> None:
    """Just these in whole chunks, but for rows that are left half made; nearly these in the other order."""
    for block in blocks_of(name, order)[1]:
        walk = Walk(block, rings_of(block))
        walk.run()
        walked = sum(sum(lengths.values()) for lengths in walk.steps)
        counted = sum(chunks.calls for chunks in chunks_of(block))
        allowed = 0.06 if order is Order.ASKED else 0.004 if name == "cropped" else 0
        assert abs(counted - walked) <= allowed * walked
