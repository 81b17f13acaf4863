"""Real models, made by others: rewritten with default options they keep every bit and stay within their limits."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.corpus import DIRECTORY, corpus_model, model_paths
from tflm_msf.arena import WHEEL64
from tflm_msf.errors import MsfError
from tflm_msf.planner import Planner
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

TOTAL_LIMITS = {
    "mlperf__vww_96": 32_000,
    "tflm__person_detect": 18_000,
    "mlperf__ic_resnet8": 15_500,
    "mlperf__kws_dscnn": 9_000,
    "cfu__mnv2_160_035": 92_000,
    "mcunet__320kb_1mb_imagenet": 112_000,
    "sscma__fomo_mnv2_035": 38_000,
    "microflow__cifar10_mobilenet": 11_500,
    "tinyengine__vww": 125_000,
    "nxp__yolo_face_detect": 81_000,
    "emza__ssd_slim_120x160": 38_000,
    "arm__ssd_mobilenet_v3_small": 325_900,
    "haverland__dig_class100_s1": 29_000,
    "cfu__hps_untiled": 199_000,
    "mltk__kws_on_off_v3_tenet": 34_000,
}
"""Arena totals in bytes, measured in TFLM with the input in the arena, at no extra compute."""

NOT_RUN_BY_TFLM = {"coral__person_detect_legacy_u8", "sscma__fomo_efficientnet_b0"}


def names() -> list[str]:
    return [path.stem for path in model_paths()] or ["absent"]


def rewritten_and_verified(name: str, runs: int, inputs: list[Path]) -> VerifyReport:
    original = corpus_model(name)
    rewritten = rewrite_file(original, name)
    report = verify(original, rewritten.data, runs, inputs)
    assert report.passed, (report.mismatches, report.problems)
    if name in TOTAL_LIMITS:
        assert report.arena_rewritten.measured.total <= TOTAL_LIMITS[name]
        assert len(rewritten.data) < len(original)
        assert rewritten.report["overhead"] <= 1
    return report


@pytest.mark.parametrize("name", names())
def test_each_model_keeps_every_bit(name: str) -> None:
    if name in NOT_RUN_BY_TFLM:
        with pytest.raises(MsfError, match=r"TFLM (refuses|cannot load) .*\.$"):
            verify(corpus_model(name), rewrite_file(corpus_model(name), name).data, 1)
    else:
        rewritten_and_verified(name, 2, [])


@pytest.mark.slow
@pytest.mark.parametrize("name", TOTAL_LIMITS)
def test_many_inputs_and_real_ones_give_the_same_bits(name: str) -> None:
    inputs = sorted((DIRECTORY / "inputs").glob(INPUTS[name])) if name in INPUTS else []
    assert inputs or name not in INPUTS or not DIRECTORY.exists()
    assert rewritten_and_verified(name, 20, inputs).runs == 20 + len(inputs)


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
