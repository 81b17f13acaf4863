"""The TFLite schema, learnt from the generated functions of the ``tflite`` package.

Each is called once on a stand-in for the flatbuffer, which notes how the function would write or read its field. So
every table of the schema, present or future, is known here without a list of our own.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache, cached_property
from typing import Any

from flatbuffers import number_types

_UNIONS: Mapping[str, str] = {
    "BuiltinOptions": "BuiltinOptions",
    "BuiltinOptions2": "BuiltinOptions2",
    "Details": "QuantizationDetails",
    "ArraySegments": "SparseIndexVector",
    "ArrayIndices": "SparseIndexVector",
}
"""Union fields and their unions: the one fact about a field that its accessor does not tell."""


class Kind(Enum):
    """What a field, or each element of a vector field, is."""

    SCALAR = "scalar"
    STRING = "string"
    TABLE = "table"
    UNION = "union"


@dataclass(frozen=True)
class Field:
    """One field of a table.

    ``number`` is the ``flatbuffers.number_types`` class of a scalar, ``target`` the table or union that is held. A
    union's type is in the slot before ``slot``.
    """

    name: str
    slot: int
    kind: Kind
    vector: bool
    number: Any = None
    default: Any = None
    target: str = ""

    @cached_property
    def width(self) -> int:
        """Bytes the field takes in its table: a scalar's own size, or an offset's four."""
        return self.number.bytewidth if self.kind is Kind.SCALAR and not self.vector else 4

    @cached_property
    def is_bytes(self) -> bool:
        """True for a vector of unsigned bytes, which is held as ``bytes``."""
        return self.vector and self.kind is Kind.SCALAR and bool(self.number.name == "uint8")


@dataclass(frozen=True)
class Schema:
    """One table: its fields in slot order. ``slots`` counts deprecated fields and union types too."""

    name: str
    fields: tuple[Field, ...]
    slots: int


class _BuilderProbe:
    """Stands in for ``flatbuffers.Builder``: notes where and how a generated function would add a field."""

    def __init__(self) -> None:
        self.slot = -1
        self.number: Any = None
        self.default: Any = None

    def __getattr__(self, method: str) -> Callable[[int, Any, Any], None]:
        # PrependInt32Slot and its like for a scalar, PrependUOffsetTRelativeSlot for all else.
        number = getattr(number_types, method.removeprefix("Prepend").removesuffix("Slot") + "Flags", None)

        def note(slot: int, _value: Any, default: Any) -> None:
            self.slot, self.number, self.default = slot, number, default

        return note


class _TableProbe:
    """Stands in for ``flatbuffers.table.Table``: notes what a generated accessor would follow its field's offset to."""

    Bytes = b""
    Pos = 0

    def __init__(self) -> None:
        self.kind = Kind.SCALAR
        self.number: Any = None

    def Offset(self, _slot: int) -> int:  # noqa: N802, here and below: the names of the class that this stands in for
        return 1

    def Vector(self, _offset: int) -> int:  # noqa: N802
        return 0

    def Get(self, number: Any, _offset: int) -> Any:  # noqa: N802
        self.number = number
        return number.py_type(0)

    def String(self, _offset: int) -> bytes:  # noqa: N802
        self.kind = Kind.STRING
        return b""

    def Indirect(self, _offset: int) -> int:  # noqa: N802
        self.kind = Kind.TABLE
        return 0

    def Union(self, _table: Any, _offset: int) -> None:  # noqa: N802
        self.kind = Kind.UNION


def _field(table: str, accessor: str) -> Field:
    module = importlib.import_module(f"tflite.{table}")
    builder = _BuilderProbe()
    getattr(module, f"{table}Add{accessor}")(builder, 0)
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", accessor).lower()
    if builder.number is not None:
        return Field(name, builder.slot, Kind.SCALAR, False, builder.number, builder.default)
    reader = getattr(module, table)()
    reader._tab = probe = _TableProbe()
    vector = hasattr(reader, f"{accessor}Length")
    value = getattr(reader, accessor)(*([0] if vector else []))
    target = {Kind.TABLE: type(value).__name__, Kind.UNION: _UNIONS.get(accessor, "")}.get(probe.kind, "")
    return Field(name, builder.slot, probe.kind, vector, probe.number, None, target)


@cache
def table_schema(name: str) -> Schema:
    """The fields of the table ``name``, such as ``"Conv2DOptions"``; names as in ``schema.fbs`` (``stride_w``)."""
    prefix = f"{name}Add"
    functions = vars(importlib.import_module(f"tflite.{name}"))
    every = [_field(name, entry.removeprefix(prefix)) for entry in functions if entry.startswith(prefix)]
    union_types = {field.slot - 1 for field in every if field.kind is Kind.UNION}
    fields = sorted((field for field in every if field.slot not in union_types), key=lambda field: field.slot)
    return Schema(name, tuple(fields), slots=1 + max((field.slot for field in every), default=-1))


@cache
def enum_names(name: str) -> Mapping[int, str]:
    """The names of an enumeration or union of the schema by number, such as ``{3: "CONV_2D"}``."""
    values = vars(getattr(importlib.import_module(f"tflite.{name}"), name))
    return {value: key for key, value in values.items() if isinstance(value, int)}


@cache
def enum_numbers(name: str) -> Mapping[str, int]:
    """The numbers of an enumeration or union of the schema by name: the inverse of :func:`enum_names`."""
    return {value: key for key, value in enum_names(name).items()}
