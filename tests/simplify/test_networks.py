"""Whole networks as converters write them take what their plain twins take."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from testing.corpus import corpus_model
from testing.layers import RELU, Geometry, Weighting
from testing.networks import random_network
from tests.simplify.habits import Habits
from tflm_msf.graph import DType, Graph, Model, Op, Signature, Table, Tensor
from tflm_msf.request import Request
from tflm_msf.rewrite import rewrite_file
from tflm_msf.simplify import simplify
from tflm_msf.tflite_io import read_model, write_model
from tflm_msf.verify import verify

HALVE = Geometry(stride=(2, 2))


def with_open_batch(model: Model) -> Model:
    """Shapes that are constants, computed at run time instead: what a converter writes for a batch of any size."""
    graph = model.main
    tensors, ops = list(graph.tensors), []

    def add(name: str, shape: tuple[int, ...], values: list[int] | None = None) -> int:
        data = None if values is None else np.array(values, "<i4").tobytes()
        tensors.append(Tensor(f"{name}_{len(tensors)}", shape, DType.INT32, data=data))
        return len(tensors) - 1

    for op in graph.ops:
        position = {"RESHAPE": 1, "TRANSPOSE_CONV": 0}.get(op.builtin)
        if position is None:
            ops.append(op)
            continue
        source = op.inputs[0 if op.builtin == "RESHAPE" else 2]
        shape = graph.tensors[op.outputs[0]].shape
        measured, batch, packed = (
            add("shape", (len(tensors[source].shape),)),
            add("batch", ()),
            add("packed", (len(shape),)),
        )
        sizes = [add("size", (), [size]) for size in shape[1:]]
        where = [add("where", (1,), [at]) for at in (0, 1, 1)]
        ops.append(Op("SHAPE", (source,), (measured,), Table("ShapeOptions", {"out_type": 2})))
        ops.append(
            Op("STRIDED_SLICE", (measured, *where), (batch,), Table("StridedSliceOptions", {"shrink_axis_mask": 1}))
        )
        ops.append(Op("PACK", (batch, *sizes), (packed,), Table("PackOptions", {"values_count": len(shape)})))
        ops.append(replace(op, inputs=(*op.inputs[:position], packed, *op.inputs[position + 1 :])))
    return replace(model, graphs=(replace(graph, tensors=tuple(tensors), ops=tuple(ops)),))


def total(model: Model) -> int:
    """Bytes of arena of the rewritten model, which is verified against the model."""
    data = write_model(model)
    rewritten = rewrite_file(data, "the model")
    report = verify(data, rewritten.data, runs=2)
    assert report.passed, (report.mismatches, report.problems)
    return report.arena_rewritten.measured.total


def decoder(random: Random) -> Model:
    layers = Habits(random)
    x = layers.conv(layers.input(1, 32, 32, 1), 8, HALVE, Weighting(RELU))
    x = layers.conv(x, 4, HALVE, Weighting(RELU))
    x = layers.dense(layers.reshape(x, 1, 256), 16, Weighting())
    x = layers.reshape(layers.dense(x, 256, Weighting(RELU)), 1, 8, 8, 4)
    x = layers.relu(layers.transpose_conv(x, 8, HALVE, Weighting()))
    return layers.model([layers.activation("LOGISTIC", layers.transpose_conv(x, 1, HALVE, Weighting()))])


def u_net(random: Random) -> Model:
    layers = Habits(random)
    top = layers.conv(layers.input(1, 24, 32, 1), 8, HALVE, Weighting(RELU))
    x = layers.conv(top, 16, HALVE, Weighting(RELU))
    x = layers.resize(layers.conv(x, 16, Geometry(), Weighting(RELU)), 12, 16, bilinear=True, half_pixel=True)
    x = layers.conv(layers.concatenate(x, top), 8, Geometry(), Weighting(RELU))
    x = layers.conv(layers.transpose_conv(x, 8, HALVE, Weighting()), 1, Geometry((1, 1)), Weighting())
    return layers.model([layers.activation("LOGISTIC", x)])


@pytest.mark.parametrize("make", [decoder, u_net])
def test_an_open_batch_costs_nothing(make: object) -> None:
    model = make(Random(3))  # type: ignore[operator]
    assert total(with_open_batch(model)) == total(model)


def test_random_networks_with_an_open_batch_become_what_they_were() -> None:
    opened = 0
    for seed in range(100):
        model = random_network(Random(seed))
        again = with_open_batch(model)
        opened += len(again.main.ops) > len(model.main.ops)
        plain, folded = simplify(model).model.main, simplify(again).model.main
        assert [op.builtin for op in folded.ops] == [op.builtin for op in plain.ops], seed
    assert opened > 10


def test_a_map_flattened_channels_first_is_never_whole() -> None:
    """TRANSPOSE before Flatten and FULLY_CONNECTED: 8,192 bytes that no stage has to keep."""
    layers = Habits(Random(0))
    x = layers.conv(layers.input(1, 32, 32, 3), 8, Geometry(), Weighting(RELU))
    flat = layers.reshape(layers.transpose(x, [0, 3, 1, 2]), 1, 8192)
    assert total(with_open_batch(layers.model([layers.dense(flat, 4, Weighting())]))) <= 4_000


def transposed_weights(model: Model) -> Model:
    """The model with the weights of its last CONV_2D transposed at run time."""
    graph: Graph = model.main
    at = max(index for index, op in enumerate(graph.ops) if op.builtin == "CONV_2D")
    op = graph.ops[at]
    weights = graph.tensors[op.inputs[1]]
    values = np.frombuffer(weights.data or b"", np.int8).reshape(weights.shape).transpose(0, 3, 1, 2)
    first = replace(weights, name="first", shape=values.shape, data=values.tobytes())
    order = Tensor("order", (4,), DType.INT32, data=np.array([0, 2, 3, 1], "<i4").tobytes())
    count = len(graph.tensors)
    tensors = (*graph.tensors, replace(weights, name="turned", data=None), first, order)
    transpose = Op("TRANSPOSE", (count + 1, count + 2), (count,), Table("TransposeOptions"))
    conv = replace(op, inputs=(op.inputs[0], count, *op.inputs[2:]))
    ops = (transpose, *graph.ops[:at], conv, *graph.ops[at + 1 :])
    return replace(model, graphs=(replace(graph, tensors=tensors, ops=ops),))


def test_transposed_weights_cost_nothing() -> None:
    layers = Habits(Random(1))
    x = layers.conv(layers.input(1, 28, 28, 1), 16, Geometry(same=False), Weighting(RELU))
    x = layers.max_pool(x, Geometry((2, 2), (2, 2), same=False))
    x = layers.conv(x, 32, Geometry(same=False), Weighting(RELU))
    model = layers.model([layers.dense(layers.reshape(x, 1, 3872), 10, Weighting())])
    assert total(transposed_weights(model)) == total(model)


def test_a_recurrent_network_starts_from_a_constant_state() -> None:
    """TFLM refuses FILL with computed dimensions; they are constants."""
    layers = Habits(Random(2))
    x = layers.input(1, 8)
    filled = layers.fill(layers.integers(np.array([1, 8], np.int32)), x)
    layers._rms[filled] = 1.0
    state = layers.dense(filled, 8, Weighting())
    model = layers.model([layers.add(layers.dense(x, 8, Weighting()), state)])
    fill = next(index for index, op in enumerate(model.main.ops) if op.builtin == "FILL")
    computed = model.main.ops[fill]
    graph = model.main
    count = len(graph.tensors)
    shape = Op("SHAPE", (x,), (count,), Table("ShapeOptions", {"out_type": 2}))
    ops = (shape, *graph.ops[:fill], replace(computed, inputs=(count, computed.inputs[1])), *graph.ops[fill + 1 :])
    tensors = (*graph.tensors, Tensor("dims", (2,), DType.INT32))
    refused = replace(model, graphs=(replace(graph, ops=ops, tensors=tensors),))
    rewritten = rewrite_file(write_model(refused), "the model").data
    assert verify(write_model(model), rewritten, runs=3).passed


def test_what_a_signature_names_is_kept() -> None:
    layers = Habits(Random(4))
    y = layers.relu(layers.input(1, 4, 4, 2))
    x = layers.view(y, 1, 16, 2)
    model = layers.model([layers.relu(layers.view(x, 1, 4, 4, 2))])
    named = replace(model, signatures=(Signature("serve", 0, (), (("inner", x),)),))
    assert any(x in op.outputs for op in simplify(named).model.main.ops)
    assert not any(x in op.outputs for op in simplify(model).model.main.ops)


def test_the_report_names_operators_as_the_file_numbers_them() -> None:
    model = with_open_batch(decoder(Random(5)))
    report = rewrite_file(write_model(model), "the model").report
    folded = {entry["index"]: entry["operator"] for change in report["simplified"] for entry in change["operators"]}
    assert folded.items() >= {2: "SHAPE", 3: "STRIDED_SLICE", 4: "PACK"}.items()
    assert all(model.main.ops[index].name == name for index, name in folded.items())
    fused = [index for block in report["blocks"] for index in block["operators"]]
    assert not set(fused) & {index for index, name in folded.items() if name == "SHAPE"}
    assert max(fused) == len(model.main.ops) - 1


@pytest.mark.parametrize(("name", "int8_io"), [("mlperf__vww_refsub_shapeops", False), ("tinyengine__vww", True)])
def test_models_of_the_corpus_become_blocks_alone(name: str, int8_io: bool) -> None:
    rewritten = rewrite_file(corpus_model(name), name, Request(int8_io=int8_io))
    assert {op.name for op in read_model(rewritten.data, name).main.ops} == {"MSF_BLOCK"}
