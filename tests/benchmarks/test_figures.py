"""README's figures are those of this code: instructions within 0.5 %, code within 1 %, tables as they were kept.

Arenas are compared in ``tests/test_corpus.py``, cycles in ``tests/benchmarks/test_cycles.py``. What takes long to count
is compared with what other tables say of the same program, so that none is left behind when kernels change.
"""

from __future__ import annotations

import json
import math
import re
import shutil

import pytest

from benchmarks import code_size, cycles, host, peers, speed_table
from benchmarks.bench import MODELS, RESULTS, Result, perform, prepare
from benchmarks.cortex_m_cycles import COSTS
from benchmarks.emulator import CORES
from benchmarks.pages import README, shown_table
from benchmarks.variants import VARIANTS
from testing.corpus import corpus_model
from tests.platformio.pio import need_emulators

TEXT = README.read_text(encoding="utf-8")
INSTRUCTIONS, CODE = 0.005, 0.01
QUICK_MODEL = "mlperf__kws_dscnn"
QUICK_VARIANTS = ("F1.0", "layerwise")

KNOWN = {(r.model, r.core, r.variant): r for r in (Result(**row) for row in json.loads(RESULTS.read_text()))}


def test_readme_has_the_table_of_instructions() -> None:
    assert shown_table(speed_table.TABLE) == speed_table.table()
    assert KNOWN.keys() == {(model, core, variant) for model in MODELS for core in CORES for variant in VARIANTS}


def test_readme_has_the_table_of_code() -> None:
    sizes = code_size.read_results()
    assert shown_table(code_size.TABLE) == code_size.table(sizes)
    assert tuple(sizes) == code_size.MODELS
    assert all(
        tuple(row) == CORES and all(tuple(cell) == ("-O2", "-Os") for cell in row.values()) for row in sizes.values()
    )


def test_cycles_were_found_for_the_instructions_that_were_counted() -> None:
    """If this fails, one table is of other kernels: ``make bench``, ``python -m benchmarks.cycles --write``."""
    rows = [r for r in cycles.read_results() if r.core in CORES and (r.model, r.core, r.variant) in KNOWN]
    assert {(r.model, r.core) for r in rows} == {(model, core) for model in MODELS for core in COSTS}
    for row in rows:
        known = KNOWN[row.model, row.core, row.variant].instructions_per_mac
        assert row.instructions_per_mac == pytest.approx(known, rel=INSTRUCTIONS, abs=0.001), row


@pytest.mark.parametrize("core", peers.CORES)
@pytest.mark.parametrize("model", peers.MODELS)
def test_rewritten_models_take_no_more_than_readme_says_beside_their_peers(model: str, core: str) -> None:
    """Without a checkout of TFLM the C export is counted: the interpreter around it hardly shows."""
    need_emulators()
    corpus_model(model)
    (known,) = (row for row in peers.read_results() if (row.model, row.core) == (model, core))
    (job,) = prepare(model, ("F1.0",), [core])
    assert perform(job).instructions <= (1 + INSTRUCTIONS) * known.rewritten.instructions


def check_bench(model: str, core: str, variants: tuple[str, ...]) -> None:
    """If this fails, kernels or plans have changed: ``make bench`` and ``python -m benchmarks.speed_table --write``."""
    need_emulators()
    corpus_model(model)
    for job in prepare(model, variants, [core]):
        done, known = perform(job), KNOWN[model, core, job.variant]
        assert done.instructions == pytest.approx(known.instructions, rel=INSTRUCTIONS), job.variant
        assert done.overhead == known.overhead, job.variant


@pytest.mark.parametrize("core", CORES)
def test_a_keyword_spotter_takes_the_instructions_that_readme_says(core: str) -> None:
    check_bench(QUICK_MODEL, core, QUICK_VARIANTS)


@pytest.mark.slow
@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("model", MODELS)
def test_all_instructions_are_those_that_readme_says(model: str, core: str) -> None:
    check_bench(model, core, tuple(VARIANTS))


@pytest.mark.parametrize(
    "model", [pytest.param(m, marks=() if m == QUICK_MODEL else pytest.mark.slow) for m in code_size.MODELS]
)
def test_kernels_take_the_code_that_readme_says(model: str) -> None:
    """If this fails, kernels have changed: ``python -m benchmarks.code_size --write``."""
    need_emulators()
    corpus_model(model)
    known, found = code_size.read_results()[model], code_size.measure([model], CORES)[model]
    for core, levels in found.items():
        assert levels == {level: pytest.approx(size, rel=CODE) for level, size in known[core].items()}, core


@pytest.mark.parametrize("factor", [1 + 2 * INSTRUCTIONS, 1 - 2 * INSTRUCTIONS])
def test_an_instruction_in_a_hundred_is_noticed(monkeypatch: pytest.MonkeyPatch, factor: float) -> None:
    key = (QUICK_MODEL, "m4", "F1.0")
    kept = KNOWN[key]
    changed = Result(**{**kept.__dict__, "instructions": math.floor(kept.instructions * factor)})
    monkeypatch.setitem(KNOWN, key, changed)
    with pytest.raises(AssertionError):
        check_bench(QUICK_MODEL, "m4", ("F1.0",))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
def test_this_computer_takes_what_readme_says() -> None:
    """If this fails, ``python -m benchmarks.host`` prints the new figures."""
    told = re.search(r"TFLM's reference ones, (.*?)\.\n\n", TEXT, re.S)
    assert told is not None
    figures = re.findall(r"(\w+__\w+)\s+(?:takes\s+)?(\d\.\d\d)", told[1])
    assert [name for name, _ in figures] == list(host.MODELS)
    for row, (_, ratio) in zip(host.compare(host.MODELS), figures, strict=True):
        assert row.ratio == pytest.approx(float(ratio), abs=0.011), row.model
