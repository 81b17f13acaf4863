"""Models with int16 activations and int8 weights pass through: the same outputs, the arena to the byte."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from testing.layers import RELU, Geometry, Weighting
from testing.operators import MoreLayers
from tflm_msf.arena import WHEEL64, predict
from tflm_msf.graph import DType, Model, Quantization, Tensor
from tflm_msf.network.units import build_network
from tflm_msf.rewrite import rewrite_file
from tflm_msf.runtime import Session
from tflm_msf.tflite_io import read_model, write_model
from tflm_msf.verify import verify


def network(seed: int) -> Model:
    """Convolutions with a residual connection, pooling, a dense layer."""
    layers = MoreLayers(Random(seed))
    x = layers.conv(layers.input(1, 12, 10, 3), 8, Geometry(), Weighting(RELU))
    y = layers.conv(layers.depthwise(x, 1, Geometry(), Weighting()), 8, Geometry((1, 1)), Weighting())
    x = layers.max_pool(layers.add(x, y), Geometry((2, 2), (2, 2)))
    return layers.model([layers.dense(layers.average_pool(x, Geometry((2, 2), (2, 2))), 5, Weighting())])


def with_int16_activations(model: Model) -> Model:
    """The same operators on int16, symmetric, with biases of 64 bits, as converters write it."""
    graph = model.main
    biases = {op.inputs[2] for op in graph.ops if len(op.inputs) > 2 and op.inputs[2] >= 0}
    tensors = tuple(_widened(tensor, index in biases) for index, tensor in enumerate(graph.tensors))
    return replace(model, graphs=(replace(graph, tensors=tensors),))


def _widened(tensor: Tensor, is_bias: bool) -> Tensor:
    if is_bias and tensor.data is not None:
        return replace(tensor, dtype=DType.INT64, data=np.frombuffer(tensor.data, "<i4").astype("<i8").tobytes())
    if tensor.is_constant or tensor.quantization is None:
        return tensor
    return replace(tensor, dtype=DType.INT16, quantization=Quantization((tensor.quantization.scale[0] / 256,), (0,)))


@pytest.mark.parametrize("seed", range(6))
def test_a_16x8_model_passes_through(seed: int) -> None:
    original = write_model(with_int16_activations(network(seed)))
    found = rewrite_file(original, "the model")
    units = build_network(read_model(found.data, "the model").main).units
    assert all("int16, not int8" in unit.reason for unit in units)
    measured, predicted = Session(found.data).arena(), predict(read_model(found.data, "the model"), WHEEL64)
    assert (measured.head, measured.tail, measured.total) == (predicted.head, predicted.tail, predicted.total)
    report = verify(original, found.data, runs=3)
    assert report.passed, (report.mismatches, report.problems)
    assert found.report["arena"]["plan"]["total"] <= found.report["arena"]["original"]["total"]
