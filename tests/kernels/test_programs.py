"""Programs put together by hand from SPEC.md: what they compute."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.kernels import handmade
from tests.kernels.handmade import (
    Handmade,
    negate,
    negate_twice,
    padded_ring,
    streamed,
    two_outputs,
)
from tests.kernels.library import (
    Bytes,
    Int8s,
    Status,
    aligned,
    invoke,
    operands_of,
    prepare,
    ramp,
    reset_state,
    state_size,
)
from tests.kernels.seeds import Seed, seeds
from tflm_msf.runtime.native import row_source

SEEDS = seeds()


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
    assert state_size(handmade.kept().pack()[:60]) == 0
    assert state_size(b"no program, but as many bytes as the header of one takes; and some more") == 0


def test_rows_come_from_the_source_in_order() -> None:
    rows, asked = ramp(3, 8), []

    def source(y: int, size: int) -> bytes:
        asked.append((y, size))
        return bytes(rows[y].view(np.uint8))

    with row_source(source):
        np.testing.assert_array_equal(run(streamed())[0], -rows.reshape(-1))
    assert asked == [(0, 8), (1, 8), (2, 8)]


def test_rows_come_again_for_each_strip() -> None:
    rows, asked = ramp(3, 8), []

    def source(y: int, size: int) -> bytes:
        asked.append((y, size))
        return bytes(rows[y].view(np.uint8))

    with row_source(source):
        np.testing.assert_array_equal(run(handmade.rescanned())[0], -rows.reshape(-1))
    assert asked == 2 * [(0, 8), (1, 8), (2, 8)]


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
    if seed.name in ("streamed", "rescanned", "pixels", "rgb565"):
        with row_source(lambda y, size: bytes([y]) * size):
            assert invoke(seed.program, operands) == Status.OK
    else:
        assert invoke(seed.program, operands) == Status.OK
    return np.concatenate(operands[seed.params_operand + 1 : -1 - seed.has_state])
