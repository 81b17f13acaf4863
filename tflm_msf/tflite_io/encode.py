"""A tree of :class:`~tflm_msf.graph.model.Table` -> the bytes of a flatbuffer. The same tree gives the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from flatbuffers import number_types

from tflm_msf.graph.model import Table
from tflm_msf.tflite_io.schema import Field, Kind, enum_numbers, table_schema

ALIGNMENT = 16
"""Bytes. Vectors of bytes start at multiples of it, and the file's length is one, so files can follow each other."""

_TABLE_SPACE = 64


def encode(root: Table, identifier: bytes) -> bytes:
    """The flatbuffer of ``root`` with a four-byte file ``identifier``.

    A vector of bytes may be given as ``bytes``, any other as a tuple; a field that has its default is left out.
    """
    # Room from the start: the builder grows by copying all it has.
    builder = flatbuffers.Builder(_room(root))
    builder.Prep(ALIGNMENT, 0)
    builder.Finish(_table(builder, root), identifier)
    return bytes(builder.Output())


def _room(value: Any) -> int:
    """About as many bytes as ``value`` will take."""
    if isinstance(value, Table):
        return _TABLE_SPACE + sum(_room(entry) for entry in value.fields.values())
    if isinstance(value, tuple) and value and isinstance(value[0], Table):
        return sum(_room(entry) for entry in value)
    if isinstance(value, (bytes, str)):
        return len(value) + ALIGNMENT + 4
    return 8 * (1 + len(value)) if isinstance(value, tuple) else 8


def _table(builder: flatbuffers.Builder, table: Table) -> int:
    """Write a table after everything that it refers to; its place in the buffer, counted from the end."""
    schema = table_schema(table.name)
    unknown = set(table.fields) - {field.name for field in schema.fields}
    if unknown:
        raise KeyError(f"{table.name} has no field {sorted(unknown)[0]}")
    present = [(field, table.fields[field.name]) for field in schema.fields if field.name in table.fields]
    slots: list[tuple[int, Any, Any, Any]] = []
    for field, value in present:
        if field.kind is Kind.UNION:
            kind = enum_numbers(field.target)[value.name]
            slots.append((field.slot, number_types.UOffsetTFlags, _table(builder, value), 0))
            slots.append((field.slot - 1, number_types.Uint8Flags, kind, 0))
        elif field.vector or field.kind is not Kind.SCALAR:
            place = _vector(builder, field, value) if field.vector else _referred(builder, field, value)
            slots.append((field.slot, number_types.UOffsetTFlags, place, 0))
        else:
            slots.append((field.slot, field.number, value, field.default))
    builder.StartObject(schema.slots)
    # The widest first, so that no field needs padding but the first.
    for slot, number, value, default in sorted(slots, key=lambda entry: (-entry[1].bytewidth, entry[0])):
        if number is number_types.UOffsetTFlags:
            builder.PrependUOffsetTRelativeSlot(slot, value, default)
        else:
            builder.PrependSlot(number, slot, value, default)
    return int(builder.EndObject())


def _referred(builder: flatbuffers.Builder, field: Field, value: Any) -> int:
    """Write a string or a table."""
    if field.kind is Kind.TABLE:
        return _table(builder, value)
    return int(builder.CreateString(value, "utf-8", "surrogateescape"))


def _vector(builder: flatbuffers.Builder, field: Field, values: bytes | Sequence[Any]) -> int:
    """Write a vector, in one copy where its elements are numbers."""
    if field.kind is not Kind.SCALAR:
        places = [_referred(builder, field, value) for value in values]
        builder.StartVector(4, len(places), 4)
        for place in reversed(places):
            builder.PrependUOffsetTRelative(place)
        return int(builder.EndVector())
    if isinstance(values, bytes):
        payload, alignment = values, ALIGNMENT
    else:
        payload = np.array(values, number_types.to_numpy_type(field.number)).tobytes()
        alignment = field.number.bytewidth
    builder.StartVector(field.number.bytewidth, len(values), alignment)
    builder.head -= len(payload)
    builder.Bytes[builder.head : builder.head + len(payload)] = payload
    return int(builder.EndVector())
