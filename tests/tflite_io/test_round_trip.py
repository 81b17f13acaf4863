from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testing.corpus import corpus_model
from tests.tflite_io.samples import CORPUS, conv_model, everything_model
from tflm_msf.graph import DType, Graph, Model, Op, Quantization, Table, Tensor
from tflm_msf.tflite_io import load, read_model, write_model
from tflm_msf.tflite_io.encode import encode

INT64 = st.integers(-(2**63), 2**63 - 1)
FLOAT32 = st.floats(width=32, allow_nan=False, allow_infinity=False)
NAMES = st.binary(max_size=6).map(lambda name: name.decode("utf-8", "surrogateescape"))


@pytest.mark.parametrize("name", CORPUS)
def test_real_models(name: str) -> None:
    original = corpus_model(name)
    model = read_model(original, name)
    written = write_model(model)
    assert read_model(written, name) == model
    assert written == write_model(read_model(written, name))
    assert len(written) <= len(original)


def test_every_field_comes_back() -> None:
    model = everything_model()
    data = write_model(model)
    assert read_model(data, "everything") == model
    assert write_model(everything_model()) == data


def test_a_file_is_read_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(write_model(conv_model()))
    assert load(path) == load(str(path)) == conv_model()


def test_equal_constants_share_a_buffer_and_unused_ones_are_gone() -> None:
    model = conv_model()
    weights = model.main.tensors[1]
    data = np.random.default_rng(0).bytes(4000)
    twins = tuple(replace(weights, name=name, shape=(2, 1, 2000, 1), data=data) for name in "pq")
    doubled = replace(model, graphs=(replace(model.main, tensors=model.main.tensors + twins),))
    growth = len(write_model(doubled)) - len(write_model(model))
    assert 4000 < growth < 4500
    assert read_model(write_model(doubled), "doubled").main.tensors[4:] == twins
    assert write_model(replace(doubled, graphs=(model.main,))) == write_model(model)


def test_defaults_take_no_room() -> None:
    model = conv_model()
    explicit = Table("Conv2DOptions", {"stride_w": 1, "stride_h": 1, "padding": 1, "dilation_w_factor": 1})
    (op,) = model.main.ops
    spelt_out = replace(model, graphs=(replace(model.main, ops=(replace(op, options=explicit),)),))
    assert write_model(spelt_out) == write_model(model)


def test_an_empty_quantisation_table_is_none_but_an_axis_alone_is_kept() -> None:
    def read_back(fields: dict[str, object]) -> Quantization | None:
        tensor = Table("Tensor", {"quantization": Table("QuantizationParameters", fields)})
        graph = Table("SubGraph", {"tensors": (tensor,)})
        root = Table("Model", {"version": 3, "subgraphs": (graph,)})
        return read_model(encode(root, b"TFL3"), "m").main.tensors[0].quantization

    assert read_back({}) is None
    assert read_back({"scale": (), "zero_point": ()}) is None
    assert read_back({"quantized_dimension": 2}) == Quantization((), (), 2)


@pytest.mark.parametrize(
    ("code", "builtin"),
    [
        ({}, "ADD"),
        ({"deprecated_builtin_code": 3}, "CONV_2D"),
        ({"builtin_code": 3}, "CONV_2D"),
        ({"deprecated_builtin_code": 127, "builtin_code": 150}, "GELU"),
        ({"deprecated_builtin_code": 127, "builtin_code": 999}, "BUILTIN_999"),
    ],
)
def test_operator_codes_of_old_and_new_files(code: dict[str, int], builtin: str) -> None:
    fields = {
        "version": 3,
        "operator_codes": (Table("OperatorCode", code),),
        "subgraphs": (Table("SubGraph", {"operators": (Table("Operator"),)}),),
    }
    model = read_model(encode(Table("Model", fields), b"TFL3"), "m")
    assert [op.builtin for op in model.main.ops] == [builtin]
    assert read_model(write_model(model), "m") == model


def test_megabytes_are_copied_and_not_looped_over() -> None:
    data = np.random.default_rng(0).bytes(20_000_000)
    model = Model((Graph((Tensor("big", (len(data),), DType.INT8, data=data),), (), (), (0,)),))
    start = time.process_time()
    assert read_model(write_model(model), "big") == model
    # A builder call for each byte would take some twenty seconds.
    assert time.process_time() - start < 4


@st.composite
def chains(draw: st.DrawFn) -> Model:
    """Any number of one-input operators in a row, with random names, scales, constants and options."""

    def quantization(channels: int) -> Quantization:
        count = draw(st.sampled_from([1, channels]))
        vector = st.lists(FLOAT32, min_size=count, max_size=count).map(tuple)
        zero_points = draw(st.lists(INT64, min_size=count, max_size=count))
        return Quantization(draw(vector), tuple(zero_points), 1 if count > 1 else 0, draw(vector), draw(vector))

    tensors: list[Tensor] = []
    ops = []
    for index in range(draw(st.integers(1, 5))):
        shape = (draw(st.integers(0, 3)), draw(st.integers(1, 4)))
        tensors.append(Tensor(draw(NAMES), shape, DType.INT8, quantization(shape[1])))
        constant = draw(st.binary(min_size=1, max_size=20))
        tensors.append(Tensor(draw(NAMES), (len(constant),), DType.UINT8, data=constant))
        if index:
            axis = draw(st.integers(-(2**31), 2**31 - 1))
            options = draw(st.sampled_from([None, Table("GatherOptions", {"axis": axis} if axis else {})]))
            code = draw(NAMES)
            custom = draw(st.booleans())
            op = Op("CUSTOM" if custom else "GATHER", (2 * index - 2, 2 * index + 1), (2 * index,), options)
            ops.append(replace(op, custom_code=code, custom_options=constant) if custom else op)
    return Model((Graph(tuple(tensors), tuple(ops), (0,), (len(tensors) - 2,), draw(NAMES)),))


@settings(max_examples=60, deadline=None)
@given(chains())
def test_made_up_models(model: Model) -> None:
    data = write_model(model)
    assert read_model(data, "made up") == model
    assert len(data) % 16 == 0
