"""CONTRIBUTING.md's checklists for what gets added, walked for what is there already."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from benchmarks.emulator import CORES
from tests.emulated.test_inner_loops import DAMAGE
from tests.kernels.seeds import models
from tflm_msf.boards import Board, load_boards
from tflm_msf.cost.time_model import instructions, load_costs
from tflm_msf.cost.work import work_of
from tflm_msf.network.units import build_network
from tflm_msf.ops import StageOp
from tflm_msf.plan import make_plan
from tflm_msf.search.presets import Preset, preset_edges

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "tflm_kernels" / "src"
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
OPERATORS = (SOURCES / "kernel" / "msf_operator.h").read_text(encoding="utf-8")
FROM_THE_SOURCE = (StageOp.SOURCE,)


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def test_what_the_checklists_name_exists() -> None:
    sections = "".join(re.findall(r"^## Adding .*\n((?:(?!^## ).*\n)*)", CONTRIBUTING, re.MULTILINE))
    named = re.findall(r"`((?:tflm_|tests|docs|benchmarks|platformio)[\w/.]+)`", sections)
    assert len(named) >= 20
    for path in named:
        assert (ROOT / path).exists(), path


def test_how_many_files_an_operator_takes() -> None:
    """A folder that is named stands for one file in it."""
    section = CONTRIBUTING.split("## Adding an operator\n")[1].split("\n## ")[0]
    (told,) = re.findall(r"These are (\d+) files .* and (\d+) for one that is a table", section)
    points = re.split(r"^\d\. ", section, flags=re.MULTILINE)[1:]
    named = [set(re.findall(r"(?:tflm_|tests/|testing/|docs/)[\w/.]*[\w/]", point)) for point in points]
    assert (len(set().union(*named)), len(named[0] | named[-1])) == tuple(map(int, told))


@pytest.mark.parametrize("op", StageOp, ids=lambda op: str(op.name))
def test_an_operator(op: StageOp) -> None:
    name = f"MSF_OP_{op.name}"
    assert re.search(rf"\b{name} = {op.value}\b", read("tflm_kernels/src/format/msf_program.h"))
    assert re.search(rf"\b{op.name} = {op.value}\b", read("tflm_msf/format/codes.py"))
    assert re.search(rf"^extern const msf_operator .*\bmsf_{op.name.lower()}\b", OPERATORS, re.MULTILINE)
    assert f"[{name}] = &msf_" in read("tflm_kernels/src/engine/msf_operators.c")
    assert f"[{name}] = " in read("tests/kernels/fuzz_makers.c")
    assert re.search(rf"^\| {op.value} \| {op.name} \|", read("tflm_kernels/SPEC.md"), re.MULTILINE)


def test_what_operators_do_has_a_cost_on_every_core() -> None:
    seen = set()
    for model in models().values():
        network = build_network(model.main)
        plan = make_plan(network, tuple(preset_edges(network, Preset.LAYERWISE)))
        seen |= {unit.stage.op for unit in network.units if unit.stage}
        for core, costs in load_costs().items():
            assert instructions(work_of(plan), costs) > 0, core
    assert seen == set(StageOp) - set(FROM_THE_SOURCE)


def instruction_sets() -> set[str]:
    """Those that the kernels are written for."""
    found = re.findall(r"#define MSF_ARCH_(\w+) 1", read("tflm_kernels/src/arch/msf_isa.h"))
    return {name.lower() for name in found}


def test_an_instruction_set() -> None:
    assert len(instruction_sets()) >= 4
    for name in instruction_sets():
        assert (SOURCES / "arch" / f"msf_arch_{name}.c").exists()
        assert (SOURCES / "arch" / f"msf_isa_{name}.h").exists()
    damaged = {Path(file).stem.split("_")[2] for _, file, _, _ in DAMAGE}
    assert damaged >= instruction_sets() - {"portable"}


@pytest.mark.parametrize("core", CORES)
def test_an_emulated_core(core: str) -> None:
    assert core in load_costs()
    board = json.loads(read(f"platformio/emulated/boards/{core}.json"))
    assert board["name"]
    assert f"| {core} |" in read("README.md")


@pytest.mark.parametrize("board", load_boards(), ids=lambda board: str(board.name))
def test_a_board(board: Board) -> None:
    assert board.timed_as in load_costs() or board.core in NOT_TIMED
    assert board.target.name
    assert 0 <= board.reserved_ram < board.ram and 0 <= board.reserved_flash < board.flash


NOT_TIMED = ("cortex-m3",)
"""Cores whose instructions no emulated core takes: their multiplications differ."""


def test_an_export_format() -> None:
    command = read("tflm_msf/cli/export.py")
    (names,) = re.findall(r"click.Choice\(\[((?:\"[\w-]+\"(?:, )?)+)\]\)", command)
    tests = "".join(read(f"tests/export/test_{part}.py") for part in ("projects", "export_c", "ecosystems"))
    for name in re.findall(r"[\w-]+", names):
        assert f"--format {name} " in command
        assert f'"{name}"' in tests
        assert name in read("README.md")
