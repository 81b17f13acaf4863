"""What a rule sees of a graph, what it may change, and how its change is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tflm_msf.graph import NO_TENSOR, DType, Graph, Op, Quantization, Table, Tensor

Array = npt.NDArray[Any]

NUMPY: Mapping[DType, type[np.generic]] = {DType.INT8: np.int8, DType.INT32: np.int32, DType.INT64: np.int64}
"""Types whose constants are computed with. Others pass through as bytes or stay."""


@dataclass(frozen=True)
class Wiring:
    """A graph with who writes and who reads each tensor.

    ``kept`` are tensors that somebody outside sees by their index: they have to be made as they are. An operator reads
    a tensor as often as it names it.
    """

    graph: Graph
    kept: frozenset[int]

    @cached_property
    def writer(self) -> Mapping[int, int]:
        """Operator that writes each tensor."""
        return {tensor: index for index, op in enumerate(self.graph.ops) for tensor in op.outputs}

    @cached_property
    def readers(self) -> Mapping[int, tuple[int, ...]]:
        """Operators that read each tensor, in order."""
        readers: dict[int, list[int]] = {}
        for index, op in enumerate(self.graph.ops):
            for tensor in op.inputs:
                readers.setdefault(tensor, []).append(index)
        return {tensor: tuple(ops) for tensor, ops in readers.items()}

    def tensor(self, index: int) -> Tensor:
        """A tensor that an operator names."""
        return self.graph.tensors[index]

    def maker(self, tensor: int, *builtins: str) -> int | None:
        """The operator that writes ``tensor`` if it is one of ``builtins`` and has an input."""
        index = self.writer.get(tensor)
        if index is None or self.graph.ops[index].builtin not in builtins or not has_input(self.graph.ops[index]):
            return None
        return index

    def is_read_once(self, tensor: int) -> bool:
        """True for a tensor that exactly one operator reads, and nobody outside."""
        return len(self.readers.get(tensor, ())) == 1 and tensor not in self.kept

    def constant(self, tensor: int) -> Array | None:
        """The values of a constant of type int8, int32 or int64."""
        if tensor == NO_TENSOR:
            return None
        found = self.graph.tensors[tensor]
        if found.data is None or found.is_variable or found.sparsity is not None or found.dtype not in NUMPY:
            return None
        return np.frombuffer(found.data, NUMPY[found.dtype]).reshape(found.shape)

    def integers(self, op: Op, position: int) -> list[int] | None:
        """The values of a constant int32 or int64 input, as a flat list."""
        values = self.constant(op.inputs[position]) if position < len(op.inputs) else None
        if values is None or values.dtype == np.int8:
            return None
        return [int(value) for value in values.reshape(-1)]


@dataclass(frozen=True)
class Edit:
    """A change to a graph.

    ``about`` are the operators that the rule looked at: edits of one sweep have none of their tensors in common.
    ``ops`` holds what takes the place of operators (nothing, where empty), ``tensors`` what changed about tensors, and
    ``added`` new ones: the first of them has the index behind the graph's last. ``renamed`` tensors are read, and
    written, under another index.
    """

    about: tuple[int, ...]
    ops: Mapping[int, tuple[Op, ...]] = field(default_factory=dict)
    tensors: Mapping[int, Tensor] = field(default_factory=dict)
    added: tuple[Tensor, ...] = ()
    renamed: Mapping[int, int] = field(default_factory=dict)

    def touched(self, graph: Graph) -> set[int]:
        """Tensors that the edit depends on or changes."""
        named = {tensor for index in self.about for tensor in (*graph.ops[index].inputs, *graph.ops[index].outputs)}
        return {tensor for tensor in named if tensor != NO_TENSOR and not graph.tensors[tensor].is_constant}


@dataclass(frozen=True)
class Rule:
    """A change that never changes a bit of any output.

    ``find`` looks at an operator whose builtin is one of ``anchors`` and returns the edit, or None where its condition
    does not hold. ``says`` tells users what was done, behind the names of the operators.
    """

    anchors: frozenset[str]
    find: Callable[[Wiring, int], Edit | None]
    says: str


def has_input(op: Op) -> bool:
    """True unless an operator lacks its first input, or has no output at all."""
    return op.inputs[:1] not in ((), (NO_TENSOR,)) and bool(op.outputs)


def applied(graph: Graph, origins: tuple[int, ...], edit: Edit) -> tuple[Graph, tuple[int, ...]]:
    """The graph after an edit, and for each of its operators the one in the file that it stands for."""
    ops: list[Op] = []
    origins_after: list[int] = []
    for index, op in enumerate(graph.ops):
        parts = edit.ops.get(index, (op,))
        ops.extend(with_names(part, edit.renamed) for part in parts)
        origins_after.extend([origins[index]] * len(parts))
    tensors = [edit.tensors.get(index, tensor) for index, tensor in enumerate(graph.tensors)]
    return replace(graph, tensors=(*tensors, *edit.added), ops=tuple(ops)), tuple(origins_after)


def with_names(op: Op, names: Mapping[int, int]) -> Op:
    """The operator with tensors under other indices."""
    if not names or not any(tensor in names for tensor in (*op.inputs, *op.outputs)):
        return op
    return replace(
        op,
        inputs=tuple(names.get(tensor, tensor) for tensor in op.inputs),
        outputs=tuple(names.get(tensor, tensor) for tensor in op.outputs),
    )


def vanished(wiring: Wiring, index: int) -> Edit | None:
    """Without operator ``index``, whose output is its first input: one tensor stands for both.

    None if the caller sees both, or if they differ in more than their names.
    """
    op = wiring.graph.ops[index]
    source, target = op.inputs[0], op.outputs[0]
    if not is_same(wiring.tensor(source), wiring.tensor(target)):
        return None
    if target not in wiring.kept:
        return Edit((index,), {index: ()}, renamed={target: source})
    if source in wiring.kept or source not in wiring.writer:
        return None
    return Edit((index, wiring.writer[source]), {index: ()}, renamed={source: target})


def is_same(a: Tensor, b: Tensor) -> bool:
    """True if two tensors hold the same if their bytes are equal."""
    return a.shape == b.shape and is_alike(a, b)


def is_alike(a: Tensor, b: Tensor) -> bool:
    """As :func:`is_same`, whatever their shapes; only one scale for all of a tensor counts as alike."""
    if a.dtype != b.dtype or a.is_variable or b.is_variable or a.is_constant or b.is_constant:
        return False
    return _scales(a.quantization) == _scales(b.quantization)


def _scales(quantization: Quantization | None) -> tuple[tuple[float, ...], tuple[int, ...]] | None:
    return None if quantization is None else (quantization.scale, quantization.zero_point)


def integer_constant(name: str, values: list[int]) -> Tensor:
    """A constant of type int32."""
    return Tensor(name, (len(values),), DType.INT32, data=np.array(values, "<i4").tobytes())


def reshape_op(source: int, target: int, shape: tuple[int, ...]) -> Op:
    """A RESHAPE that says in its options what TFLM reads from the output's shape."""
    return Op("RESHAPE", (source,), (target,), Table("ReshapeOptions", {"new_shape": shape}))
