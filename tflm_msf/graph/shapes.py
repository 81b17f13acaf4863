"""Shapes that a model declares, and those that follow from the operators.

TFLM believes the declared one: where it is too small or too large, kernels read or leave bytes that nobody wrote, and
what the model gives depends on what was in memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from tflm_msf.graph.model import NO_TENSOR, DType, Graph, Op, Tensor

Shape = tuple[int, ...]
_Rule = Callable[[Graph, Op], Shape | None]


def stale_shapes(graph: Graph) -> Iterator[tuple[int, Shape]]:
    """Operators whose first output is declared otherwise than it follows, and what follows.

    Operators that are not known here, or that depend on values which are not in the file, are left out.
    """
    for number, op in enumerate(graph.ops):
        rule = _RULES.get(op.builtin)
        if rule is None or not op.outputs or NO_TENSOR in (*op.inputs[:1], *op.outputs[:1]):
            continue
        try:
            follows = rule(graph, op)
        except (LookupError, ValueError):
            continue
        declared = graph.tensors[op.outputs[0]].shape
        if follows is not None and follows != declared:
            yield number, follows


def stale_shape_sentences(graph: Graph, source: str) -> list[str]:
    """A warning for each of them."""
    return [
        f"{source}: operator {number} ({graph.ops[number].name}) declares "
        f"{_text(graph.tensors[graph.ops[number].outputs[0]])}, but {'x'.join(map(str, follows))} follows from its "
        "inputs: TFLM uses bytes there that nobody wrote, so that even the original may give other values each time; "
        "convert the model again with all shapes fixed."
        for number, follows in stale_shapes(graph)
    ]


def _text(tensor: Tensor) -> str:
    return f"'{tensor.name}' as {'x'.join(map(str, tensor.shape)) or 'a scalar'}"


def _input(graph: Graph, op: Op, position: int) -> Tensor:
    return graph.tensors[op.inputs[position]]


def _integers(graph: Graph, op: Op, position: int) -> list[int] | None:
    tensor = _input(graph, op, position)
    if tensor.data is None or tensor.dtype not in (DType.INT32, DType.INT64):
        return None
    kind = "<i4" if tensor.dtype is DType.INT32 else "<i8"
    return [int(value) for value in np.frombuffer(tensor.data, kind)]


def _unchanged(graph: Graph, op: Op) -> Shape | None:
    return _input(graph, op, 0).shape


def _space_to_batch(graph: Graph, op: Op) -> Shape | None:
    block, amounts = _integers(graph, op, 1), _integers(graph, op, 2)
    if block is None or amounts is None:
        return None
    batch, *rest = _input(graph, op, 0).shape
    padded = [rest[axis] + amounts[2 * axis] + amounts[2 * axis + 1] for axis in range(len(block))]
    sizes = [size // step for size, step in zip(padded, block, strict=True)]
    return (batch * math.prod(block), *sizes, *rest[len(block) :])


def _batch_to_space(graph: Graph, op: Op) -> Shape | None:
    block, crops = _integers(graph, op, 1), _integers(graph, op, 2)
    if block is None or crops is None:
        return None
    batch, *rest = _input(graph, op, 0).shape
    sizes = [rest[axis] * step - crops[2 * axis] - crops[2 * axis + 1] for axis, step in enumerate(block)]
    return (batch // math.prod(block), *sizes, *rest[len(block) :])


def _pad(graph: Graph, op: Op) -> Shape | None:
    amounts = _integers(graph, op, 1)
    if amounts is None:
        return None
    shape = _input(graph, op, 0).shape
    return tuple(size + amounts[2 * axis] + amounts[2 * axis + 1] for axis, size in enumerate(shape))


def _transpose(graph: Graph, op: Op) -> Shape | None:
    order = _integers(graph, op, 1)
    shape = _input(graph, op, 0).shape
    return None if order is None else tuple(shape[axis] for axis in order)


_RULES: Mapping[str, _Rule] = {
    "SPACE_TO_BATCH_ND": _space_to_batch,
    "BATCH_TO_SPACE_ND": _batch_to_space,
    "PAD": _pad,
    "PADV2": _pad,
    "MIRROR_PAD": _pad,
    "TRANSPOSE": _transpose,
    **dict.fromkeys(
        (
            "RELU",
            "RELU6",
            "LOGISTIC",
            "TANH",
            "HARD_SWISH",
            "LEAKY_RELU",
            "ELU",
            "ABS",
            "NEG",
            "EXP",
            "SQRT",
            "SOFTMAX",
        ),
        _unchanged,
    ),
    **dict.fromkeys(("QUANTIZE", "DEQUANTIZE", "RSQRT", "SQUARE", "LOG", "FLOOR", "ROUND", "CEIL"), _unchanged),
}
