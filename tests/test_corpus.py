"""Real models, made by others: rewritten with default options they keep every bit and stay within their limits."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from testing.corpus import DIRECTORY, corpus_model, digest_of, digests, model_paths
from tflm_msf.arena import WHEEL64
from tflm_msf.errors import MsfError
from tflm_msf.planner import Planner
from tflm_msf.request import Request
from tflm_msf.rewrite import rewrite_file
from tflm_msf.runtime import Session
from tflm_msf.tflite_io import write_model
from tflm_msf.verify import VerifyReport, verify

INPUTS = {
    "mlperf__vww_96": "mlcommons_tiny_v01__vww__*.dat",
    "mlperf__ic_resnet8": "mlcommons_tiny_v01__imgc__*.dat",
    "mlperf__kws_dscnn": "mlcommons_tiny_v01__kws__*.dat",
    "cfu__mnv2_160_035": "mnv2__*.dat",
    "cfu__hps_untiled": "hps_model__*.dat",
}
"""Real inputs, and the models that they belong to."""

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


class Totals(NamedTuple):
    """A row of README's arena table: bytes, as TFLM reports them."""

    before: int
    after: int
    streamed: int | None


def readme_totals() -> dict[str, Totals]:
    """The arena table of README.md, which `benchmarks/arena.py` writes."""
    table = README[README.index("<!-- arena table begin -->") : README.index("<!-- arena table end -->")]
    rows = (re.split(r"\s*\|\s*", line)[1:-1] for line in table.splitlines() if line.startswith("|"))
    return {
        name: Totals(_bytes(before), _bytes(after), None if streamed == "-" else _bytes(streamed))
        for name, before, after, _, streamed in list(rows)[2:]
    }


def _bytes(cell: str) -> int:
    return int(cell.strip("*").replace(",", ""))


TOTALS = readme_totals()

NOT_RUN_BY_TFLM = {"coral__person_detect_legacy_u8", "sscma__fomo_efficientnet_b0"}


def names() -> list[str]:
    return [path.stem for path in model_paths()] or ["absent"]


def rewritten_and_verified(name: str, runs: int, inputs: list[Path]) -> VerifyReport:
    original = corpus_model(name)
    rewritten = rewrite_file(original, name)
    report = verify(original, rewritten.data, runs, inputs)
    assert report.passed, (report.mismatches, report.problems)
    if name in TOTALS:
        assert report.arena_original is not None
        measured = report.arena_original.measured.total, report.arena_rewritten.measured.total
        assert measured == TOTALS[name][:2]
        assert rewritten.report["overhead"] <= 1
    return report


@pytest.mark.parametrize("name", digests())
def test_the_corpus_is_what_was_measured(name: str) -> None:
    assert digest_of(name) == digests()[name], f"{name} is another file than README's figures are of"


def test_the_corpus_has_no_model_that_is_not_listed() -> None:
    assert {path.name for path in model_paths()} <= {*digests()}
    assert {f"{name}.tflite" for name in TOTALS} <= {*digests()}


@pytest.mark.parametrize("name", names())
def test_each_model_keeps_every_bit(name: str) -> None:
    if name in NOT_RUN_BY_TFLM:
        with pytest.raises(MsfError, match=r"TFLM (refuses|cannot load) .*\.$"):
            verify(corpus_model(name), rewrite_file(corpus_model(name), name).data, 1)
    else:
        rewritten_and_verified(name, 2, [])


@pytest.mark.slow
@pytest.mark.parametrize("name", TOTALS)
def test_many_inputs_and_real_ones_give_the_same_bits(name: str) -> None:
    inputs = sorted((DIRECTORY / "inputs").glob(INPUTS[name])) if name in INPUTS else []
    assert inputs or name not in INPUTS or not DIRECTORY.exists()
    assert rewritten_and_verified(name, 20, inputs).runs == 20 + len(inputs)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, totals in TOTALS.items() if totals.streamed])
def test_streamed_input_takes_what_readme_says(name: str) -> None:
    original = corpus_model(name)
    report = verify(original, rewrite_file(original, name, Request(stream_input=True)).data, 1)
    assert report.passed, (report.mismatches, report.problems)
    assert report.arena_rewritten.measured.total == TOTALS[name].streamed


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in names() if name not in NOT_RUN_BY_TFLM])
def test_the_prediction_holds_all_along_the_front(name: str) -> None:
    model = corpus_model(name)
    front = Planner.of(model, name).front
    for choice in front[:: max(1, len(front) // 5)]:
        arena = choice.arena_on(WHEEL64)
        assert arena is not None
        measured = Session(write_model(choice.model), arena.minimum).arena()
        assert (measured.head, measured.total) == (arena.head, arena.total)
