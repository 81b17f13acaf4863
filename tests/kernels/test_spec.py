"""SPEC.md says what the encoder writes and the kernels read."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from tests.kernels.sanitized import SOURCES
from tflm_msf.ops import StageOp
from tflm_msf.program.encode import GROUP, HEADER, MAGIC, STAGE, TENSOR, VERSION

SPEC = (Path(SOURCES).parent / "SPEC.md").read_text(encoding="utf-8")
CODES = {"u8": "B", "i8": "b", "u16": "H", "i16": "h", "u32": "I", "i32": "i"}


def fields_of(heading: str) -> list[tuple[int, str, str]]:
    """Offset, struct code and name of each field in the table of a section."""
    section = SPEC.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (\d+) \| ([ui]\d+) \| `([^`]+)` \|", section, re.MULTILINE)
    return [(int(offset), CODES[kind], name) for offset, kind, name in rows]


@pytest.mark.parametrize(
    ("heading", "record", "size", "structure"),
    [
        ("Header", HEADER, 52, "msf_program"),
        ("Tensors", TENSOR, 20, "msf_tensor"),
        ("Stages", STAGE, 72, "msf_stage"),
        ("Groups", GROUP, 8, "msf_group"),
    ],
)
def test_records(heading: str, record: struct.Struct, size: int, structure: str) -> None:
    fields = fields_of(heading)
    codes = "".join(code for _, code, _ in fields)
    expanded = re.sub(r"(\d+)(\w)", lambda match: match[2] * int(match[1]), record.format.replace(" ", ""))
    assert f"<{codes}" == expanded
    assert [offset for offset, _, _ in fields] == [struct.calcsize(f"<{codes[:i]}") for i in range(len(codes))]
    assert struct.calcsize(f"<{codes}") == record.size == size
    assert [re.sub(r"\[\d\]", "", name) for _, _, name in fields] == names_in_c(structure)


def names_in_c(structure: str) -> list[str]:
    """Field names of a structure in msf_program.h, arrays as often as they have elements."""
    header = re.sub(r"/\*.*?\*/", "", (SOURCES / "engine/msf_program.h").read_text(encoding="utf-8"), flags=re.DOTALL)
    body = next(b for b, name in re.findall(r"typedef struct \{(.*?)\} (\w+);", header, re.DOTALL) if name == structure)
    names = []
    for declaration in re.findall(r"\w+_t ([^;]+);", body):
        for name, length in re.findall(r"(\w+)(?:\[(\d)\])?", declaration):
            names += [name] * int(length or 1)
    return names


def test_operators() -> None:
    rows = re.findall(r"^\| (\d+) \| ([A-Z0-9_]+) \|", SPEC, re.MULTILINE)
    assert {name: int(number) for number, name in rows} == {op.name: op.value for op in StageOp}


def test_numbers() -> None:
    assert f"0x{MAGIC:08X}" in SPEC
    assert f"version {VERSION} of the" in SPEC
