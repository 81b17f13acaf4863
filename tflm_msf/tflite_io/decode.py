"""Bytes of a flatbuffer -> a tree of :class:`~tflm_msf.graph.model.Table`, with every offset and length checked.

The bytes are untrusted. Each read is checked against the end of the file, and the work is bounded by a budget in
proportion to the file's size, so that tables shared by the thousand cannot keep us busy.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from flatbuffers import number_types

from tflm_msf.errors import MsfError
from tflm_msf.graph.model import Table
from tflm_msf.tflite_io.schema import Field, Kind, Schema, enum_names, table_schema

_BUDGET_PER_BYTE = 8
_TABLE_COST = 64
_STRING_COST = 8
"""Costs such that a file that shares nothing stays in budget: a table takes 8 bytes or more, a string 9 or more."""

_UOFFSET = 4
_VTABLE_HEADER = 4


class DamagedError(ValueError):
    """The bytes are no flatbuffer of our schema; the message says what was seen, as part of a sentence."""


def decode(data: bytes, root: str, source: str) -> Table:
    """The table ``root`` that ``data`` starts with.

    Raises :class:`DamagedError` where the bytes make no sense, and :class:`MsfError` where they are of a newer schema
    (naming ``source``), since what we do not know we could not write back.
    """
    decoder = _Decoder(data, source)
    return decoder.table(decoder.target(0), table_schema(root))


def _text(value: bytes) -> str:
    """Text that gives back the same bytes, UTF-8 or not."""
    return value.decode("utf-8", "surrogateescape")


class _Decoder:
    def __init__(self, data: bytes, source: str) -> None:
        self._data = data
        self._size = len(data)
        self._source = source
        self._budget = _BUDGET_PER_BYTE * len(data) + _TABLE_COST

    def _check(self, start: int, size: int) -> None:
        if start < 0 or start + size > len(self._data):
            raise DamagedError(f"{size} bytes expected at byte {start} are outside the file of {len(self._data)} bytes")

    def _spend(self, cost: int) -> None:
        self._budget -= cost
        if self._budget < 0:
            raise DamagedError("its tables add up to far more than the file holds")

    def _number(self, number: Any, at: int) -> Any:
        if at < 0 or at + number.bytewidth > self._size:
            self._check(at, number.bytewidth)
        return number.packer_type.unpack_from(self._data, at)[0]

    def target(self, at: int) -> int:
        """Where the offset at byte ``at`` points to."""
        return at + int(self._number(number_types.UOffsetTFlags, at))

    def _length(self, at: int, width: int) -> int:
        """Number of elements of ``width`` bytes in the vector at byte ``at``, all of them inside the file."""
        count = int(self._number(number_types.UOffsetTFlags, at))
        self._check(at + _UOFFSET, count * width)
        return count

    def table(self, at: int, schema: Schema) -> Table:
        """The table at byte ``at``: its fields that differ from the schema's defaults."""
        vtable = at - self._number(number_types.SOffsetTFlags, at)
        vtable_size = self._number(number_types.VOffsetTFlags, vtable)
        object_size = self._number(number_types.VOffsetTFlags, vtable + 2)
        if vtable_size < _VTABLE_HEADER or object_size < _UOFFSET:
            raise DamagedError(f"the {schema.name} table at byte {at} has no valid header")
        self._check(vtable, vtable_size)
        self._check(at, object_size)
        known = _VTABLE_HEADER + 2 * schema.slots
        self._spend(_TABLE_COST + max(0, vtable_size - known))
        if any(self._data[vtable + known : vtable + vtable_size]):
            raise MsfError(
                f"{self._source} uses a field of {schema.name} that is newer than the TFLite schema known here; "
                "convert the model with an older TensorFlow, or update the Python package 'tflite'."
            )

        slots = min(schema.slots, (vtable_size - _VTABLE_HEADER) // 2)
        offsets = struct.unpack_from(f"<{slots}H", self._data, vtable + _VTABLE_HEADER)

        def place(slot: int, width: int) -> int | None:
            offset = offsets[slot] if slot < slots else 0
            if offset and offset + width > object_size:
                raise DamagedError(f"the {schema.name} table at byte {at} is shorter than its fields")
            return at + offset if offset else None

        fields = {}
        for field in schema.fields:
            where = place(field.slot, field.width)
            if where is None:
                continue
            value: Any
            if field.kind is Kind.UNION:
                value = self._union(where, place(field.slot - 1, 1), field)
            elif field.vector:
                value = self._vector(where, field)
            else:
                value = self._value(where, field)
            if value is not None and value != field.default:
                fields[field.name] = value
        return Table(schema.name, fields)

    def _union(self, at: int, kind_at: int | None, field: Field) -> Table | None:
        kind = 0 if kind_at is None else self._number(number_types.Uint8Flags, kind_at)
        if kind == 0:
            return None
        name = enum_names(field.target).get(kind)
        if name is None:
            raise MsfError(
                f"{self._source} uses number {kind} of {field.target}, which is newer than the TFLite schema known "
                "here; convert the model with an older TensorFlow, or update the Python package 'tflite'."
            )
        return self.table(self.target(at), table_schema(name))

    def _value(self, at: int, field: Field) -> Any:
        if field.kind is Kind.SCALAR:
            return self._number(field.number, at)
        return self._referred(at, field)

    def _referred(self, at: int, field: Field) -> str | Table:
        """The string or the table that the offset at byte ``at`` points to."""
        start = self.target(at)
        if field.kind is Kind.TABLE:
            return self.table(start, table_schema(field.target))
        count = self._length(start, 1)
        self._spend(_STRING_COST + count)
        return _text(self._data[start + _UOFFSET : start + _UOFFSET + count])

    def _vector(self, at: int, field: Field) -> bytes | tuple[Any, ...]:
        start = self.target(at)
        first = start + _UOFFSET
        if field.kind is not Kind.SCALAR:
            count = self._length(start, _UOFFSET)
            return tuple(self._referred(first + _UOFFSET * index, field) for index in range(count))
        width = field.number.bytewidth
        count = self._length(start, width)
        self._spend(count * width)
        if field.is_bytes:
            return self._data[first : first + count]
        return tuple(np.frombuffer(self._data, number_types.to_numpy_type(field.number), count, first).tolist())
