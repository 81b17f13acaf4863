from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import pytest

from testing.corpus import corpus_model
from tests.tflite_io.samples import conv_model, everything_model
from tflm_msf.errors import MsfError
from tflm_msf.graph import NO_TENSOR, DType, Graph, Model, Op, Quantization, Signature, Table, Tensor
from tflm_msf.tflite_io import check_model, read_model, write_model


def with_graph(**changes: Any) -> Model:
    model = conv_model()
    return replace(model, graphs=(replace(model.main, **changes),))


def with_tensor(index: int, **changes: Any) -> Model:
    tensors = list(conv_model().main.tensors)
    tensors[index] = replace(tensors[index], **changes)
    return with_graph(tensors=tuple(tensors))


def with_op(**changes: Any) -> Model:
    return with_graph(ops=(replace(conv_model().main.ops[0], **changes),))


def with_signature(graph: int, index: int) -> Model:
    return replace(conv_model(), signatures=(Signature("serve", graph, (("x", 0),), (("y", index),)),))


RELU = Op("RELU", (0,), (3,))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (replace(conv_model(), version=2), "m is written in version 2 of the TFLite schema, and only version 3"),
        (Model(()), "m has no subgraph, so there is nothing to run."),
        (with_op(inputs=(0, 1, 9)), "m: operator 0 (CONV_2D) reads tensor 9, but there are 4 tensors."),
        (with_op(inputs=(0, 1, -2)), "m: operator 0 (CONV_2D) reads tensor -2, but there are 4 tensors."),
        (with_op(outputs=(NO_TENSOR,)), "m: operator 0 (CONV_2D) writes tensor -1, but there are 4 tensors."),
        (with_op(intermediates=(4,)), "m: operator 0 (CONV_2D) has the intermediate tensor 4, but there are 4"),
        (with_op(builtin="CUSTOM", custom_code="a b\n", inputs=(7,)), r"m: operator 0 ('a b\n') reads tensor 7"),
        (with_op(builtin="CUSTOM", custom_code="c" * 999, inputs=(7,)), f"m: operator 0 ('{'c' * 80}...') reads"),
        (with_graph(inputs=(0, 4)), "m: the graph's inputs name tensor 4, but there are 4 tensors."),
        (with_graph(outputs=(-1,)), "m: the graph's outputs name tensor -1, but there are 4 tensors."),
        (with_graph(inputs=()), "m: operator 0 (CONV_2D) reads tensor 0 ('x'), which is neither constant, nor an"),
        (with_graph(ops=()), "m: the graph's output tensor 3 ('y') is written by no operator."),
        (
            with_graph(ops=(RELU, RELU)),
            "m: operator 1 (RELU) writes tensor 3 ('y'), which operator 0 (RELU) has written already.",
        ),
        (with_op(outputs=(3, 1)), "m: operator 0 (CONV_2D) writes tensor 1 ('w'), a constant."),
        (with_tensor(0, shape=(1, -1, 4, 1)), "m: tensor 0 ('x') has the negative size -1 in its shape"),
        (with_tensor(0, shape=(2**30,) * 1000), "m: tensor 0 ('x') has 2^31 elements or more"),
        (with_tensor(0, name="\udcff\n", shape=(-1,)), r"m: tensor 0 ('\udcff\n') has the negative"),
        (with_tensor(1, data=b"12"), "m: tensor 1 ('w') holds 2 bytes of data where its shape and type need 18"),
        (with_tensor(2, dtype=DType.INT64), "m: tensor 2 ('b') holds 8 bytes of data where its shape and type need 16"),
        (
            with_tensor(1, quantization=Quantization((1.0, 1.0), (0,))),
            "m: tensor 1 ('w') has 2 quantisation scales but 1 zero points",
        ),
        (
            with_tensor(1, quantization=Quantization((1.0, 1.0), (), axis=4)),
            "m: tensor 1 ('w') is quantised along dimension 4, but its shape has 4 dimensions",
        ),
        (
            with_tensor(1, quantization=Quantization((1.0, 1.0), (0, 0), axis=1)),
            "m: tensor 1 ('w') has 2 quantisation scales for the 3 slices of dimension 1",
        ),
        (
            with_tensor(0, quantization=Quantization((math.inf,), (0,))),
            "m: tensor 0 ('x') has a quantisation scale that is not a finite number",
        ),
        (with_signature(1, 0), "m: the signature 'serve' is of subgraph 1, but there are 1."),
        (with_signature(0, 4), "m: the signature 'serve' gives tensor 4 the name 'y', but there are 4 tensors."),
    ],
)
def test_says_what_is_wrong_and_where(model: Model, message: str) -> None:
    with pytest.raises(MsfError, match=f"^{re.escape(message)}"):
        check_model(model, "m")


def test_a_written_model_is_checked_when_read() -> None:
    with pytest.raises(
        MsfError, match=r"^model\.tflite: operator 0 \(CONV_2D\) reads tensor 9, but there are 4 tensors"
    ):
        read_model(write_model(with_op(inputs=(0, 1, 9))), "model.tflite")


def test_other_subgraphs_are_named() -> None:
    model = replace(conv_model(), graphs=(conv_model().main, with_graph(outputs=(8,)).main))
    with pytest.raises(MsfError, match=r"^m, subgraph 1: the graph's outputs name tensor 8"):
        check_model(model, "m")


@pytest.mark.parametrize(
    "model",
    [
        everything_model(),
        with_op(inputs=(0, 1, NO_TENSOR)),
        with_tensor(1, quantization=Quantization((1.0, 1.0), ())),
        with_tensor(1, quantization=Quantization((), (0, 0))),
        with_tensor(2, quantization=Quantization((1.0, 1.0), (0, 0), axis=3)),
        with_tensor(1, sparsity=Table("SparsityParameters"), data=b"12"),
        with_tensor(2, dtype=DType.STRING, data=b"any length"),
        Model((Graph((Tensor("", (0, 2**31 - 1, 9), DType.INT8),), (Op("X", (0,), ()),), (), (0,)),)),
    ],
)
def test_unusual_but_sound(model: Model) -> None:
    check_model(model, "m")


def test_biases_with_the_axis_of_their_filters() -> None:
    bias = read_model(corpus_model("tflm__person_detect"), "m").main.tensors[33]
    assert bias.quantization is not None
    assert (len(bias.shape), bias.quantization.axis) == (1, 3)
