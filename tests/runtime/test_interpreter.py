from __future__ import annotations

import numpy as np
import pytest

from testing.corpus import corpus_model
from tests.small_models import PLAN, block_model, plan_bytes, small_model
from tflm_msf.errors import MsfError
from tflm_msf.graph import Model
from tflm_msf.runtime import MeasuredArena, Session, measure_arena
from tflm_msf.tflite_io import write_model

RAMP = np.arange(-40, 40, 5, dtype=np.int8).reshape(1, 16)
RELU_OF_RAMP = np.maximum(RAMP, -4)  # the zero point


@pytest.mark.parametrize(
    ("name", "head", "tail"),
    [
        ("mlperf__ad01_fc", 768, 3_216),
        ("mlperf__ic_resnet8", 49_152, 6_832),
        ("mlperf__vww_96", 73_728, 29_952),
        ("tinyengine__vww", 161_472, 63_504),
    ],
)
def test_measured_arena_is_what_tflm_was_seen_to_need(name: str, head: int, tail: int) -> None:
    assert measure_arena(corpus_model(name)) == MeasuredArena(head, tail, head + tail)


def test_runs_again_and_returns_copies() -> None:
    session = Session(write_model(small_model()))
    first = session.run([RAMP])
    second = session.run([np.zeros_like(RAMP)])
    np.testing.assert_array_equal(first[0], RELU_OF_RAMP)
    np.testing.assert_array_equal(second[0], np.zeros_like(RAMP))


def test_inner_tensors_can_be_read_when_all_are_preserved() -> None:
    session = Session(write_model(small_model(offsets=[0, 0, 0, 0, 0])), preserve_all=True)
    session.run([RAMP])
    for index in (1, 2, 3, 4):
        np.testing.assert_array_equal(session.tensor(index), RELU_OF_RAMP)
    for index in (0, 5, -1):
        with pytest.raises(ValueError, match="not kept"):
            session.tensor(index)


def test_an_offline_plan_is_honoured() -> None:
    file = write_model(small_model(offsets=[0, 256, 0, 256, 0]))
    assert Session(file).arena().head == 256 + 16
    np.testing.assert_array_equal(Session(file).run([RAMP])[0], RELU_OF_RAMP)


@pytest.mark.parametrize(
    "content",
    [b"", b"\1\0\0\0", plan_bytes([0, 16]), plan_bytes([0, 16, 0, 16, 0])[:-4], plan_bytes([0, -2, 0, 16, 0])],
    ids=["empty", "no header", "too few", "cut short", "negative"],
)
def test_a_damaged_offline_plan_is_refused(content: bytes) -> None:
    model = Model(small_model().graphs, metadata=((PLAN, content),))
    with pytest.raises(MsfError, match=r"^m\.tflite is damaged: its OfflineMemoryAllocation"):
        Session(write_model(model), source="m.tflite")


def test_wrong_inputs_are_refused() -> None:
    session = Session(write_model(small_model()))
    with pytest.raises(MsfError, match="has 1 inputs, but 2 were given"):
        session.run([RAMP, RAMP])
    with pytest.raises(MsfError, match=r"set input `x` of the model: .*Got 8 but expected 16"):
        session.run([RAMP[:, :8]])
    with pytest.raises(MsfError, match=r"set input `x` of the model: .*FLOAT32"):
        session.run([RAMP.astype(np.float32)])


def test_an_arena_that_is_too_small_is_an_error_and_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(MsfError, match=r"^TFLM cannot load the model: .*Requested.*missing"):
        Session(write_model(small_model()), arena_size=512)
    assert capfd.readouterr() == ("", "")


def test_an_operator_without_a_kernel_is_an_error_and_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(MsfError, match="TILE"):
        Session(corpus_model("sscma__fomo_efficientnet_b0"))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("length", [0, 4, 7, 40, 200])
def test_a_file_cut_short_is_refused(length: int) -> None:
    with pytest.raises(MsfError, match="the model"):
        Session(write_model(small_model())[:length])


@pytest.mark.parametrize("program", [b"", b"\0", b"garbage!" * 40], ids=["none", "one byte", "garbage"])
def test_a_damaged_program_is_an_error_and_prints_nothing(program: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(MsfError, match=r"^TFLM cannot load the model: MSF_BLOCK: \w+.*failed to prepare"):
        Session(block_model(program))
    assert capfd.readouterr() == ("", "")


def test_a_block_of_too_many_tensors_is_an_error() -> None:
    with pytest.raises(MsfError, match="more than 24"):
        Session(block_model(b"garbage!", inputs=24))
