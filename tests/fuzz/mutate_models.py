"""Model files with something wrong in them: bytes changed anywhere, or values that no converter would have written."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from random import Random
from typing import Any

from tflm_msf.graph import DType, Model, Table, Tensor
from tflm_msf.ops import LOWERINGS, SEVERAL_STAGES
from tflm_msf.tflite_io import write_model
from tflm_msf.tflite_io.schema import Kind, enum_names, table_schema

LONGEST_REPAIRED = 1 << 16
"""Bytes of a constant that is made to fit a changed shape."""

NUMBERS = (0, 1, 2, 3, 4, 5, 7, 16, 127, 128, 255, 256, 1000, 30000, 65535, 65536, 2**24, 2**31 - 1)
REALS = (0.0, 1.0, -1.0, 1e-45, 1e-30, 1e-6, 0.5, 2.0, 1e6, 3e38, float("inf"), float("nan"))
NAMES = ("", "\n", "\x1b[2J", "[/b]", "\udcff", "*/", "MSF_BLOCK", "OfflineMemoryAllocation", "x" * 5000)
SHAPES = ((), (0,), (1,), (1, 1), (1, 1, 1, 1), (2, 4, 4, 2), (1, 40000, 40000, 1), (1, 65536, 1, 3), (1, 1, 9999, 7))


def mutated(data: bytes, model: Model, dice: Random) -> bytes:
    """A changed copy of a file and the model in it: its bytes changed, or its values, or both."""
    kind = dice.random()
    if kind < 0.4:
        return mutated_bytes(data, dice)
    changed = mutated_model(model, dice)
    return changed if kind < 0.9 else mutated_bytes(changed, dice)


def mutated_bytes(data: bytes, dice: Random) -> bytes:
    """A few bytes changed, put in, taken out or doubled, or the end cut off."""
    content = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 4, 16))):
        if not content:
            break
        at = dice.randrange(len(content) + 1)
        length = dice.choice((1, 2, 4, 8, 64))
        kind = dice.randrange(20)
        if kind < 8 and at < len(content):
            content[at] = dice.choice((0, 1, 127, 128, 255, content[at] ^ 1 << dice.randrange(8), dice.randrange(256)))
        elif kind < 15:
            number = dice.choice((*NUMBERS, len(content), len(content) - at, 2**32 - 4, dice.randrange(4096)))
            at -= at % 4
            content[at : at + 4] = struct.pack("<I", number % 2**32)
        elif kind == 15:
            content[at:at] = dice.randbytes(length)
        elif kind == 16:
            del content[at : at + length]
        elif kind == 17:
            content[at:at] = content[at : at + length]
        elif kind == 18:
            content[at : at + length] = bytes(length)
        elif len(content) > 8 and dice.random() < 0.3:
            del content[at:]
    return bytes(content)


def mutated_model(model: Model, dice: Random) -> bytes:
    """The file of a model in which a few values were changed; other ones are tried while there is no such file."""
    while True:
        changed = model
        for _ in range(dice.choice((1, 1, 1, 2, 3, 6))):
            changed = _changed(changed, dice)
        if dice.random() < 0.7:
            changed = _with_constants_that_fit(changed, dice)
        try:
            return write_model(changed)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, struct.error):
            continue  # a number that its field cannot hold, say: the mutation's fault


def _changed(value: Any, dice: Random) -> Any:
    """A value of the same type (mostly) with one thing changed somewhere inside."""
    if isinstance(value, Model) and value.graphs and dice.random() < 0.95:
        return replace(value, graphs=_changed_one(value.graphs, dice))
    if isinstance(value, Table):
        return _changed_table(value, dice)
    if isinstance(value, DType):
        return dice.choice(list(DType))
    if is_dataclass(value):
        name = dice.choice([field.name for field in fields(value)])
        changed = _operator(dice) if name == "builtin" else _changed(getattr(value, name), dice)
        if name == "shape" and dice.random() < 0.2:
            changed = dice.choice(SHAPES)
        return replace(value, **{name: changed})  # type: ignore[type-var]
    return _changed_plain(value, dice)


def _changed_plain(value: Any, dice: Random) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return dice.choice((*NUMBERS, -1, -2, -(2**31), value + 1, value - 1, value * 2, value // 2, -value))
    if isinstance(value, float):
        return dice.choice((*REALS, value * 2, value / 2, -value))
    if isinstance(value, bytes):
        return mutated_bytes(value, dice) if value else dice.randbytes(4)
    if isinstance(value, str):
        return dice.choice((*NAMES, value * 2))
    if isinstance(value, tuple):
        return _changed_tuple(value, dice)
    return value


def _changed_tuple(values: tuple[Any, ...], dice: Random) -> tuple[Any, ...]:
    if not values:
        return (dice.choice((0, 1, -1)),)
    at, other = dice.randrange(len(values)), dice.randrange(len(values))
    kind = dice.random()
    if kind < 0.7:
        return _changed_one(values, dice)
    if kind < 0.8:
        return values[:at] + values[at + 1 :]
    if kind < 0.87:
        return (*values[:at], values[other], *values[at:])
    if kind < 0.9:
        return (values[at],) * dice.choice((2, 8, 25, 400))
    return (*values[:at], values[other], *values[at + 1 :])


def _changed_one(values: tuple[Any, ...], dice: Random) -> tuple[Any, ...]:
    at = dice.randrange(len(values))
    return (*values[:at], _changed(values[at], dice), *values[at + 1 :])


def _changed_table(table: Table, dice: Random) -> Table:
    """A field set to another value, or one that was left out set, or another kind of options altogether."""
    if dice.random() < 0.1:
        return Table(dice.choice(_OPTIONS), {})
    field = dice.choice(table_schema(table.name).fields or (None,))
    if field is None or field.kind is not Kind.SCALAR:
        return table
    default = (dice.choice(NUMBERS),) if field.vector else field.default
    return replace(table, fields={**table.fields, field.name: _changed(table.fields.get(field.name, default), dice)})


def _operator(dice: Random) -> str:
    return dice.choice(_OPERATORS if dice.random() < 0.3 else _FUSABLE)


def _with_constants_that_fit(model: Model, dice: Random) -> Model:
    """The model with as much data in every constant as its shape and type ask for, so that it is read any further."""

    def fitted(tensor: Tensor) -> Tensor:
        size = tensor.nbytes
        if tensor.data is None or len(tensor.data) == size or not 0 <= size <= LONGEST_REPAIRED:
            return tensor
        return replace(tensor, data=(tensor.data + dice.randbytes(size))[:size])

    try:
        graphs = tuple(replace(graph, tensors=tuple(map(fitted, graph.tensors))) for graph in model.graphs)
    except (AttributeError, TypeError):
        return model  # something has been put where it does not belong
    return replace(model, graphs=graphs)


def _names(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(name for name in values if name != "NONE"))


_OPTIONS = _names(tuple(enum_names("BuiltinOptions").values()))
_FUSABLE = tuple(sorted({*LOWERINGS, *SEVERAL_STAGES}))
_OPERATORS = _names(tuple(enum_names("BuiltinOperator").values()))
