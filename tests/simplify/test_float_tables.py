"""Float operators between DEQUANTIZE and QUANTIZE: a table that gives what TFLM gives for each of 256 values."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from tests.simplify.habits import Habits
from tflm_msf.graph import DType, Model, Table, Tensor
from tflm_msf.rewrite import rewrite_file
from tflm_msf.runtime import Session
from tflm_msf.simplify import float_tables, simplify
from tflm_msf.tflite_io import write_model

UNARY = [*float_tables.EXACT, *float_tables.FUNCTIONS]
BINARY = list(float_tables.WITH_CONSTANT)
EVERY_VALUE = np.arange(-128, 128).astype(np.int8).reshape(1, 16, 16, 1)


class Floats(Habits):
    """:class:`Habits` with float32 operators."""

    def number(self, *values: float) -> int:
        data = np.array(values, np.float32)
        return self._add(Tensor(f"f{len(self.tensors)}", data.shape, DType.FLOAT32, data=data.tobytes()))

    def float_op(self, builtin: str, *inputs: int, **options: float) -> int:
        computed = next(self.tensors[tensor] for tensor in inputs if not self.tensors[tensor].is_constant)
        out = self._add(replace(computed, name=f"t{len(self.tensors)}"))
        table = {
            "LEAKY_RELU": Table("LeakyReluOptions", {"alpha": 0.25}),
            **{name: Table(f"{name.title()}Options", options) for name in ("ADD", "SUB", "MUL", "DIV")},
        }.get(builtin)
        return self._op(builtin, list(inputs), out, table)

    def scaled(self, x: int, scale: float, zero: int) -> int:
        """QUANTIZE of float32 numbers."""
        out = self._activation(self.shape(x), 1.0, scale, zero)
        return self._op("QUANTIZE", [x], out)


def chain(random: Random, builtins: list[str]) -> Model:
    layers = Floats(random)
    x = layers.float_like(layers.scaled_input(random.uniform(0.005, 0.1), random.randint(-128, 127), 1, 16, 16, 1))
    for builtin in builtins:
        if builtin in BINARY:
            pair = [x, layers.number(random.uniform(-2, 2) or 1.0)]
            x = layers.float_op(builtin, *(pair if random.random() < 0.7 else pair[::-1]))
        else:
            x = layers.float_op(builtin, x)
    return layers.model([layers.relu(layers.scaled(x, random.uniform(0.005, 0.1), random.randint(-128, 127)))])


def assert_same_bytes(model: Model) -> bool:
    """Compares all 256 values in TFLM; True if the float operators became a table."""
    data = write_model(model)
    rewritten = rewrite_file(data, "the model")
    want, got = (Session(content).run([EVERY_VALUE])[0] for content in (data, rewritten.data))
    assert want.tobytes() == got.tobytes(), [op.builtin for op in model.main.ops]
    return not rewritten.report["unfused"]


@pytest.mark.parametrize("builtin", [*UNARY, *BINARY])
def test_each_operator_alone(builtin: str) -> None:
    tables = [assert_same_bytes(chain(Random(seed), [builtin])) for seed in range(4)]
    assert any(tables) or builtin in ("LOG", "SQRT", "DIV")  # those give no number for some value


def test_random_chains() -> None:
    fired = 0
    for seed in range(100):
        random = Random(f"chain {seed}")
        names = random.choices([*UNARY, *BINARY], k=random.randint(0, 4))
        fired += assert_same_bytes(chain(random, names))
    assert 30 < fired < 100


def test_a_result_that_hangs_on_the_last_bit_of_a_function_stays() -> None:
    """e^x, where an output step lies exactly on the nearest float32 to one of the results."""
    layers = Floats(Random(1))
    x = layers.float_like(layers.scaled_input(1 / 64, 0, 1, 16, 16, 1))
    tie = float(np.exp(np.float64(1 / 64)).astype(np.float32))
    x = layers.float_op("EXP", x)
    model = layers.model([layers.relu(layers.scaled(x, tie / 50.5, -128))])
    assert not assert_same_bytes(model)


@pytest.mark.parametrize("what", ["a vector", "an activation", "another function", "float constants alone"])
def test_what_is_not_known_stays(what: str) -> None:
    layers = Floats(Random(2))
    x = layers.float_like(layers.scaled_input(0.02, 3, 1, 16, 16, 1))
    if what == "a vector":
        x = layers.float_op("ADD", x, layers.number(*np.linspace(-1, 1, 16)))
        layers.tensors[-2] = replace(layers.tensors[-2], shape=(16, 1))
    elif what == "an activation":
        x = layers.float_op("ADD", x, layers.number(1.0), fused_activation_function=1)
    elif what == "another function":
        x = layers.float_op("SIN", x)
    else:
        x = layers.float_op("MUL", x, x)
    model = layers.model([layers.relu(layers.scaled(x, 0.03, 0))])
    assert not simplify(model).changes
    assert not assert_same_bytes(model)
