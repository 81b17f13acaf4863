"""Steps of models that keep a state: README's table is what was counted, and no step has grown since."""

from __future__ import annotations

import pytest

from benchmarks.pages import shown_table
from benchmarks.steps import CORES, MODELS, OF_TFLM, TABLE, Steps, count_rewritten, read_results, table
from testing.corpus import corpus_model
from tests.platformio.pio import need_emulators

GROWTH = 1.005
KNOWN = read_results()
QUICK = ("stateful/esphome__mww_vad", "m4")


def test_readme_has_the_table_of_steps() -> None:
    assert shown_table(TABLE) == table(list(KNOWN.values()))
    assert list(KNOWN) == [(name, core) for name in MODELS for core in CORES]


def test_a_step_takes_at_most_a_quarter_of_what_the_reference_kernels_take() -> None:
    for (_, core), row in KNOWN.items():
        assert (row.original is not None) == (core in OF_TFLM)
        if core == "m4" and row.original is not None:
            assert 4 * row.rewritten <= row.original, row.model


def test_a_share_is_shown_where_the_original_is_known() -> None:
    rows = [Steps("a/b", "m4", 100, 300, 1500), Steps("a/b", "rv32", 100, 400, None)]
    assert table(rows).splitlines()[-1] == "| b | 100 | 300 (3.00; 0.200) | 400 (4.00) |"


def check_step(name: str, core: str) -> None:
    """If this fails, kernels or plans have changed: ``python -m benchmarks.steps --write``, if it was on purpose."""
    need_emulators()
    corpus_model(name)
    assert count_rewritten(name, core).rewritten <= GROWTH * KNOWN[name, core].rewritten


def test_a_step_of_a_voice_detector_has_not_grown() -> None:
    check_step(*QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("name", MODELS)
def test_no_step_has_grown(name: str, core: str) -> None:
    check_step(name, core)
