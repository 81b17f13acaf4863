"""SPEC.md says what the encoder writes and the kernels read: three places, field by field and number by number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import IntEnum, IntFlag
from pathlib import Path

import pytest

from tests.kernels.sanitized import SOURCES
from tflm_msf.format import (
    MAGIC,
    NO_OPERAND,
    NONE,
    VERSION,
    Group,
    GroupKind,
    Header,
    Layout,
    Order,
    ProgramFlag,
    RowFormat,
    Stage,
    StageFlag,
    StageOp,
    Tensor,
    TensorFlag,
    TensorKind,
    ValueType,
    limits,
)
from tflm_msf.format.records import GROUP, HEADER, STAGE, TENSOR, Form

SPEC = (Path(SOURCES).parent / "SPEC.md").read_text(encoding="utf-8")
CODES = {"u8": "B", "i8": "b", "u16": "H", "i16": "h", "u32": "I", "i32": "i"}
C_TYPES = {f"{'u' if kind[0] == 'u' else ''}int{kind[1:]}_t": code for kind, code in CODES.items()}
RENAMED = {"in": "inputs", "arg": "args"}
"""Fields that Python has another name for: a keyword, and what every stage calls it."""

RECORDS = [
    ("Header", HEADER, Header, (52, 68), "msf_program"),
    ("Tensors", TENSOR, Tensor, (20, 36), "msf_tensor"),
    ("Stages", STAGE, Stage, (72, 84), "msf_stage"),
    ("Groups", GROUP, Group, (8, 16), "msf_group"),
]

Field = tuple[str, str, int]
"""Struct code, name, and how many numbers."""


def source(name: str) -> str:
    """A header or source of the kernels, without comments."""
    path = next(iter(sorted(SOURCES.rglob(name))))
    return re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def fields_in_spec(heading: str) -> list[tuple[int, Field]]:
    """Offset and field of each row in the table of a section; an array is one field."""
    section = SPEC.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found: list[tuple[int, Field]] = []
    for offset, kind, name in re.findall(r"^\| (\d+) \| ([ui]\d+) \| `([^`]+)` \|", section, re.MULTILINE):
        plain = re.sub(r"\[\d\]", "", name)
        if found and found[-1][1][1] == plain:
            first, (code, _, count) = found.pop()
            found.append((first, (code, plain, count + 1)))
        else:
            found.append((int(offset), (CODES[kind], plain, 1)))
    return found


def fields_in_c(structure: str) -> Iterator[Field]:
    """The members of a structure in msf_program.h."""
    structures = re.findall(r"typedef struct \{(.*?)\} (\w+);", source("msf_program.h"), re.DOTALL)
    body = next(members for members, name in structures if name == structure)
    for kind, declared in re.findall(r"(\w+_t) ([^;]+);", body):
        for name, length in re.findall(r"(\w+)(?:\[(\d)\])?", declared):
            yield C_TYPES[kind], name, int(length or 1)


def fields_in_python(form: Form, record: type) -> list[Field]:
    names: tuple[str, ...] = getattr(record, "_fields")  # noqa: B009
    return [(code[-1], name, int(code[:-1] or 1)) for code, name in zip(form.codes, names, strict=True)]


@pytest.mark.parametrize(("heading", "form", "record", "sizes", "structure"), RECORDS)
def test_records(heading: str, form: Form, record: type, sizes: tuple[int, int], structure: str) -> None:
    in_spec = fields_in_spec(heading)
    in_c = [(code, RENAMED.get(name, name), count) for code, name, count in fields_in_c(structure)]
    assert [(code, RENAMED.get(name, name), count) for _, (code, name, count) in in_spec] == in_c
    assert fields_in_python(form, record) == in_c
    assert (form.size(1), form.size(2)) == sizes
    assert [offset for offset, _ in in_spec] == [Form(form.codes[:i], 0).size(2) for i in range(len(form.codes))]
    for size in sizes:
        assert re.search(rf"\| {heading.lower().removesuffix('s')}.* \|.*\b{size}\b", SPEC)
    assert f"#define {structure.upper()}_SIZE_1 {sizes[0]}u" in source("msf_program.h")


def numbers_in_c(prefix: str, name: str = "msf_program.h") -> dict[str, int]:
    """What a header defines with names that begin so, as an enumeration or by a macro."""
    text = source(name)
    pattern = rf"\b{prefix}(\w+)\s*=?\s+(0x[0-9A-Fa-f]+|\d+)u?\b"
    return {found: int(value, 0) for found, value in re.findall(pattern, text)}


def test_operators() -> None:
    rows = re.findall(r"^\| (\d+) \| ([A-Z0-9_]+) \|", SPEC, re.MULTILINE)
    assert {name: int(number) for number, name in rows} == {op.name: op.value for op in StageOp}
    assert numbers_in_c("MSF_OP_") == {op.name: op.value for op in StageOp}


@pytest.mark.parametrize(
    ("codes", "prefix"),
    [(GroupKind, "MSF_GROUP_"), (Layout, "MSF_LAYOUT_"), (Order, "MSF_ORDER_"), (RowFormat, "MSF_PIXELS_")],
)
def test_codes_of_a_kind(codes: type[IntEnum], prefix: str) -> None:
    in_c = {name: value for name, value in numbers_in_c(prefix).items() if name != "SIZE_1"}
    assert in_c == {code.name: code.value for code in codes}


@pytest.mark.parametrize("codes", [TensorKind, ValueType, ProgramFlag, StageFlag, TensorFlag])
def test_codes_without_a_name_for_their_kind(codes: type[IntEnum | IntFlag]) -> None:
    in_c = numbers_in_c("MSF_")
    for code in codes:
        assert in_c[str(code.name)] == code.value
        name, bit = str(code.name).lower(), code.value.bit_length() - 1
        assert re.search(rf"\b{code.value}\b,? \*{name}\*|bit {bit}, \*{name}\*", SPEC)


@pytest.mark.parametrize(
    ("value", "name", "header"),
    [
        (MAGIC, "MSF_MAGIC", "msf_program.h"),
        (VERSION, "MSF_VERSION", "msf_program.h"),
        (NONE, "MSF_NONE", "msf_program.h"),
        (NO_OPERAND, "MSF_NO_OPERAND", "msf_program.h"),
        (limits.MAX_GROUPS, "MSF_MAX_GROUPS", "msf_program.h"),
        (limits.MAX_OPERANDS, "MSF_MAX_OPERANDS", "msf_program.h"),
        (limits.COLUMN_BITS, "MSF_COLUMN_BITS", "msf_program.h"),
        (limits.TALLEST, "MSF_TALLEST", "msf_program.h"),
        (limits.MAX_SHORT_SHIFT, "MSF_MAX_SHORT_SHIFT", "msf_program.h"),
        (limits.STATE_MARK_BYTES, "MSF_STATE_MARK", "msf_state.h"),
        (limits.MAX_TAPS, "MSF_MAX_TAPS", "msf_window.h"),
        (limits.IM2COL_BYTES, "IM2COL_BYTES", "*conv_2d.c"),
    ],
)
def test_limits(value: int, name: str, header: str) -> None:
    defined = re.search(rf"#define {name} (0x[0-9A-Fa-f]+|\d+)u?\b", source(header))
    assert defined and int(defined[1], 0) == value


def test_limits_that_are_expressions() -> None:
    assert f"sizeof(msf_progress) == {limits.PROGRESS_BYTES}" in source("msf_tile.h")
    assert "#define MAX_PIXELS (1u << 23)" in source("*pool.c")
    assert limits.MAX_POOLED_PIXELS == 1 << 23


def test_numbers() -> None:
    assert f"0x{MAGIC:08X}" in SPEC
    assert f"version {VERSION} of the" in SPEC
    for limit in (limits.MAX_GROUPS, limits.MAX_OPERANDS, limits.TALLEST):
        assert re.search(rf"\b{limit}\b", SPEC)
