"""The networks whose planning is timed are what they are called."""

from __future__ import annotations

from benchmarks.planning import CASES, figure_of, mobilenet
from tflm_msf.api import estimate


def test_mobilenet_is_known_but_for_its_classes() -> None:
    two, five = (estimate(mobilenet(classes)) for classes in (2, 5))
    assert len(mobilenet(2)) == 66
    assert two.macs < five.macs < two.macs + 10_000


def test_a_case_is_measured() -> None:
    figure = figure_of("residual chain of 78")
    assert 0 < figure.units < 6
    assert 20 < figure.megabytes < 1_000
    assert {f"{name}, known" for name in ("cfu__mnv2_160_035", "estimate")} <= set(CASES)
