"""Operands in fast memory: where they are placed, and which places and memories are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.kernels import handmade
from tests.kernels.changes import patched
from tests.kernels.handmade import (
    Handmade,
    negate,
)
from tests.kernels.library import (
    Status,
    aligned,
    fast_size,
    invoke,
    operands_of,
    placed,
    prepare,
    ramp,
)
from tflm_msf.format import Fast

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
    kept = replace(handmade.kept(), fast=((4, Fast(0, 256)),))
    assert prepare(kept.pack(), operands_of(kept)) == Status.BAD_OPERAND


def test_a_damaged_table_of_places_is_not_read() -> None:
    program, operands = IN_FAST.pack(), operands_of(IN_FAST)
    known = [operands[0], operands[1], None, None]
    for size in (60, len(program) - 1):
        assert placed(program, known, aligned(48), size) == (Status.OK, placed(negate().pack(), known, None)[1])
    more = patched(IN_FAST, 64, b"\xff\xff\xff\0")
    assert placed(more, known, aligned(48))[1][2:] == [(None, 0), (None, 0)]
    assert prepare(more, operands) == Status.BAD_PROGRAM
