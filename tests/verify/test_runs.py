from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from testing.corpus import corpus_file, corpus_model
from tests.small_models import activation, small_model
from tflm_msf.errors import MsfError
from tflm_msf.graph import DType, Graph, Model, Op
from tflm_msf.runtime import Session
from tflm_msf.tflite_io import read_model, write_model
from tflm_msf.verify import verify

SMALL = write_model(small_model())


def add_model() -> Model:
    tensors = (activation("x"), activation("z"), activation("y"))
    return Model((Graph(tensors, (Op("ADD", (0, 1), (2,)),), (0, 1), (2,)),))


@pytest.mark.parametrize("name", ["mlperf__kws_aww_u8in", "haverland__dig_class100_s1", "nxp__yolo_face_detect"])
def test_a_model_is_itself(name: str) -> None:
    model = corpus_model(name)
    report = verify(model, model, runs=4)
    assert report.bit_exact
    assert report.mismatches == ()
    assert report.runs == 4
    assert report.tensors_compared > 10
    assert report.values_compared > 10_000
    assert report.arena_original is not None
    assert report.arena_original.measured == report.arena_rewritten.measured == Session(model).arena()


def test_counts_every_value_compared() -> None:
    report = verify(SMALL, SMALL, runs=5)
    outputs, inner = 5 * 16, 3 * 3 * 16  # inner tensors a, b, c on the first three runs
    assert report.values_compared == outputs + inner
    assert report.tensors_compared == 4


def test_one_flipped_weight_bit_is_seen_and_located() -> None:
    original = corpus_model("mlperf__ic_resnet8")
    graph = read_model(original, "resnet").main
    conv = next(op for op in graph.ops if op.builtin == "CONV_2D")
    weights = graph.tensors[conv.inputs[1]].data
    assert weights is not None
    place = original.index(weights)
    flipped = bytearray(original)
    flipped[place] ^= 0x40
    report = verify(original, bytes(flipped), runs=3)
    assert not report.bit_exact
    assert graph.tensors[conv.outputs[0]].name in {mismatch.tensor for mismatch in report.mismatches}
    assert all(mismatch.expected != mismatch.got for mismatch in report.mismatches)


def test_a_wrong_inner_tensor_is_seen_behind_equal_outputs() -> None:
    graph = small_model("xay").main
    other = replace(graph, ops=(Op("RELU6", (0,), (1,)), Op("RELU6", (1,), (2,))))
    same_end = replace(graph, ops=(Op("RELU", (0,), (1,)), Op("RELU6", (1,), (2,))))
    report = verify(write_model(Model((other,))), write_model(Model((same_end,))), runs=2)
    assert {mismatch.tensor for mismatch in report.mismatches} == {"a"}


def test_inner_tensors_are_matched_by_unique_name() -> None:
    renamed = write_model(small_model("xaBcy"))
    assert verify(SMALL, renamed, runs=1).tensors_compared == 3
    twice = write_model(small_model("xabby"))
    assert verify(twice, twice, runs=1).tensors_compared == 2


def test_the_arenas_that_the_models_ran_in_are_reported() -> None:
    planned = write_model(small_model(offsets=[0, 4096, 0, 4096, 0]))
    report = verify(SMALL, planned, runs=1)
    assert report.bit_exact
    assert report.arena_rewritten.measured.head == 4096 + 16
    assert report.arena_rewritten.ran_in == report.arena_rewritten.measured.total
    assert report.arena_original is not None
    assert report.arena_original.ran_in >= report.arena_original.measured.total


def test_the_seed_decides() -> None:
    relu6_ops = tuple(Op("RELU6", (index,), (index + 1,)) for index in range(4))
    relu6 = write_model(Model((replace(small_model().main, ops=relu6_ops),)))
    assert verify(SMALL, relu6, seed=1) == verify(SMALL, relu6, seed=1)
    assert verify(SMALL, relu6, seed=1).mismatches != verify(SMALL, relu6, seed=2).mismatches


def test_real_inputs_from_files() -> None:
    model = corpus_model("mlperf__ic_resnet8")
    files = [corpus_file(f"inputs/mlcommons_tiny_v01__imgc__test_data__quant_{name}.dat") for name in ("cat", "dog")]
    report = verify(model, model, runs=0, input_files=files)
    assert report.bit_exact
    assert report.runs == 2


def test_bad_input_files_are_refused(tmp_path: Path) -> None:
    short = tmp_path / "short.dat"
    short.write_bytes(bytes(15))
    with pytest.raises(MsfError, match=r"short\.dat has 15 bytes, but input `x` takes 16"):
        verify(SMALL, SMALL, input_files=[short])
    with pytest.raises(MsfError, match=r"missing\.dat cannot be read: No such file"):
        verify(SMALL, SMALL, input_files=[tmp_path / "missing.dat"])
    two_inputs = write_model(add_model())
    with pytest.raises(MsfError, match="this one has 2"):
        verify(two_inputs, two_inputs, input_files=[short])


def test_models_with_two_inputs_are_compared() -> None:
    model = write_model(add_model())
    assert verify(model, model, runs=2).values_compared == 2 * 16


def test_nothing_to_run_is_an_error() -> None:
    with pytest.raises(MsfError, match="nothing to verify"):
        verify(SMALL, SMALL, runs=0)


def test_models_with_different_ends_are_refused() -> None:
    graph = small_model("xy").main
    wide = replace(graph, tensors=tuple(replace(tensor, shape=(1, 32)) for tensor in graph.tensors))
    with pytest.raises(MsfError, match=r"^b is no rewrite of a: its inputs are int8 1x32 instead of int8 1x16\.$"):
        verify(SMALL, write_model(Model((wide,))), sources=("a", "b"))
    two_ends = replace(small_model().main, outputs=(3, 4))
    with pytest.raises(MsfError, match="its outputs are int8 1x16, int8 1x16 instead of int8 1x16"):
        verify(SMALL, write_model(Model((two_ends,))))


def test_a_model_that_does_not_load_is_named() -> None:
    with pytest.raises(MsfError, match=r"new one is not a \.tflite model"):
        verify(SMALL, b"no model", sources=("old one", "new one"))


def test_float_inputs() -> None:
    tensors = (activation("x", DType.FLOAT32), activation("q"), activation("y", DType.FLOAT32))
    ops = (Op("QUANTIZE", (0,), (1,)), Op("DEQUANTIZE", (1,), (2,)))
    model = write_model(Model((Graph(tensors, ops, (0,), (2,)),)))
    assert verify(model, model, runs=3).bit_exact
