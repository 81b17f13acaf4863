"""Firmware with two memories on emulated cores: the same bits, and slow memory is read and written as planned."""

from __future__ import annotations

import pytest

from benchmarks.emulator import IN_PSRAM, OPTIMIZED, load_core
from benchmarks.firmware import MODEL, make_cases, measure, with_kernels, without_softmax
from testing.corpus import corpus_model
from tflm_msf.arena import C_EXPORT
from tflm_msf.export import export_c
from tflm_msf.planner import Planner
from tflm_msf.request import Request

CASES = 2
STORED_TWICE = {"mlperf__vww_96": 768, "mlperf__ic_resnet8": 2}
"""Bytes that loops of Arm DSP cores store again: for the third of three pixels of a depthwise convolution, and of ten
channels of one pixel, made four at a time, the two that are in the last four as well."""


@pytest.mark.parametrize("core", ["m4", "m33"])
@pytest.mark.parametrize(
    ("model", "fast_ram"), [("mlperf__vww_96", 4224), ("mlperf__ic_resnet8", 2272), ("mlperf__kws_dscnn", 4000)]
)
def test_slow_memory_is_read_and_written_as_planned(model: str, fast_ram: int, core: str) -> None:
    data = without_softmax(corpus_model(model))
    choice = Planner.of(data, model, Request(fast_ram=fast_ram, target=C_EXPORT)).choose()
    sources = with_kernels(export_c(choice.model, MODEL))
    flags = (*OPTIMIZED, f"-DMODEL_ARENA_SECTION={IN_PSRAM}")
    done = measure(load_core(core), sources, make_cases(data, CASES), flags)
    assert (done.status, done.differing) == (0, 0), done.log
    assert choice.plan.fast_bytes <= fast_ram
    counted = {loaded + stored for loaded, stored in zip(done.loaded, done.stored, strict=True)}
    assert counted == {choice.plan.traffic + STORED_TWICE.get(model, 0)}
