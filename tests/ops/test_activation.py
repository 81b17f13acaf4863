"""Activations as tables: all 256 inputs, over many scales and zero points."""

from __future__ import annotations

import numpy as np
import pytest

from tflm_msf.graph import DType, Graph, Model, Op, Quantization, Table, Tensor
from tflm_msf.ops import NotFusableError, StageOp, lower
from tflm_msf.runtime import Session
from tflm_msf.tflite_io import write_model

CASES = 250
BYTES = np.arange(256, dtype=np.uint8).reshape(1, 256)
LOWEST = {DType.INT8: -128, DType.UINT8: 0}
NUMPY = {DType.INT8: np.int8, DType.UINT8: np.uint8}
SIGMOIDS = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}


def tensor(name: str, scale: float, zero: int, dtype: DType = DType.INT8) -> Tensor:
    return Tensor(name, (1, 256), dtype, Quantization((float(np.float32(scale)),), (zero,)))


def one_op(builtin: str, source: Tensor, target: Tensor, options: Table | None = None) -> Graph:
    return Graph((source, target), (Op(builtin, (0,), (1,), options),), (0,), (1,))


def assert_same_as_tflm(graphs: list[Graph], least_fused: float) -> None:
    """Tables equal TFLM's results, and at least so large a share of the operators is fused."""
    tensors: list[Tensor] = []
    ops: list[Op] = []
    tables = []
    for graph in graphs:
        try:
            stage = lower(graph, graph.ops[0], {})
        except NotFusableError:
            continue
        assert stage.op is StageOp.TABLE
        table = np.frombuffer(stage.weights, np.uint8)
        tables.append(table[(BYTES[0].astype(int) + 128) % 256])
        first = len(tensors)
        tensors += [*graph.tensors]
        ops.append(Op(graph.ops[0].builtin, (first,), (first + 1,), graph.ops[0].options))
    assert len(tables) >= least_fused * len(graphs)
    inputs = tuple(op.inputs[0] for op in ops)
    model = Model((Graph(tuple(tensors), tuple(ops), inputs, tuple(op.outputs[0] for op in ops)),))
    results = Session(write_model(model)).run([BYTES.view(NUMPY[tensors[index].dtype]) for index in inputs])
    for op, table, result in zip(ops, tables, results, strict=True):
        assert np.array_equal(table, result.view(np.uint8).reshape(-1)), (op, tensors[op.inputs[0]])


@pytest.mark.parametrize(
    ("builtin", "least_fused"),
    [("LOGISTIC", 1), ("TANH", 1), ("HARD_SWISH", 0.7), ("LEAKY_RELU", 1), ("ELU", 0.7), ("ABS", 1)],
)
def test_activations(builtin: str, least_fused: float) -> None:
    random = np.random.default_rng(list(builtin.encode()))
    graphs = []
    for case in range(CASES):
        zero, out_zero = (int(random.choice([-128, 127, 0, int(random.integers(-128, 128))])) for _ in range(2))
        scale = 2 ** random.uniform(-16, 4)
        ratio = 1.0 if case % 10 == 0 else 2 ** random.uniform(-3, 4)
        options = Table("LeakyReluOptions", {"alpha": float(np.float32(random.uniform(-1, 2)))})
        out = SIGMOIDS.get(builtin, (scale * ratio, out_zero))
        graphs.append(
            one_op(builtin, tensor("x", scale, zero), tensor("y", *out), options if builtin == "LEAKY_RELU" else None)
        )
    assert_same_as_tflm(graphs, least_fused)


@pytest.mark.parametrize(
    ("source", "target"), [(DType.INT8, DType.INT8), (DType.UINT8, DType.INT8), (DType.INT8, DType.UINT8)]
)
def test_quantize(source: DType, target: DType) -> None:
    random = np.random.default_rng([source, target])
    graphs = []
    for case in range(CASES):
        zero = int(random.integers(0, 256)) + LOWEST[source]
        scale = 2 ** random.uniform(-16, 4)
        out_scale = scale * (1.0 if case % 5 == 0 else 2 ** random.uniform(-6, 6))
        shifted = zero - LOWEST[source] + LOWEST[target]
        out_zero = shifted if case % 5 == 0 else int(random.integers(0, 256)) + LOWEST[target]
        graphs.append(one_op("QUANTIZE", tensor("x", scale, zero, source), tensor("y", out_scale, out_zero, target)))
    assert_same_as_tflm(graphs, 1)


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        (one_op("LOGISTIC", tensor("x", 0.1, 0), tensor("y", 1 / 256, 0)), "zero point is not -128"),
        (one_op("HARD_SWISH", tensor("x", 1.0, 0), tensor("y", 0.001, 0)), "too small for TFLM"),
        (one_op("ELU", tensor("x", 1e-8, 0), tensor("y", 1e-8, 0)), "depends on the C library's exp"),
        (one_op("QUANTIZE", tensor("x", 1, 0, DType.UINT8), tensor("y", 1, 0, DType.UINT8)), "from uint8 to uint8"),
        (one_op("RELU", tensor("x", 1, 0, DType.UINT8), tensor("y", 1, 0)), "'x' is uint8, not int8"),
        (one_op("RELU", tensor("x", 1, 0), tensor("y", 1, 0, DType.UINT8)), "'y' is uint8, not int8"),
        (one_op("RELU_N1_TO_1", tensor("x", 1, 0), tensor("y", 1, 0)), "it has no fused kernel"),
    ],
)
def test_what_is_not_fused(graph: Graph, reason: str) -> None:
    with pytest.raises(NotFusableError, match=reason):
        lower(graph, graph.ops[0], {})
