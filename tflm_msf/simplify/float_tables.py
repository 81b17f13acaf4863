"""DEQUANTIZE, operators that map each float number on its own, and QUANTIZE: one table of 256 entries.

TFLM computes each of these numbers in float32 with operations that IEEE 754 rounds in one way only, or with functions
of the C library (exp, tanh, log), which may differ from the nearest float32 in its last bit. The numbers for all 256
values are computed here in the same steps; behind a function of the C library, with the next smaller and the next
larger number as well. The operators are folded if all of these give the same bytes: no C library can give others.

Who allows it (``WITH_LIBM``) gets the table of what is nearest as well where some entries hang on the C library, by at
most one step each. That is no rule that changes no bit: it is applied only if it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from tflm_msf.graph import DType, Op, Tensor
from tflm_msf.graph.fixed_point import IntArray
from tflm_msf.ops import TABLE_OF_BYTES, NotFusableError, OpContext, map_of
from tflm_msf.ops.activation import elu_tables
from tflm_msf.simplify.conversions import dequantized, quantized
from tflm_msf.simplify.rule import Edit, Rule, Wiring

Floats = npt.NDArray[np.float32]
Exact = Callable[[Floats], Floats]

LONGEST = 8
"""Operators between the two conversions."""

MOST_FUNCTIONS = 3
"""Functions of the C library among them: each makes three times as many numbers."""


MOST_STEPS = 1
"""By which an entry may hang on the C library, where that is allowed."""


def fold(wiring: Wiring, index: int) -> Edit | None:
    """The table in place of QUANTIZE ``index``."""
    return _fold(wiring, index, most_steps=0)


def fold_with_libm(wiring: Wiring, index: int) -> Edit | None:
    """As :func:`fold`, whatever the C library does; also in place of an ELU of int8."""
    if wiring.graph.ops[index].builtin == "ELU":
        return _elu_of_int8(wiring, index)
    return _fold(wiring, index, most_steps=MOST_STEPS)


def _elu_of_int8(wiring: Wiring, index: int) -> Edit | None:
    op = wiring.graph.ops[index]
    try:
        tables = elu_tables(OpContext(wiring.graph, op, {}))
    except NotFusableError:
        return None
    source, target = wiring.tensor(op.inputs[0]), wiring.tensor(op.outputs[0])
    if not 0 < _steps_apart(tables) <= MOST_STEPS or source.shape != target.shape or not _is_map(source):
        return None
    return _with_table(wiring, (index,), op.inputs[0], tables[0].astype(np.int8).tobytes())


def _fold(wiring: Wiring, index: int, most_steps: int) -> Edit | None:
    op = wiring.graph.ops[index]
    chain = _chain(wiring, index)
    if chain is None:
        return None
    source_index = wiring.graph.ops[chain[0]].inputs[0]
    source, target = wiring.tensor(source_index), wiring.tensor(op.outputs[0])
    table = _table(wiring, chain[1:], source, target, most_steps)
    if table is None or source.shape != target.shape or not _is_map(source):
        return None
    return _with_table(wiring, (*chain, index), source_index, table)


def _with_table(wiring: Wiring, ops: tuple[int, ...], source: int, table: bytes) -> Edit:
    """The table in place of the last of ``ops``."""
    outputs = wiring.graph.ops[ops[-1]].outputs
    added = Tensor(f"{wiring.tensor(outputs[0]).name}/msf_table", (len(table),), DType.INT8, data=table)
    made = Op(TABLE_OF_BYTES, (source, len(wiring.graph.tensors)), outputs)
    return Edit(ops, {ops[-1]: (made,)}, added=(added,))


def _steps_apart(tables: Sequence[IntArray]) -> int:
    """By how much an entry of one of them differs from that of the first at the most."""
    return max(int(abs(table - tables[0]).max()) for table in tables)


def _chain(wiring: Wiring, index: int) -> list[int] | None:
    """The DEQUANTIZE of an int8 activation and the operators from there to QUANTIZE ``index``, in order."""
    chain: list[int] = []
    at = index
    while len(chain) <= LONGEST:
        operand = _operand(wiring, wiring.graph.ops[at])
        before = None if operand is None else wiring.maker(operand, "DEQUANTIZE", *EXACT, *FUNCTIONS, *WITH_CONSTANT)
        if before is None or wiring.tensor(wiring.graph.ops[before].outputs[0]).dtype != DType.FLOAT32:
            return None
        chain.insert(0, before)
        at = before
        if wiring.graph.ops[before].builtin == "DEQUANTIZE":
            source = wiring.tensor(wiring.graph.ops[before].inputs[0])
            return chain if source.dtype == DType.INT8 and not source.is_constant else None
    return None


def _operand(wiring: Wiring, op: Op) -> int | None:
    """The one input of an operator that is no constant."""
    computed = [tensor for tensor in op.inputs if tensor >= 0 and not wiring.tensor(tensor).is_constant]
    return computed[0] if len(computed) == 1 else None


def _table(wiring: Wiring, chain: list[int], source: Tensor, target: Tensor, most_steps: int) -> bytes | None:
    if source.quantization is None or target.quantization is None or target.dtype != DType.INT8:
        return None
    numbers = dequantized(source.quantization)
    if numbers is None:
        return None
    variants, functions = [numbers], 0
    for index in chain:
        steps = _steps(wiring, wiring.graph.ops[index])
        if steps is None:
            return None
        functions += len(steps) > 1
        with np.errstate(all="ignore"):
            variants = [step(numbers).astype(np.float32) for numbers in variants for step in steps]
    if functions > MOST_FUNCTIONS:
        return None
    found = [quantized(numbers, target.quantization) for numbers in variants]
    tables = [table.astype(np.int64) for table in found if table is not None]
    if len(tables) < len(found) or _steps_apart(tables) > most_steps:
        return None
    return tables[0].astype(np.int8).tobytes()


def _steps(wiring: Wiring, op: Op) -> list[Exact] | None:
    """What an operator does to each number: one way, or the three that C libraries may go; None if it is not known."""
    if op.builtin in EXACT:
        exact = EXACT[op.builtin](op)
        return None if exact is None else [exact]
    if op.builtin in FUNCTIONS:
        return list(_roundings(FUNCTIONS[op.builtin]))
    return _with_constant(wiring, op)


def _roundings(function: Callable[[Floats, Exact], Floats]) -> Iterator[Exact]:
    """A function of the C library rounded to nearest, and one number further down or up."""
    for way in (None, np.float32(-np.inf), np.float32(np.inf)):

        def step(x: Floats, way: np.float32 | None = way) -> Floats:
            def rounded(exact: npt.NDArray[np.float64]) -> Floats:
                nearest = exact.astype(np.float32)
                return nearest if way is None else np.nextafter(nearest, way)

            return function(x, rounded)  # type: ignore[arg-type]

        yield step


def _elu(x: Floats, rounded: Callable[..., Floats]) -> Floats:
    return np.where(x < 0, rounded(np.expm1(np.minimum(x, 0).astype(np.float64))), x)


def _logistic(x: Floats, rounded: Callable[..., Floats]) -> Floats:
    """With TFLM's cutoffs: below the lower one e^x, above the upper one 1."""
    below = rounded(np.exp(x.astype(np.float64)))
    inside = np.float32(1) / (np.float32(1) + rounded(np.exp(-x.astype(np.float64))))
    return np.where(x > np.float32(16.619047164916992188), np.float32(1), np.where(x < np.float32(-9), below, inside))


FUNCTIONS: Mapping[str, Callable[[Floats, Callable[..., Floats]], Floats]] = {
    "ELU": _elu,
    "EXP": lambda x, rounded: rounded(np.exp(x.astype(np.float64))),
    "LOG": lambda x, rounded: rounded(np.log(x.astype(np.float64))),
    "LOGISTIC": _logistic,
    "TANH": lambda x, rounded: rounded(np.tanh(x.astype(np.float64))),
}
"""Operators that call the C library, which rounds as it pleases."""


def _leaky_relu(op: Op) -> Exact | None:
    if op.options is None:
        return None
    alpha = np.float32(op.options.get("alpha", 0.0))
    return lambda x: np.where(x > 0, x, x * alpha)


def _always(function: Exact) -> Callable[[Op], Exact | None]:
    return lambda _: function


EXACT: Mapping[str, Callable[[Op], Exact | None]] = {
    "ABS": _always(np.abs),
    "CEIL": _always(np.ceil),
    "FLOOR": _always(np.floor),
    "HARD_SWISH": _always(
        lambda x: x * np.minimum(np.float32(6), np.maximum(np.float32(0), x + np.float32(3))) / np.float32(6)
    ),
    "LEAKY_RELU": _leaky_relu,
    "NEG": _always(np.negative),
    "RELU": _always(lambda x: np.maximum(x, np.float32(0))),
    "RELU6": _always(lambda x: np.minimum(np.maximum(x, np.float32(0)), np.float32(6))),
    "SQRT": _always(np.sqrt),
    "SQUARE": _always(np.square),
}
"""Operators whose float32 results are the same everywhere."""

WITH_CONSTANT: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "ADD": np.add,
    "SUB": np.subtract,
    "MUL": np.multiply,
    "DIV": np.divide,
    "MAXIMUM": np.maximum,
    "MINIMUM": np.minimum,
}
"""The same, with a constant of one number."""


def _with_constant(wiring: Wiring, op: Op) -> list[Exact] | None:
    is_plain = op.options is None or not op.options.get("fused_activation_function", 0)
    if len(op.inputs) != 2 or not is_plain:
        return None
    position = 1 if wiring.tensor(op.inputs[1]).is_constant else 0
    constant = wiring.tensor(op.inputs[position])
    if constant.data is None or constant.dtype != DType.FLOAT32 or constant.elements != 1:
        return None
    number = np.frombuffer(constant.data, np.float32)
    function = WITH_CONSTANT[op.builtin]
    return [(lambda x: function(x, number)) if position == 1 else (lambda x: function(number, x))]


def _is_map(tensor: Tensor) -> bool:
    """True for what a block can hold: nobody else knows the table."""
    try:
        map_of(tensor)
    except NotFusableError:
        return False
    return True


RULE = Rule(frozenset({"QUANTIZE"}), fold, "is a table with the float operators before it")
WITH_LIBM = Rule(
    frozenset({"QUANTIZE", "ELU"}),
    fold_with_libm,
    "is a table, of which some entries may be one step beside what a C library's rounding gives (--allow-libm)",
)
