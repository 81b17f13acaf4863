"""Imports point downward, in the order of CONTRIBUTING.md, which has all modules; the tool knows no tests."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tflm_msf"
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
LINES = re.search(r"^## Where things are\n.*?^```\n(.*?)^```", CONTRIBUTING, re.MULTILINE | re.DOTALL)
assert LINES is not None
LEVEL = {room: -level for level, line in enumerate(LINES[1].splitlines()) for room in line.split()}
"""The higher the number, the higher up."""


def rooms() -> list[str]:
    """Modules and packages directly in tflm_msf."""
    return sorted(path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists())


def imported(path: Path, package: str) -> Iterator[str]:
    """What a file imports from a package: the first name below it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (name.split(".")[1] for name in names if name.startswith(f"{package}."))


def test_the_order_has_every_room_once() -> None:
    assert sorted(LEVEL) == [room for room in rooms() if room not in ("__init__",)]
    assert len(LEVEL) == len(LINES[1].split()) if LINES else False


@pytest.mark.parametrize("room", LEVEL)
def test_imports_point_downward(room: str) -> None:
    files = [PACKAGE / f"{room}.py"] if (PACKAGE / f"{room}.py").exists() else list((PACKAGE / room).rglob("*.py"))
    assert files
    for path in files:
        for other in imported(path, "tflm_msf"):
            if other in LEVEL and other != room:
                assert LEVEL[other] < LEVEL[room], f"{path.relative_to(ROOT)} imports {other}"


def test_the_tool_knows_neither_tests_nor_benchmarks() -> None:
    for path in PACKAGE.rglob("*.py"):
        assert not [*imported(path, "tests"), *imported(path, "testing"), *imported(path, "benchmarks")], path


def test_benchmarks_know_no_tests_but_what_both_share() -> None:
    for path in [*(ROOT / "benchmarks").rglob("*.py"), *(ROOT / "testing").rglob("*.py")]:
        assert not [*imported(path, "tests")], path


def test_kernels_know_who_lies_below() -> None:
    """The rooms of the C sources, likewise."""
    order = ["format", "arch", "kernel", "library", "ops", "engine"]
    sources = ROOT / "tflm_kernels" / "src"
    known = {
        (path.parent.name, room)
        for path in sources.rglob("*.[ch]")
        for room in re.findall(r'#include "(\w+)/', path.read_text(encoding="utf-8"))
        if path.parent != sources and path.parent.name != room
    }
    allowed = {(high, low) for at, high in enumerate(order) for low in order[:at]}
    assert known <= allowed | {("tflm", "format")}, known


def test_only_its_own_files_name_an_instruction_set() -> None:
    """Everything else asks for what is there. A library has ideas of its own about the target."""
    named = re.compile(r"^ *# *(?:el)?if.*(?:MSF_ARCH_(?!\w*H_$)|__ARM_|__XTENSA__|__riscv|__x86_64__)", re.MULTILINE)
    sources = ROOT / "tflm_kernels" / "src"
    found = {path.name for path in sources.rglob("*.[ch]") if named.search(path.read_text(encoding="utf-8"))}
    own = re.compile(r"msf_isa(?:_\w+)?\.h|msf_arch_\w+\.c|msf_library\.h")
    assert [name for name in sorted(found) if not own.fullmatch(name)] == []
    assert "msf_isa.h" in found
