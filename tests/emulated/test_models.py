"""Real models on emulated cores: every output byte as TFLM gives it on this computer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pytest

from benchmarks.emulator import CORES, load_core
from benchmarks.firmware import Case, Measurement, make_cases, measure, without_softmax
from benchmarks.variants import VARIANTS, Variant, front_variants, in_long_chunks
from testing.corpus import corpus_model
from tflm_msf.choice import FREE_OVERHEAD
from tflm_msf.planner import Planner

FAST = ("mlperf__vww_96", "mlperf__kws_dscnn")
OTHERS = ("mlperf__ic_resnet8", "tflm__person_detect", "microflow__cifar10_mobilenet", "sscma__fomo_mnv2_035")
CASES = 3
MAX_STACK = 1024


@cache
def planner(model: str) -> Planner:
    return Planner.of(corpus_model(model), model)


@cache
def cases(model: str) -> Sequence[Case]:
    return make_cases(corpus_model(model), CASES)


def check(model: str, core: str, variant: Variant, expected: Sequence[Case] | None = None) -> Measurement:
    expected = cases(model) if expected is None else expected
    done = measure(load_core(core), variant.sources, expected)
    assert done.status == 0, done.log
    assert done.differing == 0
    assert done.cases == len(done.instructions) == CASES
    assert done.compared == CASES * len(expected[0].outputs) > 0
    assert done.stack <= MAX_STACK
    return done


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("model", [*FAST, *(pytest.param(model, marks=pytest.mark.slow) for model in OTHERS)])
def test_the_plan_without_overhead(model: str, core: str) -> None:
    done = check(model, core, VARIANTS["F1.0"](planner(model)))
    planned = in_long_chunks(planner(model), FREE_OVERHEAD).plan.head
    assert planned - 16 < done.arena <= planned


@pytest.mark.slow
@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("model", [*FAST, *OTHERS])
def test_other_plans_of_the_front_and_every_layer_alone(model: str, core: str) -> None:
    for variant in (*front_variants(planner(model), 3)[1:], VARIANTS["layerwise"](planner(model))):
        check(model, core, variant)


@pytest.mark.parametrize("core", CORES)
def test_the_yardstick_computes_the_same(core: str) -> None:
    """Two models have all operators that the reference loops know."""
    for model in ("mlperf__kws_dscnn", "mlperf__ic_resnet8"):
        data = without_softmax(corpus_model(model))
        check(model, core, VARIANTS["reference"](Planner.of(data, model)), make_cases(data, CASES))


def test_counts_are_repeatable_and_do_not_depend_on_what_ran_before() -> None:
    model = "mlperf__kws_dscnn"
    sources = VARIANTS["F1.0"](planner(model)).sources
    twice = [cases(model)[0], cases(model)[1], cases(model)[0]]
    first = measure(load_core("m4"), sources, twice)
    assert first.instructions[0] == first.instructions[2] > 1_000_000
    assert measure(load_core("m4"), sources, twice) == first


def test_one_wrong_byte_is_seen() -> None:
    model = "mlperf__kws_dscnn"
    good, wrong = cases(model)[0], cases(model)[1]
    wrong = Case(wrong.inputs, wrong.outputs[:-1] + bytes([wrong.outputs[-1] ^ 1]))
    done = measure(load_core("m4"), VARIANTS["F1.0"](planner(model)).sources, [good, wrong])
    assert done.status == 1
    assert done.differing == 1
    assert "case 1, output 0, byte 11" in done.log
