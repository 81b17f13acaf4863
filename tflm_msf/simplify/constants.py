"""Operators whose inputs are constants, and SHAPE: their outputs are constants too.

Shapes are fixed in TFLM: a tensor has the shape that the file declares, so that SHAPE writes numbers known now. All
others here copy bytes, or compute on integers that this file computes with in the same way. An operator is folded only
if its result has the declared shape and type of its output, so that whoever reads it reads the same bytes.

TFLM refuses a FILL whose dimensions are computed; folded, such a model runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from tflm_msf.graph import DType, Op
from tflm_msf.simplify.rule import NUMPY, Array, Edit, Rule, Wiring

LARGEST_FILL = 1 << 16
"""Bytes of flash that a FILL may cost: it took as many in the arena."""


def fold(wiring: Wiring, index: int) -> Edit | None:
    """The output of operator ``index`` as a constant."""
    op = wiring.graph.ops[index]
    if len(op.outputs) != 1 or op.outputs[0] in wiring.kept:
        return None
    target = wiring.tensor(op.outputs[0])
    value = FOLDINGS[op.builtin](wiring, op)
    if value is None or target.is_variable or NUMPY.get(target.dtype) != value.dtype or target.shape != value.shape:
        return None
    return Edit((index,), {index: ()}, {op.outputs[0]: replace(target, data=value.tobytes())})


def _shape(wiring: Wiring, op: Op) -> Array | None:
    shape = wiring.tensor(op.inputs[0]).shape
    return np.array(shape, NUMPY.get(wiring.tensor(op.outputs[0]).dtype, np.int32))


def _strided_slice(wiring: Wiring, op: Op) -> Array | None:
    source = wiring.constant(op.inputs[0])
    lists = [wiring.integers(op, position) for position in (1, 2, 3)]
    if source is None or op.options is None or any(values is None for values in lists):
        return None
    if any(op.options.get(name, 0) for name in ("ellipsis_mask", "new_axis_mask", "offset")):
        return None
    begins, ends, steps = (values or [] for values in lists)
    if not len(begins) == len(ends) == len(steps) <= source.ndim or min(steps, default=1) < 1:
        return None
    picks: list[slice | int] = []
    for axis, (begin, end, step) in enumerate(zip(begins, ends, steps, strict=True)):
        whole_before, whole_after, is_index = (
            op.options.get(name, 0) >> axis & 1 for name in ("begin_mask", "end_mask", "shrink_axis_mask")
        )
        if is_index and (whole_before or not -source.shape[axis] <= begin < source.shape[axis]):
            return None
        picks.append(begin if is_index else slice(None if whole_before else begin, None if whole_after else end, step))
    return np.ascontiguousarray(source[tuple(picks)]).reshape(np.shape(source[tuple(picks)]))


def _pack(wiring: Wiring, op: Op) -> Array | None:
    parts = _all(wiring, op)
    if parts is None or len({part.shape for part in parts}) != 1:
        return None
    axis = op.options.get("axis", 0) if op.options else 0
    return np.stack(parts, axis) if -parts[0].ndim - 1 <= axis <= parts[0].ndim else None


def _concatenation(wiring: Wiring, op: Op) -> Array | None:
    parts = _all(wiring, op)
    if parts is None or (op.options and op.options.get("fused_activation_function", 0)):
        return None
    axis, rank = op.options.get("axis", 0) if op.options else 0, parts[0].ndim
    if not -rank <= axis < rank or any(part.ndim != rank for part in parts):
        return None
    around = {part.shape[: axis % rank] + part.shape[axis % rank + 1 :] for part in parts}
    return np.concatenate(parts, axis) if len(around) == 1 else None


def _all(wiring: Wiring, op: Op) -> list[Array] | None:
    """All inputs, constants of one type."""
    parts = [wiring.constant(tensor) for tensor in op.inputs]
    found = [part for part in parts if part is not None]
    return found if found and len(found) == len(parts) and len({part.dtype for part in found}) == 1 else None


def _cast(wiring: Wiring, op: Op) -> Array | None:
    source, dtype = wiring.constant(op.inputs[0]), wiring.tensor(op.outputs[0]).dtype
    if source is None or dtype not in (DType.INT32, DType.INT64):
        return None
    cast = source.astype(NUMPY[dtype])
    return cast if np.array_equal(cast.astype(np.int64), source.astype(np.int64)) else None


ARITHMETIC: Mapping[str, Callable[[Array, Array], Array]] = {"ADD": np.add, "SUB": np.subtract, "MUL": np.multiply}


def _arithmetic(wiring: Wiring, op: Op) -> Array | None:
    """On int32, where nothing overflows and no activation clamps."""
    parts = _all(wiring, op)
    if parts is None or len(parts) != 2 or parts[0].dtype != np.int32:
        return None
    if op.options and op.options.get("fused_activation_function", 0):
        return None
    if parts[0].shape != parts[1].shape and 1 not in (parts[0].size, parts[1].size):
        return None
    exact = ARITHMETIC[op.builtin](*(part.astype(np.int64) for part in parts))
    return exact.astype(np.int32) if np.array_equal(exact, exact.astype(np.int32)) else None


def _fill(wiring: Wiring, op: Op) -> Array | None:
    dims, value = wiring.integers(op, 0), wiring.constant(op.inputs[1]) if len(op.inputs) > 1 else None
    target = wiring.tensor(op.outputs[0])
    if dims is None or value is None or value.size != 1 or tuple(dims) != target.shape:
        return None
    return np.full(dims, value.reshape(()), value.dtype) if target.nbytes <= LARGEST_FILL else None


def _transpose(wiring: Wiring, op: Op) -> Array | None:
    source, order = wiring.constant(op.inputs[0]), wiring.integers(op, 1)
    if source is None or order is None or sorted(order) != list(range(source.ndim)):
        return None
    return np.ascontiguousarray(source.transpose(order))


def _view(wiring: Wiring, op: Op) -> Array | None:
    source, shape = wiring.constant(op.inputs[0]), wiring.tensor(op.outputs[0]).shape
    return (
        source.reshape(shape) if source is not None and source.size == wiring.tensor(op.outputs[0]).elements else None
    )


FOLDINGS: Mapping[str, Callable[[Wiring, Op], Array | None]] = {
    "SHAPE": _shape,
    "STRIDED_SLICE": _strided_slice,
    "PACK": _pack,
    "CONCATENATION": _concatenation,
    "CAST": _cast,
    "ADD": _arithmetic,
    "SUB": _arithmetic,
    "MUL": _arithmetic,
    "FILL": _fill,
    "TRANSPOSE": _transpose,
    "RESHAPE": _view,
    "SQUEEZE": _view,
    "EXPAND_DIMS": _view,
}

RULE = Rule(frozenset(FOLDINGS), fold, "are constants: shapes are fixed, and what is computed from them as well")
