"""The kernels' C interface, called with numpy arrays as operands."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from tests.kernels.handmade import Handmade
from tests.kernels.seeds import Seed
from tflm_msf.runtime.native import load_kernels

Bytes = npt.NDArray[np.uint8]
Int8s = npt.NDArray[np.int8]
ALIGNMENT = 16


class Status(IntEnum):
    """``msf_status``."""

    OK = 0
    BAD_PROGRAM = 1
    BAD_VERSION = 2
    BAD_OPERAND = 3
    BAD_GEOMETRY = 4
    UNSUPPORTED = 5
    SOURCE_FAILED = 6
    SOURCE_MISSING = 7
    STATE_LOST = 8
    FAST_MISSING = 9
    FAST_TOO_SMALL = 10
    FAST_MISALIGNED = 11
    FAST_OVERLAPS = 12


class _Operand(ctypes.Structure):
    _fields_ = (("data", ctypes.c_void_p), ("size", ctypes.c_uint32))


def aligned(size: int, fill: int = 0) -> Bytes:
    """Bytes at a 16-byte aligned address."""
    raw = np.full(size + ALIGNMENT, fill, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + size]


def prepare(program: bytes, operands: Sequence[Bytes | None], shift: int = 0, sizes: Sequence[int] = ()) -> Status:
    """``msf_prepare`` on a copy of the program that lies ``shift`` bytes behind an aligned address."""
    copy = aligned(len(program) + shift)[shift:]
    copy[:] = np.frombuffer(program, np.uint8)
    table = _table(operands, sizes)
    return Status(load_kernels().msf_prepare(_address(copy), len(program), table, len(operands)))


def invoke(program: bytes, operands: Sequence[Bytes | None], sizes: Sequence[int] = ()) -> Status:
    """``msf_invoke``. To be called for programs that were accepted only."""
    copy = aligned(len(program))
    copy[:] = np.frombuffer(program, np.uint8)
    return Status(load_kernels().msf_invoke(_address(copy), _table(operands, sizes), len(operands)))


def state_size(program: bytes) -> int:
    """``msf_state_size``."""
    copy = aligned(len(program))
    copy[:] = np.frombuffer(program, np.uint8)
    return int(load_kernels().msf_state_size(_address(copy), len(program)))


def fast_size(program: bytes) -> int:
    """``msf_fast_size``."""
    copy = aligned(len(program))
    copy[:] = np.frombuffer(program, np.uint8)
    return int(load_kernels().msf_fast_size(_address(copy), len(program)))


def placed(
    program: bytes, operands: Sequence[Bytes | None], memory: Bytes | None, size: int | None = None
) -> tuple[Status, list[tuple[int | None, int]]]:
    """``msf_place_operands`` with fast memory for all models: its status; each operand's address and size."""
    copy = aligned(len(program))
    copy[:] = np.frombuffer(program, np.uint8)
    kernels, table = load_kernels(), _table(operands, ())
    kernels.msf_set_fast_memory(None if memory is None else _address(memory), 0 if memory is None else memory.size)
    status = kernels.msf_place_operands(_address(copy), size or len(program), table, len(operands))
    kernels.msf_set_fast_memory(None, 0)
    return Status(status), [(operand.data, operand.size) for operand in table]


def reset_state() -> None:
    """``msf_reset_state``."""
    load_kernels().msf_reset_state()


def text_of(status: int) -> str:
    """``msf_status_text``."""
    function = load_kernels().msf_status_text
    function.restype = ctypes.c_char_p
    text: bytes = function(status)
    return text.decode()


def ramp(*shape: int) -> Int8s:
    """Values that differ, over nearly all of int8."""
    return (np.arange(np.prod(shape)) * 7 % 251 - 125).astype(np.int8).reshape(shape)


def operands_of(block: Handmade | Seed, inputs: Sequence[Bytes] = (), fill: int = 0) -> list[Bytes]:
    """The operands of a block: inputs first, its params, the others filled with ``fill``."""
    operands = [aligned(size, fill) for size in block.sizes]
    for operand, values in zip(operands, inputs, strict=False):
        operand[:] = values.reshape(-1).view(np.uint8)
    operands[block.params_operand][:] = np.frombuffer(block.params, np.uint8)
    return operands


def _address(values: Bytes) -> ctypes.c_void_p:
    return ctypes.c_void_p(values.ctypes.data)


def _table(operands: Sequence[Bytes | None], sizes: Sequence[int]) -> ctypes.Array[_Operand]:
    lengths = sizes or [0 if operand is None else operand.size for operand in operands]
    rows = [
        _Operand(None if operand is None else operand.ctypes.data, size)
        for operand, size in zip(operands, lengths, strict=True)
    ]
    return (_Operand * len(rows))(*rows)
