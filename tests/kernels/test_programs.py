"""Programs put together by hand from SPEC.md: what they compute, and which ones are not accepted, and why."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.kernels import handmade
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
    two_outputs,
)
from tests.kernels.library import (
    Bytes,
    Status,
    aligned,
    fast_size,
    invoke,
    operands_of,
    placed,
    prepare,
    reset_state,
    state_size,
    text_of,
)
from tests.kernels.seeds import Seed, seeds
from tflm_msf.format import NONE, Fast, Order, StageOp
from tflm_msf.runtime.native import row_source

Int8s = npt.NDArray[np.int8]
SEEDS = seeds()


def ramp(*shape: int) -> Int8s:
    return (np.arange(np.prod(shape)) * 7 % 251 - 125).astype(np.int8).reshape(shape)


def run(made: Handmade, *inputs: Int8s) -> list[Int8s]:
    """The output operands."""
    operands = operands_of(made, [values.view(np.uint8) for values in inputs], fill=0xA5)
    assert prepare(made.pack(), operands) == Status.OK
    assert invoke(made.pack(), operands) == Status.OK
    return [operand.view(np.int8) for operand in operands[made.params_operand + 1 : -1]]


def test_a_table_looks_every_value_up() -> None:
    x = ramp(2, 3, 2)
    np.testing.assert_array_equal(run(negate(), x)[0], -x.reshape(-1))


@pytest.mark.parametrize("ring", range(1, 21))
def test_a_ring_of_any_size_serves_pixel_by_pixel_readers(ring: int) -> None:
    x = ramp(4, 5, 2)
    np.testing.assert_array_equal(run(negate_twice(4, 5, ring=ring), x)[0], x.reshape(-1))


def test_pad_makes_the_zero_point() -> None:
    x = ramp(4, 3, 2)
    padded = np.pad(-x, ((1, 3), (2, 0), (0, 0)))
    np.testing.assert_array_equal(run(padded_ring(), x)[0], padded.reshape(-1))


def test_a_dense_layer_takes_its_map_from_a_ring() -> None:
    x = ramp(4, 5, 2)
    weights = np.arange(80, dtype=np.int64).reshape(2, 40)
    sums = np.array([7, 1 << 30]) + weights @ -x.reshape(-1).astype(np.int64)
    # multiplier 2^29 and shift -4: times 2^-6, rounded in each of two steps, then to int8
    high = (sums + 2) // 4
    quarter = np.floor(high / 16 + 0.5)
    np.testing.assert_array_equal(run(handmade.dense_on_ring(), x)[0], np.clip(quarter, -128, 127))


def test_an_input_may_be_overwritten_as_it_is_read() -> None:
    made, x = handmade.overlapping(), ramp(36)
    expected = np.floor((x.astype(np.int64) * 64 + 100) / 64 + 0.5).clip(-128, 127)
    memory, operands = aligned(40), operands_of(made)
    memory[4:] = x.view(np.uint8)
    assert prepare(made.pack(), operands) == Status.OK
    assert invoke(made.pack(), [memory[4:], operands[1], memory[:36], operands[3]]) == Status.OK
    np.testing.assert_array_equal(memory[:36].view(np.int8), expected)


def test_pools_leave_the_padding_out() -> None:
    x = ramp(5, 4, 3)
    means, maxima = run(handmade.pools_on_input(), x)
    for index in np.ndindex(3, 4):
        y, column = 2 * index[0] - 2, index[1] - 1
        window = x[max(y, 0) : y + 3, max(column, 0) : column + 3].reshape(-1, 3).astype(np.int64)
        total, count = window.sum(axis=0), len(window)
        mean = np.sign(total) * ((np.abs(total) + count // 2) // count)
        np.testing.assert_array_equal(means.reshape(3, 4, 3)[index], mean)
        np.testing.assert_array_equal(maxima.reshape(3, 4, 3)[index], window.max(axis=0))


def test_operators_hand_pixels_on_in_chunks_and_rings() -> None:
    x = ramp(3, 4, 3)
    slope = np.array([0, 20, -90], np.int64)
    limited = np.minimum(np.maximum(x, slope), x).astype(np.int64)
    sloped = np.where(limited >= 0, limited, np.floor(limited * slope / 16 + 0.5)).clip(-128, 127)
    padded = np.pad(sloped, ((1, 0), (0, 1), (1, 1)))
    powers = np.exp(padded / 16)
    expected = 256 * powers / powers.sum(axis=2, keepdims=True) - 128
    assert np.abs(run(handmade.activations(), x)[0].reshape(4, 5, 5) - expected).max() < 1.01


def test_values_are_moved() -> None:
    x = ramp(6, 8, 2)
    blocks = x.reshape(3, 2, 4, 2, 2).transpose(0, 2, 1, 3, 4).reshape(3, 4, 8)
    expected = np.concatenate([blocks, x[1::2, ::2, 1:]], axis=2)
    np.testing.assert_array_equal(run(handmade.moves(), x)[0], expected.reshape(-1))


def test_outputs_before_the_last_are_made_whole_in_spite_of_tiles() -> None:
    x = ramp(6, 5, 2)
    negated, negated_mean, maxima = run(two_outputs(), x)
    total = -x.reshape(-1, 2).astype(np.int64).sum(axis=0)
    mean = np.sign(total) * ((np.abs(total) + 15) // 30)
    padded = np.pad(-x.astype(np.int64), ((1, 1), (1, 1), (0, 0)), constant_values=-999)
    windows = [padded[2 * y : 2 * y + 3, 2 * column : 2 * column + 3] for y, column in np.ndindex(3, 3)]
    np.testing.assert_array_equal(negated, -x.reshape(-1))
    np.testing.assert_array_equal(negated_mean, -mean)
    np.testing.assert_array_equal(maxima, np.concatenate([window.max(axis=(0, 1)) for window in windows]))


def test_two_outputs_as_tall_as_tensors_get() -> None:
    x = ramp(65534, 1, 1)
    negated, again = run(handmade.tall_outputs(), x)
    np.testing.assert_array_equal(negated, -x.reshape(-1))
    np.testing.assert_array_equal(again, x.reshape(-1))


def test_a_tall_map_has_more_rows_than_16_bits_count() -> None:
    x = ramp(70_001, 2, 1)
    made = replace(handmade.tall_map(70_001, 2), column_bits=8)
    np.testing.assert_array_equal(run(made, x)[0], x.reshape(-1))


class Steps:
    """A block with a state, run step by step on the same memory."""

    def __init__(self, made: Handmade) -> None:
        self.made, self.operands = made, operands_of(made, fill=0xA5)
        assert prepare(made.pack(), self.operands) == Status.OK
        assert state_size(made.pack()) == made.sizes[-1]
        self.reset()

    def reset(self) -> None:
        self.operands[-1][:4] = 0

    def __call__(self, x: Int8s) -> Int8s:
        self.operands[0][:] = x.reshape(-1).view(np.uint8)
        self.operands[3][:] = 0xA5
        assert invoke(self.made.pack(), self.operands) == Status.OK
        made: Int8s = self.operands[2].view(np.int8).copy()
        return made


def maxima(rows: Int8s) -> Int8s:
    """Of four rows each."""
    windows: Int8s = np.stack([rows[y : y + 4].max(axis=0) for y in range(len(rows) - 3)])
    return windows


@pytest.mark.parametrize("ring", range(12, 22))
def test_rows_of_earlier_invocations_are_kept(ring: int) -> None:
    made, x = handmade.kept(ring), ramp(100, 3, 2)
    before = np.frombuffer(made.params, np.int8)[256 : 256 + 18].reshape(3, 3, 2)
    expected = maxima(np.concatenate([before, -x]))
    step = Steps(made)
    for begin in range(0, 100, 2):
        np.testing.assert_array_equal(step(x[begin : begin + 2]), expected[begin : begin + 2].reshape(-1))


def test_rows_that_nobody_asks_for_are_kept_too() -> None:
    x = ramp(20, 3, 2)
    expected = maxima(np.concatenate([np.full((3, 3, 2), -127, np.int8), -x]))
    step = Steps(handmade.kept_filled())
    for begin in range(0, 20, 2):
        np.testing.assert_array_equal(step(x[begin : begin + 2]), expected[begin].reshape(-1))


def test_a_state_starts_anew_when_it_is_told_to() -> None:
    x, ways = ramp(2, 3, 2), (Steps.reset, lambda _: reset_state())
    for start_anew in ways:
        step = Steps(handmade.kept())
        first = step(x)
        assert (step(x) != first).any()
        start_anew(step)
        np.testing.assert_array_equal(step(x), first)


def test_two_states_of_one_program_are_two() -> None:
    x, steps = ramp(20, 3, 2), (Steps(handmade.kept_filled()), Steps(handmade.kept_filled()))
    before = np.full((3, 3, 2), -127, np.int8)
    expected = [maxima(np.concatenate([before, -rows])) for rows in (x, x[::-1])]
    for begin in range(0, 20, 2):
        for step, rows, wanted in zip(steps, (x, x[::-1]), expected, strict=True):
            np.testing.assert_array_equal(step(rows[begin : begin + 2]), wanted[begin].reshape(-1))


def test_a_state_that_an_invocation_left_incomplete_has_to_be_reset() -> None:
    made = handmade.kept_stream()
    operands = operands_of(made)
    operands[-1][:4] = 0
    for given, status in ((2, Status.OK), (1, Status.SOURCE_FAILED), (2, Status.STATE_LOST)):
        rows = [bytes(6)] * given + [None, None]
        with row_source(lambda y, _: rows[y]):  # noqa: B023
            assert invoke(made.pack(), operands) == status
    operands[-1][:4] = 0
    with row_source(lambda _, size: bytes(size)):
        assert invoke(made.pack(), operands) == Status.OK


def test_programs_without_a_state_have_none() -> None:
    assert state_size(negate().pack()) == 0
    assert state_size(replace(negate(), version=1).pack()) == 0
    assert state_size(KEPT_MAXIMA.pack()[:60]) == 0
    assert state_size(b"no program, but as many bytes as the header of one takes; and some more") == 0


def test_rows_come_from_the_source_in_order() -> None:
    rows, asked = ramp(3, 8), []

    def source(y: int, size: int) -> bytes:
        asked.append((y, size))
        return bytes(rows[y].view(np.uint8))

    with row_source(source):
        np.testing.assert_array_equal(run(streamed())[0], -rows.reshape(-1))
    assert asked == [(0, 8), (1, 8), (2, 8)]


def test_rows_of_bytes_are_looked_up() -> None:
    rows = ramp(3, 12).view(np.uint8)
    with row_source(lambda y, size: bytes(rows[y]) if size == 12 else None):
        np.testing.assert_array_equal(run(handmade.pixels())[0].view(np.uint8), 255 - rows.reshape(-1))


@pytest.mark.parametrize(("layout", "order"), [(2, ">u2"), (3, "<u2")])
def test_rows_of_16_bits_a_pixel_are_widened_and_looked_up(layout: int, order: str) -> None:
    packed = np.array([[0x0000, 0xFFFF, 0xF800, 0x07E0], [0x001F, 0x8410, 0x1234, 0xABCD], [1, 0x20, 0x800, 0x7BEF]])
    fields = np.stack([packed >> 11, packed >> 5 & 63, packed & 31], axis=-1)
    expected = 255 - np.floor(fields * 255 / np.array([31, 63, 31]) + 0.5)
    with row_source(lambda y, size: packed[y].astype(order).tobytes() if size == 8 else None):
        got = run(handmade.pixels(layout))[0].view(np.uint8).reshape(3, 4, 3)
    assert np.abs(got - expected).max() <= 1
    widened = np.stack([fields[..., 0] << 3 | fields[..., 0] >> 2, fields[..., 1] << 2 | fields[..., 1] >> 4], axis=-1)
    np.testing.assert_array_equal(got[..., :2], 255 - widened)
    np.testing.assert_array_equal(got[..., 2], 255 - (fields[..., 2] << 3 | fields[..., 2] >> 2))


def test_a_source_that_gives_up_ends_the_inference() -> None:
    operands = operands_of(streamed())
    assert invoke(streamed().pack(), operands) == Status.SOURCE_MISSING
    with row_source(lambda y, size: bytes(size) if y == 0 else None):
        assert invoke(streamed().pack(), operands) == Status.SOURCE_FAILED


def test_a_source_does_not_matter_to_a_program_that_does_not_ask() -> None:
    with row_source(lambda _, size: bytes(size)):
        assert invoke(negate().pack(), operands_of(negate())) == Status.OK


@pytest.mark.parametrize("seed", SEEDS, ids=[seed.name for seed in SEEDS])
def test_results_do_not_depend_on_what_was_in_memory(seed: Seed) -> None:
    values = np.random.default_rng(1)
    inputs = [values.integers(0, 256, size, np.uint8) for size in seed.sizes[: seed.params_operand]]
    results = []
    for fill in (0x00, 0x7F, 0x80):
        operands = operands_of(seed, inputs, fill)
        assert prepare(seed.program, operands) == Status.OK
        results.append(_outputs(seed, operands))
        results.append(_outputs(seed, operands))
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


def _outputs(seed: Seed, operands: list[Bytes]) -> Bytes:
    if seed.has_state:
        operands[-1][:4] = 0
    if seed.name in ("streamed", "pixels", "rgb565"):
        with row_source(lambda y, size: bytes([y]) * size):
            assert invoke(seed.program, operands) == Status.OK
    else:
        assert invoke(seed.program, operands) == Status.OK
    return np.concatenate(operands[seed.params_operand + 1 : -1 - seed.has_state])


def patched(made: Handmade, at: int, value: bytes, checksum: bool = True) -> bytes:
    """The program with other bytes, and the checksum that belongs to them."""
    program = bytearray(made.pack())
    program[at : at + len(value)] = value
    if checksum:
        program[12:16] = zlib.crc32(program[16:]).to_bytes(4, "little")
    return bytes(program)


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


def with_tensor(made: Handmade, index: int, **changes: Any) -> Handmade:
    tensors = [replace(t, **changes) if i == index else t for i, t in enumerate(made.tensors)]
    return replace(made, tensors=tuple(tensors))


def with_stage(made: Handmade, index: int, **changes: Any) -> Handmade:
    stages = [replace(s, **changes) if i == index else s for i, s in enumerate(made.stages)]
    return replace(made, stages=tuple(stages))


def with_group(made: Handmade, index: int, **changes: Any) -> Handmade:
    groups = [replace(g, **changes) if i == index else g for i, g in enumerate(made.groups)]
    return replace(made, groups=tuple(groups))


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


IN_FAST = replace(negate(), fast=((2, Fast(16, 12)), (3, Fast(32, 16))))
"""The output and the workspace lie in fast memory."""


def test_operands_in_fast_memory_are_placed() -> None:
    program, operands, memory = IN_FAST.pack(), operands_of(IN_FAST, [ramp(2, 3, 2).view(np.uint8)]), aligned(48)
    assert fast_size(program) == 48 and fast_size(negate().pack()) == 0
    status, table = placed(program, [operands[0], operands[1], None, None], memory)
    start = memory.ctypes.data
    assert status == Status.OK
    assert table[2:] == [(start + 16, 12), (start + 32, 16)]
    there = [operands[0], operands[1], memory[16:28], memory[32:48]]
    assert prepare(program, there) == Status.OK
    assert invoke(program, there) == Status.OK
    assert invoke(negate().pack(), operands) == Status.OK
    assert memory[16:28].tolist() == operands[2].tolist()


def test_fast_memory_that_is_not_what_it_should_be_is_refused() -> None:
    program, operands = IN_FAST.pack(), operands_of(IN_FAST)
    known = [operands[0], operands[1], None, None]
    memory = aligned(68)
    for given, status in (
        (None, Status.FAST_MISSING),
        (memory[:47], Status.FAST_TOO_SMALL),
        (memory[2:60], Status.FAST_MISALIGNED),
        (memory, Status.OK),
    ):
        assert placed(program, known, given)[0] == status
    assert placed(program, [memory[48:60], *known[1:]], memory)[0] == Status.FAST_OVERLAPS
    assert placed(program, [memory[48:60], *known[1:]], memory[:48])[0] == Status.OK


@pytest.mark.parametrize(
    "made",
    [
        replace(IN_FAST, fast_size=47),
        replace(IN_FAST, fast_size=2**31),
        replace(IN_FAST, fast_size=0),
        replace(negate(), fast_size=4),
        replace(IN_FAST, fast=((2, Fast(18, 12)), (3, Fast(32, 16)))),
        replace(IN_FAST, fast=((2, Fast(2**32 - 4, 12)), (3, Fast(32, 16))), fast_size=48),
    ],
)
def test_places_outside_of_fast_memory_are_refused(made: Handmade) -> None:
    program, operands = made.pack(), operands_of(made)
    assert prepare(program, operands) == Status.BAD_GEOMETRY
    memory = aligned(64)
    status, table = placed(program, [*operands[:2], None, None], memory)
    assert status in (Status.OK, Status.FAST_TOO_SMALL)
    start, end = memory.ctypes.data, memory.ctypes.data + memory.nbytes
    assert all(data is None or start <= data <= data + size <= end for data, size in table[2:])


def test_neither_params_nor_the_state_nor_what_is_none_lies_in_fast_memory() -> None:
    for operand in (1, 4, 31):
        made = replace(negate(), fast=((operand, Fast(0, 256)),))
        assert prepare(made.pack(), operands_of(made)) == Status.BAD_OPERAND
    kept = replace(KEPT_MAXIMA, fast=((4, Fast(0, 256)),))
    assert prepare(kept.pack(), operands_of(kept)) == Status.BAD_OPERAND


def test_a_damaged_table_of_places_is_not_read() -> None:
    program, operands = IN_FAST.pack(), operands_of(IN_FAST)
    known = [operands[0], operands[1], None, None]
    for size in (60, len(program) - 1):
        assert placed(program, known, aligned(48), size) == (Status.OK, placed(negate().pack(), known, None)[1])
    more = patched(IN_FAST, 64, b"\xff\xff\xff\0")
    assert placed(more, known, aligned(48))[1][2:] == [(None, 0), (None, 0)]
    assert prepare(more, operands) == Status.BAD_PROGRAM


def test_every_status_has_a_text_of_its_own() -> None:
    texts = {text_of(status) for status in Status}
    assert len(texts) == len(Status)
    assert text_of(99) == "unknown status"
    assert all(len(text) > 10 or text == "ok" for text in texts)
