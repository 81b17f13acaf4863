"""Step models: networks that look at a window of time, computed once for each new row, bit for bit the same."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from testing.corpus import corpus_model
from testing.layers import Geometry, Weighting
from testing.networks import random_network
from tests.time_series import Axis, TimeSeries, time_series
from tflm_msf.arena import MCU32, WHEEL64, predict
from tflm_msf.errors import MsfError
from tflm_msf.graph import DType, Graph, Model, Op, Table
from tflm_msf.graph.step import Step
from tflm_msf.network.time_axis import fitting_hops
from tflm_msf.planner import Planner
from tflm_msf.request import LEAST_HOP, Request
from tflm_msf.tflite_io import write_model
from tflm_msf.verify import VerifyReport, verify

WAKE_WORD = "mlperf__strm_ww_1d"
SEEDS = range(24)
PADDED = range(10)


def step_model(data: bytes, hop: int, stream_input: bool = False) -> Model:
    return Planner.of(data, "m", Request(stateful=hop, stream_input=stream_input)).choose().model


def checked(data: bytes, hop: int, runs: int = 3, stream_input: bool = False) -> VerifyReport:
    """What `verify` says of a step model."""
    return verify(data, write_model(step_model(data, hop, stream_input)), runs)


@pytest.mark.parametrize(("hop", "macs", "most", "most32"), [(1, 46_040, 5_600, 5_000), (30, 826_368, 5_136, 4_468)])
def test_a_wake_word_takes_no_more_than_this(hop: int, macs: int, most: int, most32: int) -> None:
    choice = Planner.of(corpus_model(WAKE_WORD), "m", Request(stateful=hop)).choose()
    assert choice.plan.macs == macs
    assert predict(choice.model, WHEEL64).total <= most
    assert predict(choice.model, MCU32).total <= most32


@pytest.mark.parametrize("hop", [1, 2, 3, 30])
def test_a_wake_word_step_by_step(hop: int) -> None:
    report = checked(corpus_model(WAKE_WORD), hop, runs=20 if hop > 1 else 18)
    assert report.passed, (report.mismatches, report.problems)
    assert report.runs >= 2 * min(500, (18 * 30 - 30) // hop)
    assert report.tensors_compared == (1 if hop == 30 else 5)


def hops_of(data: bytes) -> list[int]:
    """The fewest rows, some more, and the whole window."""
    fitting = fitting_hops(Planner.of(data, "m").network, "m")
    return list(dict.fromkeys((fitting[0], fitting[min(1, len(fitting) - 1)], fitting[len(fitting) // 2], fitting[-1])))


@pytest.mark.parametrize("seed", SEEDS)
def test_random_networks_of_time(seed: int) -> None:
    data = write_model(time_series(seed))
    seen = 0
    for hop in hops_of(data):
        report = checked(data, hop)
        assert report.passed, (hop, report.mismatches, report.problems)
        seen = max(seen, report.tensors_compared - len(Planner.of(data, "m").original.main.outputs))
    assert seen > 0


@pytest.mark.parametrize("seed", range(0, 24, 3))
def test_rows_may_be_streamed(seed: int) -> None:
    data = write_model(time_series(seed))
    report = checked(data, hops_of(data)[0], stream_input=True)
    assert report.passed, (report.mismatches, report.problems)


def test_samples_of_sound_one_after_the_other() -> None:
    layers = TimeSeries(Random(1), Axis.COLUMN)
    x = layers.window(16_000, 1)
    x = layers.conv(x, 8, Geometry((80, 1), (4, 1), same=False), Weighting())
    x = layers.max_pool(x, Geometry((4, 1), (4, 1), same=False))
    x = layers.conv(x, 8, Geometry((3, 1), same=False), Weighting())
    x = layers.max_pool(x, Geometry((4, 1), (4, 1), same=False))
    data = write_model(layers.model([layers.dense(layers.mean(x, False), 4, Weighting())]))
    for stream_input in (False, True):
        model = step_model(data, 320, stream_input)
        report = verify(data, write_model(model), 2)
        assert report.passed, (report.mismatches, report.problems)
        assert Step.of(model) == Step(320, 16_000, 50)


def test_the_fewest_rows_that_suit_the_strides() -> None:
    layers = TimeSeries(Random(0), Axis.COLUMN)
    x = layers.window(40, 4)
    for stride in (2, 3):
        x = layers.conv(x, 4, Geometry((3, 1), (stride, 1), same=False), Weighting())
    data = write_model(layers.model([layers.dense(x, 3, Weighting())]))
    step = Planner.of(data, "m", Request(stateful=LEAST_HOP)).step
    assert step is not None and step.hop == 6
    for hop, nearest in ((1, "6"), (4, "6"), (8, "6 or 12"), (20, "18 or 24")):
        with pytest.raises(MsfError, match=rf"the nearest that --stateful can take is {nearest}\.$"):
            Planner.of(data, "m", Request(stateful=hop))
    with pytest.raises(MsfError, match="takes 1 to 40 new ones, not 41"):
        Planner.of(data, "m", Request(stateful=41))


@pytest.mark.parametrize("seed", PADDED)
def test_padding_in_time_is_refused_by_the_layer(seed: int) -> None:
    random = Random(seed)
    layers = TimeSeries(random, list(Axis)[seed % 3])
    x = layers.window(random.randint(12, 30), 4)
    for _ in range(seed % 3):
        x = layers.conv(x, 4, layers.geometry(x, 3), Weighting())
    geometry = layers.geometry(x, random.choice((2, 3, 5)), same=True)
    padded = layers.depthwise(x, 1, geometry, Weighting()) if seed % 2 else layers.conv(x, 4, geometry, Weighting())
    outputs = [layers.dense(layers.conv(padded, 4, Geometry((1, 1)), Weighting()), 3, Weighting())]
    name = "DEPTHWISE_CONV_2D" if seed % 2 else "CONV_2D"
    with pytest.raises(
        MsfError, match=rf"operator {seed % 3} \({name}, 't\d+'\) pads its rows in time.*padding=\"valid\""
    ):
        Planner.of_model(layers.model(outputs), "m", Request(stateful=1))


def test_padding_that_no_output_depends_on_is_none() -> None:
    layers = TimeSeries(Random(3), Axis.COLUMN)
    x = layers.window(20, 4)
    for _ in range(2):
        x = layers.pad(x, 2, 0, 0, 0)  # as causal convolutions have it
        x = layers.conv(x, 4, layers.geometry(x, 3), Weighting())
    last = layers.crop(x, layers.rows(x) - 1, layers.rows(x))
    data = write_model(layers.model([layers.dense(last, 3, Weighting())]))
    report = checked(data, 1)
    assert report.passed and Step.of(step_model(data, 1)) == Step(1, 20, 5)


def test_causal_padding_counts_where_all_rows_are_used() -> None:
    layers = TimeSeries(Random(3), Axis.COLUMN)
    x = layers.conv(layers.pad(layers.window(20, 4), 2, 0, 0, 0), 4, layers.geometry(0, 3), Weighting())
    model = layers.model([layers.dense(layers.mean(x, False), 3, Weighting())])
    with pytest.raises(MsfError, match=r"operator 1 .* pads its rows in time"):
        Planner.of_model(model, "m", Request(stateful=1))


def test_padding_across_frequencies_may_stay() -> None:
    layers = TimeSeries(Random(4), Axis.SPECTRUM)
    x = layers.pad(layers.window(20, 4), 0, 0, 1, 1)
    x = layers.conv(x, 4, Geometry((3, 3), same=False), Weighting())
    assert checked(write_model(layers.model([layers.dense(x, 3, Weighting())])), 1).passed


def test_what_has_no_time_is_refused() -> None:
    layers = TimeSeries(Random(0), Axis.COLUMN)
    one = layers.input(1, 1, 1, 8)
    with pytest.raises(MsfError, match="looks at one row at a time"):
        Planner.of_model(layers.model([layers.dense(one, 3, Weighting())]), "m", Request(stateful=1))
    with pytest.raises(MsfError, match="keeps rows from one invocation to the next already"):
        Planner.of(corpus_model("stateful/esphome__mww_vad"), "m", Request(stateful=1))
    both = TimeSeries(Random(0), Axis.COLUMN)
    model = both.model([both.add(both.input(1, 9, 1, 4), both.input(1, 9, 1, 4))])
    with pytest.raises(MsfError, match="has 2 inputs"):
        Planner.of_model(model, "m", Request(stateful=1))


def test_a_builtin_may_read_what_a_step_keeps() -> None:
    """An operator that stays TFLM's own sees the whole window."""
    layers = TimeSeries(Random(5), Axis.COLUMN)
    x = layers.conv(layers.window(12, 4), 8, layers.geometry(0, 3), Weighting())
    data = write_model(layers.model([layers.dense(layers.sum(x, (1,)), 3, Weighting())]))
    report = checked(data, 1)
    assert report.passed, (report.mismatches, report.problems)


def test_float_rows_are_quantised_by_tflm() -> None:
    layers = TimeSeries(Random(6), Axis.COLUMN)
    x = layers.conv(layers.window(12, 4), 8, layers.geometry(0, 3), Weighting())
    data = write_model(with_float_input(layers.model([layers.dense(x, 3, Weighting())])))
    assert checked(data, 2).passed
    assert checked(data, 2, stream_input=True).passed


def with_float_input(model: Model) -> Model:
    """The model behind a QUANTIZE."""
    graph = model.main
    (source,) = graph.inputs
    real = replace(graph.tensors[source], name="real", dtype=DType.FLOAT32, quantization=None)
    quantize = Op("QUANTIZE", (len(graph.tensors),), (source,), Table("QuantizeOptions", {}))
    changed = Graph((*graph.tensors, real), (quantize, *graph.ops), (len(graph.tensors),), graph.outputs)
    return replace(model, graphs=(changed,))


@pytest.mark.parametrize("seed", range(30))
def test_any_network_is_a_step_model_or_is_refused_in_a_sentence(seed: int) -> None:
    data = write_model(random_network(Random(seed)))
    try:
        model = step_model(data, LEAST_HOP)
    except MsfError:
        return
    assert verify(data, write_model(model), 3).passed
