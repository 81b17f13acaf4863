"""docs/TWO_MEMORIES.md says what is planned today, in no more slow memory than was asked for."""

from __future__ import annotations

import pytest

from benchmarks.firmware import without_softmax
from benchmarks.two_memories import PAGE, ROWS, Asked, traffic_bound
from testing.corpus import corpus_model
from tflm_msf.arena import C_EXPORT
from tflm_msf.planner import Planner
from tflm_msf.request import Limits, Request

MOST_SLOW = {
    ("mlperf__vww_96", 4224): 29_100,
    ("mlperf__ic_resnet8", 2272): 12_500,
    ("mlperf__kws_dscnn", 5200): 0,
    ("mcunet__320kb_1mb_imagenet", 72608): 97_600,
    ("tflm__person_detect", 6816): 10_500,
    ("sscma__fomo_mnv2_035", 29664): 29_100,
    ("nxp__yolo_face_detect", 19200): 64_600,
}
"""Bytes of slow memory beside so many of the fast one."""

STORED_TWICE = 1.05
"""Counted by planned traffic at most: Arm DSP loops store every third pixel of a depthwise convolution twice."""


def told(asked: Asked) -> list[str]:
    """The row of a model in the page."""
    begin = f"| {asked.model} | {asked.fast_ram:,} |"
    (row,) = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith(begin)]
    return [cell.strip().replace(",", "") for cell in row.strip("|").split("|")]


@pytest.mark.parametrize("asked", ROWS, ids=lambda asked: f"{asked.model}-{asked.fast_ram}")
def test_the_page_says_what_is_planned(asked: Asked) -> None:
    data = without_softmax(corpus_model(asked.model))
    limits = Limits(ram=asked.slow, max_overhead=asked.max_overhead)
    planner = Planner.of(data, asked.model, Request(fast_ram=asked.fast_ram, target=C_EXPORT, limits=limits))
    choice = planner.choose()
    plan = choice.plan
    fast, slow = (plan.fast_bytes, choice.needed) if plan.fast else (choice.needed, 0)
    _, given, used, there, overhead, planned, counted, bound, least = told(asked)
    assert (int(given), int(used), int(there)) == (asked.fast_ram, fast, slow)
    assert (overhead, int(planned)) == (f"{plan.overhead:.3f}", plan.traffic)
    assert fast <= asked.fast_ram
    assert slow <= MOST_SLOW.get((asked.model, asked.fast_ram), slow)
    assert int(planned) <= int(counted) <= STORED_TWICE * int(planned)
    assert int(bound) == (traffic_bound(planner, plan, asked.slow) if plan.fast else 0)
    assert int(least) <= int(bound) <= int(planned)
