"""The four kinds of record, each a value with the fields of SPEC.md in their order.

Fields of version 2 stand behind those of version 1, so that a record of version 1 is the beginning of one.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple

from tflm_msf.format.codes import MAGIC, NO_OPERAND, NONE, VERSION
from tflm_msf.format.limits import COLUMN_BITS


@dataclass(frozen=True)
class Form:
    """How a record is packed: a struct code for each field in order, and how many fields there are in version 1."""

    codes: tuple[str, ...]
    first_version: int

    def size(self, version: int) -> int:
        """Bytes of a record."""
        return self._struct(version).size

    def pack(self, values: tuple[int | tuple[int, ...], ...], version: int) -> bytes:
        """Fields that hold several numbers are tuples."""
        flat: list[int] = []
        for value in values[: self.first_version] if version == 1 else values:
            flat.extend(value if isinstance(value, tuple) else (value,))
        return self._struct(version).pack(*flat)

    def unpack(self, data: bytes, offset: int, version: int) -> list[int | tuple[int, ...]]:
        """Raises struct.error if the record is cut short."""
        flat = iter(self._struct(version).unpack_from(data, offset))
        codes = self.codes[: self.first_version] if version == 1 else self.codes
        return [next(flat) if len(code) == 1 else tuple(next(flat) for _ in range(int(code[:-1]))) for code in codes]

    def _struct(self, version: int) -> struct.Struct:
        codes = self.codes[: self.first_version] if version == 1 else self.codes
        return struct.Struct("<" + "".join(codes))


class Header(NamedTuple):
    """What a program begins with."""

    magic: int = MAGIC
    version: int = VERSION
    header_size: int = 0
    size: int = 0
    checksum: int = 0
    tensor_count: int = 0
    stage_count: int = 0
    group_count: int = 0
    operand_count: int = 0
    input_count: int = 0
    params_operand: int = 0
    workspace_operand: int = 0
    tile_h: int = NONE
    tile_w: int = NONE
    workspace_size: int = 0
    params_size: int = 0
    overlap_input: int = NONE
    overlap_output: int = NONE
    overlap_distance: int = 0
    flags: int = 0
    reserved: int = 0
    order: int = 0
    column_bits: int = COLUMN_BITS
    state_operand: int = NO_OPERAND
    overlaps: int = 0
    state_size: int = 0
    fast_size: int = 0
    fast_operands: int = 0


class Tensor(NamedTuple):
    """A map and where it lies. ``h`` is the low half of the rows; see :attr:`rows`."""

    h: int
    w: int
    c: int
    producer: int = NONE
    operand: int = 0
    kind: int = 0
    h_high: int = 0
    offset: int = 0
    pixels: int = 0
    type: int = 0
    flags: int = 0
    shows: int = NONE
    start: int = 0
    place: int = 0
    history: int = 0

    @property
    def rows(self) -> int:
        """Rows of the map."""
        return self.h_high << 16 | self.h


class Stage(NamedTuple):
    """One operator on maps."""

    op: int
    layout: int = 0
    act_min: int = -128
    act_max: int = 127
    inputs: tuple[int, ...] = (NONE, NONE)
    out: int = NONE
    kernel_h: int = 1
    kernel_w: int = 1
    stride_h: int = 1
    stride_w: int = 1
    dilation_h: int = 1
    dilation_w: int = 1
    pad_top: int = 0
    pad_left: int = 0
    in_zero: tuple[int, ...] = (0, 0)
    out_zero: int = 0
    flags: int = 0
    zoom_h: int = 0
    zoom_w: int = 0
    weights: int = 0
    bias: int = 0
    multipliers: int = 0
    shifts: int = 0
    accumulators: int = 0
    args: tuple[int, ...] = (0, 0, 0, 0, 0, 0)
    third: int = NONE
    third_zero: int = 0
    reserved: int = 0
    scratch: int = 0
    scratch_size: int = 0


class Group(NamedTuple):
    """Consecutive stages that share a grid."""

    first_stage: int
    stage_count: int = 1
    chunk: int = 4
    kind: int = 0
    more: tuple[int, ...] = (0, 0)


class Fast(NamedTuple):
    """Where in fast memory an operand lies, in bytes."""

    offset: int
    size: int


HEADER = Form((*"IHHII", *"HHHHHBB", *"HHII", *"HHI", *"HH", *"BBBBI", *"II"), 21)
TENSOR = Form(tuple("HHHHBBHII" + "BBHIII"), 9)
STAGE = Form((*"BBbb", "2H", *"HHHBBBBhh", "2b", *"bBBB", *"IIIII", "6i", *"HbB", *"II"), 25)
GROUP = Form((*"HHHH", "2I"), 4)
FAST = Form((*"II",), 0)
CHECKSUMMED_FROM = 16
"""Byte of a program from which on it is in the checksum."""
