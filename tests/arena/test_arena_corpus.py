from __future__ import annotations

import pytest

from testing.corpus import corpus_model
from tests.arena.loads import loads
from tests.arena.measured import MCU32_CORPUS
from tflm_msf.arena import MCU32, WHEEL64, NotPredictedError, Target, live_bytes, predict
from tflm_msf.runtime import MeasuredArena, measure_arena
from tflm_msf.tflite_io import read_model


@pytest.mark.parametrize("name", MCU32_CORPUS)
def test_size_is_that_of_the_wheel_to_the_byte(name: str) -> None:
    data = corpus_model(name)
    size = predict(read_model(data, name), WHEEL64)
    assert MeasuredArena(size.head, size.tail, size.total) == measure_arena(data)
    assert loads([(data, size.minimum), (data, size.minimum - 16)]) == [True, False]


@pytest.mark.parametrize("name", MCU32_CORPUS)
def test_size_is_that_of_a_cortex_m4_to_the_byte(name: str) -> None:
    size = predict(read_model(corpus_model(name), name), MCU32)
    assert (size.head, size.tail) == MCU32_CORPUS[name]


@pytest.mark.parametrize(("target", "minimum"), [(WHEEL64, 4_640), (MCU32, 2_704)])
def test_planning_may_need_more_than_the_plan(target: Target, minimum: int) -> None:
    size = predict(read_model(corpus_model("mlperf__ad01_fc"), "ad01"), target)
    assert size.minimum == minimum > size.total


def test_an_operator_without_a_kernel_is_named() -> None:
    model = read_model(corpus_model("sscma__fomo_efficientnet_b0"), "fomo")
    with pytest.raises(NotPredictedError, match=r"TFLM refuses operator 7 \(TILE\): it has no kernel for it"):
        predict(model, MCU32)
    assert len(live_bytes(model)) == len(model.main.ops)


@pytest.mark.parametrize(
    ("name", "peak"),
    [("mlperf__vww_96", 55_296), ("mlperf__ic_resnet8", 49_152), ("mcunet__320kb_1mb_imagenet", 397_920)],
)
def test_live_peak(name: str, peak: int) -> None:
    assert max(live_bytes(read_model(corpus_model(name), name))) == peak
