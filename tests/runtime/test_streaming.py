"""Input that arrives row by row: the same bits, less arena, and clear errors where the rows do not come."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np
import pytest

from testing.corpus import corpus_model
from testing.layers import Geometry, Layers, Weighting
from tflm_msf.errors import MsfError
from tflm_msf.inputs import Array, make_inputs
from tflm_msf.request import Request
from tflm_msf.rewrite import rewrite_file
from tflm_msf.runtime import Session
from tflm_msf.runtime.native import row_source
from tflm_msf.tflite_io import read_model, write_model
from tflm_msf.verify import verify


def small_network() -> bytes:
    """Two convolutions on a 24x20x3 image: rows are needed one after the other."""
    layers = Layers(Random(3))
    x = layers.conv(layers.input(1, 24, 20, 3), 4, Geometry((3, 3), (2, 2)), Weighting())
    x = layers.conv(x, 6, Geometry((3, 3)), Weighting())
    return write_model(layers.model([x]))


def rows_of(image: Array, asked: list[int], fail_at: int | None = None) -> Callable[[int, int], bytes | None]:
    pixels = image.tobytes()

    def row(y: int, size: int) -> bytes | None:
        asked.append(y)
        return None if y == fail_at else pixels[y * size : (y + 1) * size]

    return row


def test_streamed_rows_give_the_same_bits_without_the_input_tensor() -> None:
    original = small_network()
    rewritten = rewrite_file(original, "net", Request(stream_input=True)).data
    report = verify(original, rewritten, runs=5)
    assert report.passed, (report.mismatches, report.problems)
    assert read_model(rewritten, "net").main.inputs == ()
    plain = verify(original, rewrite_file(original, "net").data, runs=1)
    assert report.arena_rewritten.measured.total < plain.arena_rewritten.measured.total


def test_every_row_is_asked_for_once_and_in_order() -> None:
    original = small_network()
    session = Session(rewrite_file(original, "net", Request(stream_input=True)).data)
    image = make_inputs(read_model(original, "net").main, 1, 0)[0][0]
    asked: list[int] = []
    with row_source(rows_of(image, asked)):
        session.run([])
    assert asked == list(range(24))


def test_a_source_that_fails_gives_the_inference_up_and_the_next_one_works() -> None:
    original = small_network()
    expected = Session(original)
    session = Session(rewrite_file(original, "net", Request(stream_input=True)).data)
    image = make_inputs(read_model(original, "net").main, 1, 0)[0]
    asked: list[int] = []
    with (
        row_source(rows_of(image[0], asked, fail_at=17)),
        pytest.raises(MsfError, match="row source gave the inference up"),
    ):
        session.run([])
    assert asked == list(range(18))
    assert np.array_equal(session.run(image)[0], expected.run(image)[0])


def test_without_a_source_a_streamed_model_reports_it() -> None:
    session = Session(rewrite_file(small_network(), "net", Request(stream_input=True)).data)
    with pytest.raises(MsfError, match="set a row source before"):
        session.run([])


def test_a_source_does_not_disturb_a_model_that_has_an_input_tensor() -> None:
    original = small_network()
    session = Session(rewrite_file(original, "net").data)
    inputs = make_inputs(read_model(original, "net").main, 1, 0)[0]
    before = session.run(inputs)
    with row_source(lambda _, size: bytes(size)):
        assert np.array_equal(session.run(inputs)[0], before[0])


def test_only_a_single_input_can_be_streamed() -> None:
    layers = Layers(Random(4))
    total = layers.add(layers.input(1, 4, 4, 2), layers.input(1, 4, 4, 2))
    with pytest.raises(MsfError, match="has 2 inputs"):
        rewrite_file(write_model(layers.model([total])), "net", Request(stream_input=True))


LIMITS = {
    "mlperf__vww_96": 17_500,
    "tflm__person_detect": 17_000,
    "mlperf__ic_resnet8": 13_500,
    "mlperf__kws_dscnn": 8_500,
    "cfu__mnv2_160_035": 36_000,
    "mcunet__320kb_1mb_imagenet": 72_000,
    "tinyengine__vww": 20_000,
}


@pytest.mark.parametrize("name", LIMITS)
def test_real_models_stay_within_their_limits(name: str) -> None:
    original = corpus_model(name)
    report = verify(original, rewrite_file(original, name, Request(stream_input=True)).data, runs=3)
    assert report.passed, (report.mismatches, report.problems)
    assert report.arena_rewritten.measured.total <= LIMITS[name]
