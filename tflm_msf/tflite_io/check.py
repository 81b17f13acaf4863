"""Is a model one that a TFLite interpreter could run? What the schema cannot say about a file."""

from __future__ import annotations

import math
from collections.abc import Iterable

from tflm_msf.errors import MsfError
from tflm_msf.graph.model import NO_TENSOR, Graph, Model, Op, Quantization, Signature, Tensor

_SCHEMA_VERSION = 3
_MAX_ELEMENTS = 2**31
_LONGEST_NAME = 80
_MOST_TENSORS = 10_000
"""In all subgraphs. What TFLM keeps of so many would fill any microcontroller; large networks have a few hundred."""


def check_model(model: Model, source: str) -> None:
    """Raise :class:`MsfError` for the first thing that makes ``model`` unsound; ``source`` names it in the message.

    Checked: indices, shapes, sizes of constants, quantisation; and for the main graph, that every tensor is written
    once and before it is read.
    """
    if model.version != _SCHEMA_VERSION:
        raise MsfError(
            f"{source} is written in version {model.version} of the TFLite schema, and only version {_SCHEMA_VERSION} "
            "is understood; convert the model with a current TensorFlow."
        )
    if not model.graphs:
        raise MsfError(f"{source} has no subgraph, so there is nothing to run.")
    tensors = sum(len(graph.tensors) for graph in model.graphs)
    if tensors > _MOST_TENSORS:
        raise MsfError(f"{source} has {tensors:,} tensors; more than {_MOST_TENSORS:,} are not for microcontrollers.")
    for number, graph in enumerate(model.graphs):
        where = source if number == 0 else f"{source}, subgraph {number}"
        for index, tensor in enumerate(graph.tensors):
            _check_tensor(tensor, f"{where}: {_tensor_name(index, tensor)}")
        _check_indices(graph, where)
    _check_order(model.main, source)
    for signature in model.signatures:
        _check_signature(signature, model, source)


def _shown(name: str) -> str:
    """A name from a file, fit for one line on any terminal."""
    return repr(name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}...")


def _tensor_name(index: int, tensor: Tensor) -> str:
    return f"tensor {index} ({_shown(tensor.name)})"


def _op_name(index: int, op: Op) -> str:
    plain = op.name.isidentifier() and len(op.name) <= _LONGEST_NAME
    return f"operator {index} ({op.name if plain else _shown(op.name)})"


def _check_tensor(tensor: Tensor, what: str) -> None:
    elements = 1
    for size in tensor.shape:
        if size < 0:
            raise MsfError(f"{what} has the negative size {size} in its shape; convert the model with a fixed shape.")
        # Stop at the limit: a hostile shape has a product of a million digits.
        elements = min(elements * size, _MAX_ELEMENTS)
    if elements >= _MAX_ELEMENTS and 0 not in tensor.shape:
        raise MsfError(f"{what} has 2^31 elements or more; no microcontroller can hold it.")
    fixed_size = tensor.dtype.bits > 0 and tensor.sparsity is None
    if tensor.data is not None and fixed_size and len(tensor.data) != tensor.nbytes:
        raise MsfError(
            f"{what} holds {len(tensor.data)} bytes of data where its shape and type need {tensor.nbytes}; "
            "the file is damaged or was edited by hand."
        )
    if tensor.quantization is not None:
        _check_quantization(tensor.quantization, tensor.shape, what)


def _check_quantization(quantization: Quantization, shape: tuple[int, ...], what: str) -> None:
    scales, zero_points = len(quantization.scale), len(quantization.zero_point)
    if not all(math.isfinite(scale) for scale in quantization.scale):
        raise MsfError(f"{what} has a quantisation scale that is not a finite number; convert the model again.")
    if scales and zero_points and scales != zero_points:
        raise MsfError(f"{what} has {scales} quantisation scales but {zero_points} zero points; convert it again.")
    if scales <= 1 or quantization.details is not None:
        return
    # Older converters gave biases, which have one dimension, the axis of their filters.
    if len(shape) == 1 and shape[0] == scales:
        return
    if not 0 <= quantization.axis < len(shape):
        raise MsfError(
            f"{what} is quantised along dimension {quantization.axis}, but its shape has {len(shape)} dimensions; "
            "convert the model again."
        )
    if shape[quantization.axis] != scales:
        raise MsfError(
            f"{what} has {scales} quantisation scales for the {shape[quantization.axis]} slices of dimension "
            f"{quantization.axis}; convert the model again."
        )


def _check_indices(graph: Graph, where: str) -> None:
    count = len(graph.tensors)

    def inside(indices: Iterable[int], what: str, optional: bool = False) -> None:
        for index in indices:
            if not (0 <= index < count or (optional and index == NO_TENSOR)):
                raise MsfError(f"{where}: {what} tensor {index}, but there are {count} tensors.")

    inside(graph.inputs, "the graph's inputs name")
    inside(graph.outputs, "the graph's outputs name")
    for number, op in enumerate(graph.ops):
        name = _op_name(number, op)
        inside(op.inputs, f"{name} reads", optional=True)
        inside(op.outputs, f"{name} writes")
        inside(op.intermediates, f"{name} has the intermediate")


def _check_order(graph: Graph, source: str) -> None:
    def needs_no_writer(tensor: Tensor) -> bool:
        return tensor.is_constant or tensor.is_variable or 0 in tensor.shape

    for index in graph.inputs:
        if graph.tensors[index].is_constant:
            raise MsfError(f"{source}: the graph's input {_tensor_name(index, graph.tensors[index])} is a constant.")
    ready = set(graph.inputs) | {index for index, tensor in enumerate(graph.tensors) if needs_no_writer(tensor)}
    read = set(graph.inputs)
    written: dict[int, str] = {}
    for number, op in enumerate(graph.ops):
        name = _op_name(number, op)
        for index in op.inputs:
            if index != NO_TENSOR and index not in ready:
                raise MsfError(
                    f"{source}: {name} reads {_tensor_name(index, graph.tensors[index])}, which is neither constant, "
                    "nor an input of the graph, nor written by an earlier operator."
                )
            read.add(index)
        for index in op.outputs:
            if index in written:
                raise MsfError(
                    f"{source}: {name} writes {_tensor_name(index, graph.tensors[index])}, which {written[index]} "
                    "has written already."
                )
            if graph.tensors[index].is_constant and not graph.tensors[index].is_variable:
                raise MsfError(f"{source}: {name} writes {_tensor_name(index, graph.tensors[index])}, a constant.")
            if index in read and not graph.tensors[index].is_variable:
                raise MsfError(
                    f"{source}: {name} writes {_tensor_name(index, graph.tensors[index])}, which is an input of the "
                    "graph or was read before."
                )
            written[index] = name
            ready.add(index)
    for index in graph.outputs:
        if index not in ready:
            raise MsfError(
                f"{source}: the graph's output {_tensor_name(index, graph.tensors[index])} is written by no operator."
            )


def _check_signature(signature: Signature, model: Model, source: str) -> None:
    what = f"{source}: the signature {_shown(signature.key)}"
    if not 0 <= signature.graph < len(model.graphs):
        raise MsfError(f"{what} is of subgraph {signature.graph}, but there are {len(model.graphs)}.")
    count = len(model.graphs[signature.graph].tensors)
    for name, index in (*signature.inputs, *signature.outputs):
        if not 0 <= index < count:
            raise MsfError(f"{what} gives tensor {index} the name {_shown(name)}, but there are {count} tensors.")
