"""Operators that become tables: all 256 inputs, over many scales and zero points."""

from __future__ import annotations

import numpy as np
import pytest

from tflm_msf.graph import DType, Graph, Model, Op, Quantization, Table, Tensor
from tflm_msf.inputs import Array
from tflm_msf.ops import StageOp, lower
from tflm_msf.runtime import Session
from tflm_msf.tflite_io import write_model

CASES = 300
VALUES: Array = np.arange(-128, 128).astype(np.int8).reshape(1, 256)


def assert_tables_equal(tensors: list[Tensor], ops: list[Op]) -> None:
    """The table of every operator is what TFLM computes for inputs -128 to 127."""
    inputs = tuple(index for op in ops for index in op.inputs if not tensors[index].is_constant)
    outputs = tuple(op.outputs[0] for op in ops)
    model = Model((Graph(tuple(tensors), tuple(ops), inputs, outputs),))
    expected = Session(write_model(model)).run([VALUES] * len(inputs))
    for op, want in zip(ops, expected, strict=True):
        stage = lower(model.main, op, {})
        assert stage.op is StageOp.TABLE
        got = np.frombuffer(stage.weights, np.int8)
        assert np.array_equal(got, want.reshape(-1)), (
            op,
            [tensors[index].quantization for index in op.inputs + op.outputs],
        )


def quantization(random: np.random.Generator, scale: float) -> Quantization:
    zero = int(random.choice([-128, 127, 0, int(random.integers(-128, 128))]))
    return Quantization((float(np.float32(scale)),), (zero,))


def scale(random: np.random.Generator) -> float:
    return float(2 ** random.uniform(-14, 4))


@pytest.mark.parametrize("builtin", ["RELU", "RELU6", "QUANTIZE"])
def test_one_input(builtin: str) -> None:
    random = np.random.default_rng(list(builtin.encode()))
    tensors: list[Tensor] = []
    ops: list[Op] = []
    for case in range(CASES):
        source = scale(random)
        ratio = 1.0 if case % 10 == 0 else 2 ** random.uniform(-12, 12)
        tensors.append(Tensor(f"x{case}", (1, 256), DType.INT8, quantization(random, source)))
        tensors.append(Tensor(f"y{case}", (1, 256), DType.INT8, quantization(random, source * ratio)))
        ops.append(Op(builtin, (2 * case,), (2 * case + 1,)))
    assert_tables_equal(tensors, ops)


@pytest.mark.parametrize("builtin", ["RELU", "ABS", "QUANTIZE", "LEAKY_RELU"])
def test_scales_that_put_a_value_halfway_between_two(builtin: str) -> None:
    random = np.random.default_rng([1, *builtin.encode()])
    tensors: list[Tensor] = []
    ops: list[Op] = []
    for case in range(2 * CASES):
        source = float(np.float32(scale(random)))
        target = float(np.float32(source * random.integers(101, 256) / (random.integers(20, 90) + 0.5)))
        tensors.append(Tensor(f"x{case}", (1, 256), DType.INT8, Quantization((source,), (-128,))))
        tensors.append(Tensor(f"y{case}", (1, 256), DType.INT8, Quantization((target,), (-100,))))
        options = Table("LeakyReluOptions", {"alpha": 0.5}) if builtin == "LEAKY_RELU" else None
        ops.append(Op(builtin, (2 * case,), (2 * case + 1,), options))
    assert_tables_equal(tensors, ops)


@pytest.mark.parametrize("constant_first", [False, True])
@pytest.mark.parametrize("builtin", ["ADD", "SUB", "MUL"])
def test_a_constant_value(builtin: str, constant_first: bool) -> None:
    random = np.random.default_rng([*builtin.encode(), constant_first])
    tensors: list[Tensor] = []
    ops: list[Op] = []
    for case in range(CASES):
        a, b = scale(random), scale(random)
        typical = a * b * 64 if builtin == "MUL" else max(a, b)
        value = int(random.integers(-128, 128)).to_bytes(1, "little", signed=True)
        tensors.append(Tensor(f"x{case}", (1, 256), DType.INT8, quantization(random, a)))
        tensors.append(
            Tensor(f"c{case}", (1,) * int(random.integers(0, 3)), DType.INT8, quantization(random, b), value)
        )
        tensors.append(
            Tensor(f"y{case}", (1, 256), DType.INT8, quantization(random, typical * 2 ** random.uniform(-8, 8)))
        )
        x, constant, y = range(3 * case, 3 * case + 3)
        options = Table(f"{builtin.title()}Options", {"fused_activation_function": case % 4})
        ops.append(Op(builtin, (constant, x) if constant_first else (x, constant), (y,), options))
    assert_tables_equal(tensors, ops)
