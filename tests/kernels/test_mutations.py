"""Whatever a program says: msf_prepare rejects it, or msf_invoke stays inside the operands and comes to an end."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.kernels import handmade
from tests.kernels.sanitized import ROOT, SOURCES, Counts, build_harness, compiler, run_generated, run_harness
from tests.kernels.seeds import Seed, write_cases
from tflm_msf.ops import StageOp

RANDOM_CHANGES = 1500
GENERATED = 30_000
"""Programs made from nothing; about a second."""


@pytest.fixture(scope="module")
def harness() -> Path:
    return build_harness()


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_cases(tmp_path_factory.mktemp("cases"))


def test_programs_as_they_are(harness: Path, cases: list[Path], tmp_path: Path) -> None:
    tall = handmade.tall_outputs(60_000)
    case = tmp_path / "tall.case"
    case.write_bytes(Seed("tall", tall.pack(), tall.params, tall.params_operand, tall.sizes).as_case())
    assert run_harness(harness, "run", case, *cases) == Counts(0, 0, 0, len(cases) + 1)


def test_every_field_at_its_limits(harness: Path, cases: list[Path]) -> None:
    counts = run_harness(harness, "fields", *cases)
    assert counts.rejected > 50_000
    assert counts.ran > 20_000
    assert counts.too_long < counts.ran // 50


def test_random_changes(harness: Path, cases: list[Path]) -> None:
    counts = run_harness(harness, "random", str(RANDOM_CHANGES), *cases)
    assert sum(counts) == RANDOM_CHANGES * len(cases) > 20_000
    assert counts.ran > 5_000
    assert counts.too_long < counts.ran // 50


def test_programs_from_nothing(harness: Path) -> None:
    counts, operators = run_generated(harness, 0, GENERATED)
    assert sum(counts) == GENERATED
    assert counts.ran > GENERATED // 3
    assert counts.too_long < counts.ran // 50
    assert operators.keys() == {"KEPT", *(op.name for op in StageOp)}
    assert min(operators.values()) > GENERATED // 40, operators


PARTS = re.findall(r"MSF_WITHOUT_\w+", (SOURCES / "arch/msf_parts.h").read_text())


@pytest.mark.parametrize("parts", [("MSF_WITHOUT_VERSION_1", "MSF_WITHOUT_STATES"), PARTS], ids=["two", "all"])
def test_kernels_without_some_parts_are_as_safe(parts: Sequence[str], harness: Path, tmp_path: Path) -> None:
    """As exports have them: programs that need what is not there are refused, the others run."""
    sources = tmp_path / "src"
    shutil.copytree(SOURCES, sources)
    (sources / "msf_used.h").write_text("".join(f"#define {part}\n" for part in parts))
    without = build_harness(sources)
    try:
        counts, operators = run_generated(without, 0, GENERATED)
        of_all, _ = run_generated(harness, 0, GENERATED)
    finally:
        without.unlink()
    assert of_all.ran // 10 < counts.ran < 0.7 * of_all.ran
    assert operators.keys() == {"KEPT", *(op.name for op in StageOp)} and operators["KEPT"] == 0
    assert (operators["RESIZE_BILINEAR"] == 0) == ("MSF_WITHOUT_ENLARGING" in parts)


def test_no_flipped_bit_goes_unnoticed(harness: Path, cases: list[Path]) -> None:
    counts = run_harness(harness, "flips", *cases)
    assert counts.rejected == 8 * sum(int.from_bytes(case.read_bytes()[:4], "little") for case in cases)
    assert sum(counts) == counts.rejected


FAULTS = {
    "ring": ("kernel/msf_view.h", "v->ring == 0 ? position : position % v->ring", "position"),
    "chunk": ("engine/msf_prepare.c", "out->pixels >= (uint32_t)msf_min(group->chunk, out->w)", "out->pixels > 0"),
    "producer": (
        "engine/msf_prepare.c",
        "msf_last_stage(p, msf_group_at(p, t->producer))->out == made",
        "t->kind != MSF_CHUNK",
    ),
    "overlap": ("engine/msf_prepare.c", " || p->overlap_input == p->params_operand", ""),
    "source": ("engine/msf_prepare.c", " && (!fetches || (p->flags & MSF_STREAMED))", ""),
    "place": ("engine/msf_prepare.c", "msf_fits(t->place / 4, 1, 1, p->state_size / 4) && ", ""),
    "start": ("engine/msf_prepare.c", "msf_fits(t->start, start, 1, p->params_size)", "1"),
    "history": ("engine/msf_prepare.c", "kept->pixels == t->pixels && ", ""),
    "rows": ("engine/msf_prepare.c", "h > tallest || ", ""),
    "window": ("ops/msf_elementwise.c", "return msf_reads_one_pixel(shape->stage) &&", "return"),
    "declared window": (
        "ops/msf_pool.c",
        ".reads = msf_reads_window, .run = run_max",
        ".reads = msf_reads_pixel, .run = run_max",
    ),
    "dilation": ("ops/msf_pool.c", "s->dilation_h == 1 && ", ""),
}
"""Checks that the kernels need, each taken out."""

WRONG_DECLARATIONS = {
    "nothing is compared": (
        "engine/msf_prepare.c",
        "if (!reads_fit(op, &shape, k, ",
        "if (0 && !reads_fit(op, &shape, k, ",
    ),
    "no window": ("engine/msf_prepare.c", " && reads.end <= window.end", ""),
    "high row": ("ops/msf_resize.c", "msf_max(b.low, b.high) + 1", "b.low + 1"),
    "nearest column": (
        "ops/msf_resize.c",
        "region.columns.first = nearest_column(s, x, shape->in[k]->w, shape->out->w);",
        "region.columns.first = 0;",
    ),
    "last met": ("ops/msf_transpose_conv.c", "msf_min(at / factor, size - 1) + 1", "msf_min(at / factor, size - 1)"),
    "first met": ("ops/msf_transpose_conv.c", "first / factor + 1", "first / factor + 2"),
    "second input": ("ops/msf_elementwise.c", "second->h == 1 && second->w == 1", "second->w == 1"),
}
"""Operators that read otherwise than they declare, and declarations that are not compared."""


def broken_harness(sources: Path, name: str, text: str, replacement: str) -> Path:
    """The harness with kernels of which one line is another."""
    shutil.copytree(SOURCES, sources)
    content = (sources / name).read_text()
    assert text in content
    (sources / name).write_text(content.replace(text, replacement))
    return build_harness(sources)


@pytest.mark.slow
@pytest.mark.parametrize("fault", WRONG_DECLARATIONS)
def test_a_wrong_declaration_would_be_found(fault: str, tmp_path: Path) -> None:
    broken = broken_harness(tmp_path / "src", *WRONG_DECLARATIONS[fault])
    try:
        with pytest.raises(AssertionError, match="generated program"):
            run_generated(broken, 0, GENERATED)
    finally:
        broken.unlink()


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_missing_check_would_be_found(fault: str, cases: list[Path], tmp_path: Path) -> None:
    broken = broken_harness(tmp_path / "src", *FAULTS[fault])
    try:
        with pytest.raises(AssertionError, match=r"instead of|random change"):
            run_harness(broken, "fields", *cases)
            run_harness(broken, "random", str(RANDOM_CHANGES), *cases)
    finally:
        broken.unlink()


def test_fuzzing_with_feedback(tmp_path: Path) -> None:
    compiler("clang")
    own_python = f"BIN={Path(sys.executable).parent}"
    command = ["make", "-o", "venv", "fuzz", own_python, "FUZZ_SECONDS=10", f"FUZZ_DIR={tmp_path}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-6000:]
    assert "Done" in done.stderr
