"""Programs and operands that are not accepted, and why: each one change away from one that is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.kernels import handmade
from tests.kernels.changes import patched, with_group, with_stage, with_tensor
from tests.kernels.handmade import (
    ADD,
    CHUNK,
    DEPTH_TO_SPACE,
    FILLED,
    KEPT,
    MAX_POOL_2D,
    PROGRESS,
    REDUCE,
    RESIZE_BILINEAR,
    RESIZE_NEAREST_NEIGHBOR,
    RING,
    SOURCE_ROWS,
    STREAMED,
    TABLE,
    TRANSPOSE_CONV,
    UNIFORM,
    WHOLE,
    Group,
    Handmade,
    Stage,
    Tensor,
    negate,
    negate_twice,
    padded_ring,
    streamed,
)
from tests.kernels.library import (
    Status,
    aligned,
    invoke,
    operands_of,
    prepare,
    ramp,
    text_of,
)
from tflm_msf.format import NONE, Order, StageOp


@pytest.mark.parametrize(
    ("program", "status"),
    [
        (b"", Status.BAD_PROGRAM),
        (negate().pack()[:67], Status.BAD_PROGRAM),
        (negate().pack()[:-1], Status.BAD_PROGRAM),
        (negate().pack() + bytes(5), Status.OK),
        (patched(negate(), 0, b"msf1"), Status.BAD_PROGRAM),
        (patched(negate(), 4, b"\0"), Status.BAD_VERSION),
        (patched(negate(), 4, b"\3"), Status.BAD_VERSION),
        (patched(negate(), 4, b"\1"), Status.BAD_VERSION),
        (patched(negate(), 6, b"\x38"), Status.BAD_VERSION),
        (patched(negate(), 8, b"\0\0\0\0"), Status.BAD_PROGRAM),
        (patched(negate(), 16, b"\3"), Status.BAD_PROGRAM),
        (replace(negate(), version=1).pack(), Status.OK),
        (patched(replace(negate(), version=1), 50, b"\1"), Status.OK),
        (patched(replace(negate(), version=1), 4, b"\2"), Status.BAD_VERSION),
        (patched(negate(), 50, b"\1", checksum=False), Status.BAD_PROGRAM),
    ],
    ids=[
        "empty",
        "short",
        "cut",
        "longer",
        "magic",
        "version 0",
        "version 3",
        "version 1 with the header of version 2",
        "header",
        "size",
        "count",
        "version 1",
        "what version 1 does not look at",
        "version 2 with the header of version 1",
        "checksum",
    ],
)
def test_programs_as_a_whole(program: bytes, status: Status) -> None:
    assert prepare(program, operands_of(negate())) == status


def test_a_misaligned_program_is_refused() -> None:
    assert prepare(negate().pack(), operands_of(negate()), shift=4) == Status.OK
    assert prepare(negate().pack(), operands_of(negate()), shift=2) == Status.BAD_PROGRAM


TWICE = negate_twice()
PAIR = replace(
    negate(2, 3),
    tensors=(
        Tensor(2, 3, 2, operand=0),
        Tensor(2, 3, 2, operand=3, producer=0, kind=CHUNK, offset=PROGRESS, kept=3),
        Tensor(2, 3, 2, operand=2, producer=0),
    ),
    stages=(Stage(TABLE, (0,), 1), Stage(ADD, (0, 1), 2)),
    groups=(Group(0, 2),),
    sizes=(12, 256, 12, PROGRESS + 6),
)
SPREAD = with_stage(negate(), 0, op=DEPTH_TO_SPACE)
RESIZED = with_stage(PAIR, 1, op=RESIZE_BILINEAR, inputs=(1,), args=(1024, 1024))
NEAREST = with_stage(PAIR, 1, op=RESIZE_NEAREST_NEIGHBOR, inputs=(1,))
TRANSPOSE = {"op": TRANSPOSE_CONV, "inputs": (1,), "flags": UNIFORM, "args": (1, 1), "weights": 200}
TRANSPOSED = replace(
    with_stage(PAIR, 1, **TRANSPOSE, bias=256, multipliers=264, shifts=264),
    sizes=(12, 268, 12, PROGRESS + 6),
    params=handmade.NEGATED + bytes(12),
)


def uncovered(op: int, *args: int) -> Handmade:
    """A map of 4x3x1 made into one of 2x3x1 by a window of one pixel every other row, behind a ring of two rows."""
    return Handmade(
        tensors=(
            Tensor(4, 3, 1, operand=0),
            Tensor(4, 3, 1, operand=3, producer=0, kind=RING, offset=2 * PROGRESS, kept=6),
            Tensor(2, 3, 1, operand=2, producer=1),
        ),
        stages=(Stage(TABLE, (0,), 1), Stage(op, (1,), 2, stride=(2, 1), args=args)),
        groups=(Group(0), Group(1)),
        sizes=(12, 256, 6, 2 * PROGRESS + 6),
    )


def of_pixels(op: int, channels: int, params: bytes, **changes: Any) -> Handmade:
    """A map of 2x3x2 made into one of other channels, pixel by pixel; weights and scales begin the params."""
    return Handmade(
        tensors=(Tensor(2, 3, 2, operand=0), Tensor(2, 3, channels, operand=2, producer=0)),
        stages=(Stage(op, (0,), 1, **changes),),
        groups=(Group(0),),
        sizes=(12, len(params), 6 * channels, PROGRESS),
        params=params,
    )


SWAPPED = of_pixels(StageOp.GATHER, 2, bytes([1, 0, 0, 0]))
WORDS = of_pixels(StageOp.TABLE_OF_WORDS, 8, bytes(1024))
GREATEST = of_pixels(StageOp.ARG_MAX, 4, bytes(4))
GROUPED = of_pixels(StageOp.GROUPED_CONV_2D, 4, bytes(16), args=(1,), flags=UNIFORM)
SQUARED = with_stage(PAIR, 1, op=StageOp.SQUARED_DIFFERENCE)

KEPT_MAXIMA = handmade.kept()


def with_kept(**changes: Any) -> Handmade:
    """What is common to a ring and its history changed in both."""
    changed = with_tensor(KEPT_MAXIMA, 1, **changes)
    common = {name: value for name, value in changes.items() if name in ("offset", "history", "kept")}
    return with_tensor(changed, 2, **common)


SCRATCHED = with_stage(
    replace(handmade.overlapping(), sizes=(36, 12, 36, PROGRESS + 8)), 0, flags=3, scratch=PROGRESS, scratch_size=8
)
"""A convolution that may use eight bytes of the workspace."""

REFUSED = {
    "no groups": replace(negate(), groups=()),
    "overlap with params": replace(negate(), overlap=(1, 2, 0)),
    "overlap with another output": replace(negate(), overlap=(2, 3, 0)),
    "overlap of the workspace": replace(negate(), overlap=(0, 3, 0)),
    "overlap of an input": replace(negate(), overlap=(0, 0, 0)),
    "overlap of no input": replace(negate(), overlap=(NONE, 2, 0)),
    "no tile rows": replace(negate(), tile=(0, NONE)),
    "no tile columns": replace(negate(), tile=(NONE, 0)),
    "no height": with_tensor(negate(), 0, h=0, kept=1),
    "no channels": with_tensor(negate(), 0, c=0),
    "a height that is none": with_tensor(TWICE, 1, h=NONE),
    "operand": with_tensor(negate(), 0, operand=4),
    "input larger than its operand": with_tensor(negate(), 0, h=3),
    "input behind its operand": with_tensor(negate(), 0, offset=1),
    "offset that wraps": with_tensor(negate(), 0, offset=0xFFFFFFFF),
    "input as a ring": with_tensor(negate(), 0, kind=RING),
    "unknown kind": with_tensor(TWICE, 1, kind=5),
    "kept without a state": with_tensor(TWICE, 1, kind=KEPT),
    "workspace tensor kept whole": with_tensor(TWICE, 1, kind=WHOLE),
    "output kept in part": with_tensor(negate(), 1, kept=5),
    "more kept than there is": with_tensor(with_tensor(TWICE, 1, kept=21), 1, c=1),
    "ring over the engine's records": with_tensor(TWICE, 1, offset=2 * PROGRESS - 1),
    "ring behind the workspace": with_tensor(TWICE, 1, offset=2 * PROGRESS + 1),
    "input that is made": with_tensor(negate(), 0, producer=0),
    "output that nobody makes": with_tensor(negate(), 1, producer=NONE),
    "producer": with_tensor(negate(), 1, producer=1),
    "producer that makes another tensor": with_stage(padded_ring(), 1, inputs=(3,)),
    "reader before its producer": with_stage(with_tensor(TWICE, 1, producer=1), 0, inputs=(2,)),
    "reader of its own output": with_stage(negate(), 0, inputs=(1,)),
    "input index": with_stage(negate(), 0, inputs=(2,)),
    "second input index": with_stage(PAIR, 1, inputs=(0, 3)),
    "output index": with_stage(negate(), 0, out=2),
    "output of another group": with_tensor(TWICE, 2, producer=0),
    "unread first chunk": with_stage(with_stage(PAIR, 0, inputs=(1,)), 1, inputs=(0, 0)),
    "chunk as a result": with_tensor(TWICE, 1, kind=CHUNK),
    "chunk too small": with_tensor(PAIR, 1, kept=2),
    "chunk on another grid": with_tensor(PAIR, 1, h=3),
    "chunk under a window": with_stage(with_stage(PAIR, 1, op=MAX_POOL_2D, inputs=(1,)), 1, kernel=(1, 2)),
    "chunk that is enlarged": with_stage(RESIZED, 1, args=(1, 1)),
    "chunk that is reduced": with_stage(RESIZED, 1, args=(1024, 2048)),
    "chunk whose pixels are halfway": with_stage(RESIZED, 1, args=(1023, 1024, 1)),
    "chunk under a transposed kernel": with_stage(TRANSPOSED, 1, args=(1, 3, 0, 1), weights=0),
    "chunk behind a transposed kernel": with_stage(TRANSPOSED, 1, args=(1, 1, 1, 0)),
    "pixel below the window": uncovered(RESIZE_NEAREST_NEIGHBOR, 1),
    "pixels beside the window": uncovered(RESIZE_BILINEAR, 2048, 1023),
    "pixels before the window": uncovered(RESIZE_BILINEAR, 1024, 1024),
    "pixels behind the input": with_tensor(uncovered(RESIZE_BILINEAR, 2048, 1024), 2, h=1, w=4),
    "no stages": with_group(negate(), 0, stage_count=0),
    "stages": with_group(negate(), 0, stage_count=2),
    "first stage": with_group(negate(), 0, first_stage=0xFFFF, stage_count=2),
    "no chunk": with_group(negate(), 0, chunk=0),
    "kind of group": with_group(negate(), 0, kind=3),
    "group that reduces without a stage that does": with_group(negate(), 0, kind=REDUCE),
    "stage that reduces in a group that does not": with_group(handmade.dense_on_ring(), 1, kind=0),
    "dense layer with a map for a result": with_tensor(handmade.dense_on_ring(), 2, w=2, c=1),
    "no kernel": with_stage(negate(), 0, kernel=(0, 1)),
    "no stride": with_stage(negate(), 0, stride=(1, 0)),
    "no dilation": with_stage(negate(), 0, dilation=(0, 1)),
    "negative padding": with_stage(handmade.padded_ring(), 1, pad=(-1, 2)),
    "table with a window": with_stage(negate(), 0, kernel=(3, 3)),
    "sum with padding": with_stage(PAIR, 1, pad=(0, 1), inputs=(0, 0)),
    "dense layer with a stride": with_stage(handmade.dense_on_ring(), 1, stride=(1, 2)),
    "pool with dilation": with_stage(handmade.pools_on_input(), 0, dilation=(2, 1)),
    "pool of too many pixels": with_stage(handmade.pools_on_input(), 0, kernel=(4096, 2048)),
    "table behind params": with_stage(negate(), 0, weights=1),
    "weights behind params": with_stage(handmade.dense_on_ring(), 1, weights=349 - 79),
    "bias behind params": with_stage(handmade.dense_on_ring(), 1, bias=344),
    "misaligned bias": with_stage(handmade.dense_on_ring(), 1, bias=335),
    "multipliers behind params": with_stage(handmade.dense_on_ring(), 1, multipliers=348),
    "shifts behind params": with_stage(handmade.dense_on_ring(), 1, shifts=349),
    "shift too large": replace(handmade.dense_on_ring(), params=handmade.dense_on_ring().params[:-1] + b"\x1f"),
    "shift too small": replace(handmade.dense_on_ring(), params=handmade.dense_on_ring().params[:-1] + b"\xe0"),
    "accumulators over the engine's records": with_stage(handmade.dense_on_ring(), 1, accumulators=28),
    "misaligned accumulators": with_stage(handmade.dense_on_ring(), 1, accumulators=34),
    "accumulators behind the workspace": with_stage(handmade.dense_on_ring(), 1, accumulators=40),
    "scratch over the engine's records": with_stage(SCRATCHED, 0, scratch=12),
    "scratch behind the workspace": with_stage(SCRATCHED, 0, scratch=24),
    "more scratch than there is": with_stage(SCRATCHED, 0, scratch_size=12),
    "misaligned scratch": with_stage(SCRATCHED, 0, scratch=18, scratch_size=4),
    "scratch of half a word": with_stage(SCRATCHED, 0, scratch_size=6),
    "scratch of an operator that has no use for it": with_stage(negate(), 0, flags=2),
    "scratch in version 1": replace(SCRATCHED, version=1),
    "shift of a sum": with_stage(PAIR, 1, args=(1, 31)),
    "channels behind the padded ones": with_stage(handmade.activations(), 3, args=(3,)),
    "channels before the padded ones": with_stage(handmade.activations(), 3, args=(-1,)),
    "exponentials behind params": with_stage(handmade.activations(), 4, weights=8),
    "misaligned exponentials": with_stage(handmade.activations(), 4, weights=2),
    "SOFTMAX of a window": with_stage(handmade.activations(), 4, kernel=(1, 2)),
    "shift of a slope": with_stage(handmade.activations(), 2, args=(1, 0, 1, 31)),
    "spread pixels that are not there": with_tensor(SPREAD, 0, h=1, w=6),
    "block of another size than its step": with_stage(handmade.moves(), 0, kernel=(2, 1)),
    "block with padding": with_stage(handmade.moves(), 0, pad=(0, 1)),
    "block with dilation": with_stage(handmade.moves(), 0, dilation=(2, 1)),
    "more blocks than there are": with_tensor(handmade.moves(), 1, h=4),
    "spread pixels of a window": with_stage(SPREAD, 0, kernel=(1, 2)),
    "slice that begins too far down": with_stage(handmade.moves(), 1, pad=(-2, 0)),
    "slice that steps too far right": with_stage(handmade.moves(), 1, stride=(2, 3)),
    "slice with padding": with_stage(handmade.moves(), 1, pad=(0, 1)),
    "slice of a window": with_stage(handmade.moves(), 1, kernel=(1, 2)),
    "slice of channels behind the last": with_stage(handmade.moves(), 1, args=(2,)),
    "slice of channels before the first": with_stage(handmade.moves(), 1, args=(-1,)),
    "more channels than are joined": with_tensor(handmade.moves(), 3, c=8),
    "channel that there is none of": replace(SWAPPED, params=bytes([1, 0, 2, 0])),
    "channel far behind the last": replace(SWAPPED, params=bytes([1, 0, 0, 1])),
    "order of channels behind params": with_stage(SWAPPED, 0, weights=2),
    "misaligned order of channels": with_stage(
        with_tensor(replace(SWAPPED, sizes=(12, 4, 6, PROGRESS)), 1, c=1), 0, weights=1
    ),
    "order of channels of a window": with_stage(SWAPPED, 0, kernel=(1, 2)),
    "words of a window": with_stage(WORDS, 0, kernel=(1, 2)),
    "words behind params": with_stage(WORDS, 0, weights=1),
    "more bytes than words have": with_tensor(replace(WORDS, sizes=(12, 1024, 54, PROGRESS)), 1, c=9),
    "fewer bytes than words have": with_tensor(WORDS, 1, c=4),
    "number of too few bytes": with_tensor(GREATEST, 1, c=2),
    "number of too many bytes": with_tensor(replace(GREATEST, sizes=(12, 4, 48, PROGRESS)), 1, c=8),
    "groups of no channels": with_stage(GROUPED, 0, args=(0,)),
    "groups of channels that are not there": with_stage(GROUPED, 0, args=(4,)),
    "groups that do not divide the output": with_tensor(GROUPED, 1, c=3),
    "weights of groups behind params": with_stage(GROUPED, 0, weights=13),
    "scales of groups behind params": with_stage(GROUPED, 0, bias=4),
    "shift of a difference": with_stage(SQUARED, 1, args=(1, 0, 1, 31)),
    "shift of a square": with_stage(SQUARED, 1, args=(1, 0, 1, 0, 1, 31)),
    "source in a model without one": replace(streamed(), flags=0),
    "source in tiles": replace(streamed(), tile=(1, NONE)),
    "source in more strips than it allows": replace(handmade.rescanned(), tile=(NONE, 1)),
    "source in more tiles than it allows": replace(handmade.rescanned(), tile=(1, 2)),
    "source in parts of rows": with_group(streamed(), 0, chunk=3),
    "source in a ring of parts of rows": with_tensor(streamed(), 0, kept=7),
    "source of an unknown format": with_stage(handmade.pixels(), 0, args=(4,)),
    "source of a negative format": with_stage(handmade.pixels(), 0, args=(-1,)),
    "source with a table behind params": with_stage(handmade.pixels(), 0, weights=257),
    "source of colours with a table behind params": with_stage(handmade.rgb565(), 0, weights=0xFFFFFFF0),
    "source of colours without three channels": with_tensor(handmade.rgb565(), 0, c=2),
    "source in another group": with_group(streamed(), 0, kind=0),
    "third input of an operator without one": with_stage(negate(), 0, third=0),
    "zero point of a third input that is none": with_stage(negate(), 0, third_zero=1),
    "state in tiles": replace(KEPT_MAXIMA, tile=(1, NONE)),
    "ring over the state's mark": with_kept(offset=3),
    "ring behind the state": with_kept(offset=9),
    "ring in the state that is none": with_tensor(KEPT_MAXIMA, 1, kind=RING, kept=6),
    "whole map in the state": with_tensor(KEPT_MAXIMA, 1, kind=WHOLE, kept=6),
    "place over the state's mark": with_kept(place=0),
    "misaligned place": with_kept(place=6),
    "place behind the state": with_kept(place=32),
    "start behind params": with_kept(start=257),
    "fill behind params": with_kept(flags=FILLED, start=280),
    "more history than can be counted": with_kept(history=0x7FFFFFFF),
    "history of another length": with_tensor(KEPT_MAXIMA, 2, h=6),
    "history of another ring": with_tensor(KEPT_MAXIMA, 2, kept=11),
    "history of another map": with_tensor(KEPT_MAXIMA, 2, w=2),
    "history of itself": with_tensor(KEPT_MAXIMA, 2, shows=2),
    "history of no tensor": with_tensor(KEPT_MAXIMA, 2, shows=4),
    "reader of what is added": with_stage(KEPT_MAXIMA, 1, inputs=(1,)),
    "writer of history": with_stage(with_tensor(KEPT_MAXIMA, 1, producer=1), 1, out=2),
    "state that reduces": with_group(KEPT_MAXIMA, 0, kind=REDUCE),
    "too many rows for the columns' bits": replace(handmade.tall_outputs(3), column_bits=31),
    "too many columns for their bits": replace(negate(), column_bits=2),
    "no bits for columns": replace(negate(1, 1), column_bits=0),
    "more bits for columns than there are": replace(negate(), column_bits=17),
    "tall map in 16 bits": handmade.tall_outputs(65535),
    "several outputs, one of them tall": replace(handmade.tall_outputs(65535), column_bits=8),
    "group of a source without one": with_group(replace(negate(), flags=STREAMED), 0, kind=SOURCE_ROWS),
}
ACCEPTED = [
    SCRATCHED,
    *(negate(), TWICE, PAIR, SPREAD, RESIZED, NEAREST, TRANSPOSED, SWAPPED, WORDS, GREATEST, GROUPED, SQUARED),
    *(uncovered(RESIZE_NEAREST_NEIGHBOR, 0), uncovered(RESIZE_BILINEAR, 2048, 1024)),
    *(make() for make in handmade.ALL),
]


@pytest.mark.parametrize("made", ACCEPTED)
def test_what_the_refused_programs_are_made_from_is_accepted(made: Handmade) -> None:
    assert prepare(made.pack(), operands_of(made)) == Status.OK


@pytest.mark.parametrize("name", REFUSED)
def test_programs_that_point_outside_are_refused(name: str) -> None:
    assert prepare(REFUSED[name].pack(), operands_of(REFUSED[name])) == Status.BAD_GEOMETRY


@pytest.mark.parametrize(
    "made",
    [
        replace(negate(), flags=2),
        with_stage(negate(), 0, op=max(StageOp) + 1),
        with_stage(negate(), 0, op=255),
        with_stage(negate(), 0, layout=1),
        with_stage(negate(), 0, flags=4),
        replace(negate(), reserved=1),
        replace(negate(), order=len(Order)),
        replace(negate(), overlaps=1),
        with_tensor(negate(), 0, type=1),
        with_tensor(negate(), 0, flags=2),
        with_stage(negate(), 0, reserved=1),
        with_stage(negate(), 0, scratch=4),
        with_stage(streamed(), 0, inputs=(1,)),
        with_stage(negate(), 0, scratch_size=4),
        with_group(negate(), 0, more=(1, 0)),
    ],
)
def test_what_these_kernels_do_not_know_is_refused(made: Handmade) -> None:
    assert prepare(made.pack(), operands_of(made)) == Status.UNSUPPORTED


def test_operands_that_do_not_fit_are_refused() -> None:
    program, operands = negate().pack(), operands_of(negate())
    assert prepare(program, [None, operands[1], None, None], sizes=(12, 256, 12, 16)) == Status.OK
    for wrong in (
        operands[:3],
        [*operands, operands[0]],
        [operands[0], None, *operands[2:]],
        [operands[0], aligned(260)[2:258], *operands[2:]],
        [operands[0], operands[1][:255], *operands[2:]],
        [*operands[:3], operands[3][:15]],
    ):
        assert prepare(program, wrong) == Status.BAD_OPERAND
    for index in (0, 2):
        short = [operand[:-1] if i == index else operand for i, operand in enumerate(operands)]
        assert prepare(program, short) == Status.BAD_GEOMETRY
    for params_operand in (2, 3, 255):
        assert prepare(patched(negate(), 26, bytes([params_operand])), operands) == Status.BAD_OPERAND
    for workspace_operand in (0, 1, 4):
        assert prepare(patched(negate(), 27, bytes([workspace_operand])), operands) == Status.BAD_OPERAND


def test_a_state_is_an_operand_of_its_own() -> None:
    program, operands = KEPT_MAXIMA.pack(), operands_of(KEPT_MAXIMA)
    assert prepare(program, [*operands[:4], operands[4][:-1]]) == Status.BAD_OPERAND
    assert prepare(program, operands[:4]) == Status.BAD_OPERAND
    for state_operand in (0, 1, 2, 3, 5):
        assert prepare(patched(KEPT_MAXIMA, 54, bytes([state_operand])), operands) == Status.BAD_OPERAND
    assert prepare(patched(KEPT_MAXIMA, 54, b"\xff"), operands) == Status.BAD_GEOMETRY
    assert prepare(patched(KEPT_MAXIMA, 56, b"\3\0\0\0"), operands) == Status.BAD_GEOMETRY
    assert prepare(replace(KEPT_MAXIMA, overlap=(0, 4, 0)).pack(), operands) == Status.BAD_GEOMETRY
    assert invoke(program, [*operands[:4], operands[3]]) == Status.BAD_OPERAND


def test_operands_have_to_lie_where_they_may() -> None:
    program, operands = negate().pack(), operands_of(negate())
    assert invoke(program, operands) == Status.OK
    assert invoke(program, operands[:3]) == Status.BAD_OPERAND
    for index in range(4):
        for wrong in (None, aligned(operands[index].size + 2)[2:]):
            assert invoke(program, [wrong if i == index else o for i, o in enumerate(operands)]) == Status.BAD_OPERAND


def test_only_the_pair_of_the_program_may_share_memory() -> None:
    x = ramp(2, 3, 2)
    made = replace(negate(), overlap=(0, 2, 4))
    for distance, status in ((0, Status.BAD_OPERAND), (4, Status.OK), (8, Status.OK), (12, Status.OK)):
        memory, operands = aligned(24), operands_of(negate())
        shared = [memory[distance : distance + 12], operands[1], memory[:12], operands[3]]
        shared[0][:] = x.reshape(-1).view(np.uint8)
        assert prepare(made.pack(), shared) == Status.OK
        assert invoke(made.pack(), shared) == status
        assert invoke(negate().pack(), shared) == (Status.OK if distance == 12 else Status.BAD_OPERAND)
    behind = aligned(24)
    assert invoke(made.pack(), [behind[:12], operands[1], behind[4:16], operands[3]]) == Status.BAD_OPERAND
    assert invoke(made.pack(), [operands[0], operands[1], operands[1][:12], operands[3]]) == Status.BAD_OPERAND


def test_every_status_has_a_text_of_its_own() -> None:
    texts = {text_of(status) for status in Status}
    assert len(texts) == len(Status)
    assert text_of(99) == "unknown status"
    assert all(len(text) > 10 or text == "ok" for text in texts)
