"""Float operators between DEQUANTIZE and QUANTIZE: a table that gives what TFLM gives for each of 256 values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from tests.simplify.habits import Habits
from tflm_msf.graph import DType, Model, Table, Tensor
from tflm_msf.ops import TABLE_OF_BYTES
from tflm_msf.request import Request
from tflm_msf.rewrite import rewrite_file
from tflm_msf.runtime import Session
from tflm_msf.simplify import RULES_WITH_LIBM, float_tables, simplify
from tflm_msf.tflite_io import write_model
from tflm_msf.verify import verify

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


def at_a_tie(random: Random) -> Model:
    """An e^x whose 1 lies halfway between two steps of 0.4: a last bit of the C library decides."""
    layers = Floats(random)
    x = layers.float_like(layers.scaled_input(random.uniform(0.01, 0.1), random.randint(-100, 100), 1, 16, 16, 1))
    x = layers.scaled(layers.float_op("EXP", x), 0.4, random.randint(-128, 0))
    return layers.model([layers.relu(x)])


def of_int8(random: Random) -> Model:
    layers = Floats(random)
    x = layers.scaled_input(random.uniform(1e-5, 5e-5), random.randint(-20, 127), 1, 16, 16, 1)
    out = layers._activation(layers.shape(x), 1.0, random.uniform(1e-5, 5e-5), random.randint(-50, 127))
    return layers.model([layers.relu(layers._op("ELU", [x], out))])


ALLOWED = Request(allow_libm=True)


@pytest.mark.parametrize("made", [at_a_tie, of_int8])
def test_what_hangs_on_the_c_library_is_a_table_only_if_that_is_allowed(made: Callable[[Random], Model]) -> None:
    found = 0
    for seed in range(40):
        original = write_model(made(Random(seed)))
        kept, allowed = rewrite_file(original, "the model"), rewrite_file(original, "the model", ALLOWED)
        if not kept.report["unfused"]:
            assert kept.data == allowed.data
            continue
        found += 1
        assert not allowed.report["unfused"]
        assert any("--allow-libm" in change["says"] for change in allowed.report["simplified"])
        want, got = (Session(content).run([EVERY_VALUE])[0].astype(int) for content in (original, allowed.data))
        assert abs(want - got).max() <= 1
    assert found > 3


def test_verify_says_how_many_values_differ() -> None:
    model = next(
        model
        for model in map(at_a_tie, map(Random, range(40)))
        if rewrite_file(write_model(model), "m").report["unfused"]
    )
    original = write_model(model)
    rewritten = rewrite_file(original, "m", ALLOWED).data
    report = verify(original, rewritten, runs=3)
    assert report.passed and report.held.hangs_on_libm
    assert report.values_differing == 0, "TFLM here rounds e^0 otherwise than to 1"
    table = next(op.inputs[1] for op in simplify(model, RULES_WITH_LIBM).model.main.ops if op.builtin == TABLE_OF_BYTES)
    bytes_of_table = simplify(model, RULES_WITH_LIBM).model.main.tensors[table].data
    assert bytes_of_table is not None
    damaged = rewritten.replace(bytes_of_table, bytes([bytes_of_table[0] ^ 1]) + bytes_of_table[1:])
    assert damaged != rewritten
    assert not verify(original, damaged, runs=3).passed


def test_a_table_that_differs_from_this_computer_s_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if this C library rounded down what is computed here to nearest."""
    nearest = float_tables.FUNCTIONS["EXP"]

    def lower(x: float_tables.Floats, rounded: Callable[..., float_tables.Floats]) -> float_tables.Floats:
        return np.asarray(np.nextafter(nearest(x, rounded), np.float32(-np.inf)), np.float32)

    monkeypatch.setitem(float_tables.FUNCTIONS, "EXP", lower)
    differing = []
    for seed in range(10):
        original = write_model(at_a_tie(Random(seed)))
        report = verify(original, rewrite_file(original, "m", ALLOWED).data, runs=3)
        assert report.passed
        differing.append(report.values_differing)
    assert any(differing)
