"""C99 source for a model whose operators are all fusion blocks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from tflm_msf.arena import C_EXPORT, c_offsets, c_states, predict
from tflm_msf.errors import MsfError
from tflm_msf.export.text import TEMPLATES, check_name, comment, rows, rows_hold
from tflm_msf.format import CUSTOM_CODE
from tflm_msf.graph import Graph, Model, Op
from tflm_msf.graph.step import Step
from tflm_msf.program.decode import fast_bytes, fast_places, is_streamed


@dataclass(frozen=True)
class _Constant:
    """A constant array: parameters of a block."""

    index: int
    size: int
    bytes: str


@dataclass(frozen=True)
class _Operand:
    """One entry of a block's operand table; ``constant`` is the array's index, or None for ``offset`` in the arena, or
    in fast memory.
    """

    size: int
    offset: int = 0
    constant: int | None = None
    is_fast: bool = False


@dataclass(frozen=True)
class _Block:
    """One MSF_BLOCK operator."""

    size: int
    program: str
    operands: tuple[_Operand, ...]


@dataclass(frozen=True)
class End:
    """A model input or output: what to say about it; values, their scale as C has it (empty: none) and zero point."""

    about: str
    count: int
    scale: str = ""
    zero_point: int = 0


@dataclass(frozen=True)
class _PlacedEnd:
    """A model input or output and its place in the arena, in bytes."""

    offset: int
    size: int
    end: End


def export_c(model: Model, name: str, skip_softmax: bool = False) -> Mapping[str, str]:
    """``<name>.h`` and ``<name>.c`` for a rewritten model. With :func:`kernel_sources` they are a whole program part.

    The header declares ``<name>_init``, ``<name>_input`` (not for a streamed one), ``<name>_output`` and
    ``<name>_invoke``; ``<name>_reset`` for a model with a state, and ``<name>_warm_up`` for a step model; the arena is
    one static array with every tensor where the model's offline memory plan puts it, fast memory another one.
    Needs no TFLM, no heap, no libc but ``memcpy`` and ``memset``.

    Args:
        model: a model of which every operator is an ``MSF_BLOCK``.
        name: prefix of all C names, and the files' name.
        skip_softmax: leave SOFTMAX operators at the model's end out, so that the outputs are the logits. The largest
            one is the same.

    Raises:
        MsfError: for a name that C does not take, an operator that is no block, or a model without a memory plan.
    """
    check_name(name)
    graph = model.main
    outputs = _without_softmax(graph) if skip_softmax else graph.outputs
    blocks = [op for op in graph.ops if op.custom_code == CUSTOM_CODE]
    kept = [op for op in graph.ops if op.custom_code != CUSTOM_CODE and set(op.outputs) & _needed(graph, outputs)]
    if kept:
        raise MsfError(_not_a_block(graph, kept[0]))
    if not blocks:
        raise MsfError("the model holds no fusion block: export what `tflm-msf rewrite` wrote.")
    offsets, states = c_offsets(model), c_states(model)
    constants = dict.fromkeys(t for op in blocks for t in op.inputs if graph.tensors[t].is_constant)
    values = {
        "name": name,
        "upper": name.upper(),
        "description": comment(model.description).rstrip("."),
        "arena_size": predict(model, C_EXPORT).total,
        "fast_size": fast_bytes(model),
        "constants": [_constant(graph, t) for t in constants],
        "blocks": [_block(graph, op, offsets, *state) for op, state in zip(blocks, states, strict=True)],
        "streamed": is_streamed(model),
        "states": [offset for offset, size in states if size],
        "inputs": [_end(graph, t, offsets) for t in graph.inputs],
        "pixels": rows_hold(model),
        "step": Step.of(model),
        "outputs": [_end(graph, t, offsets) for t in outputs],
    }
    return {f"{name}.{kind}": TEMPLATES.get_template(f"model.{kind}.jinja").render(values) for kind in "hc"}


def _needed(graph: Graph, outputs: tuple[int, ...]) -> set[int]:
    """Tensors that ``outputs`` depend on."""
    needed = set(outputs)
    for op in reversed(graph.ops):
        if needed & set(op.outputs):
            needed.update(op.inputs)
    return needed


def _without_softmax(graph: Graph) -> tuple[int, ...]:
    """The graph's outputs, with what goes into a SOFTMAX in place of what comes out of it."""
    before = {op.outputs[0]: op.inputs[0] for op in graph.ops if op.builtin == "SOFTMAX"}
    return tuple(before.get(tensor, tensor) for tensor in graph.outputs)


def _not_a_block(graph: Graph, op: Op) -> str:
    at_end = op.builtin == "SOFTMAX" and op.outputs[0] in graph.outputs
    advice = "leave it out (skip_softmax) to get the logits" if at_end else "only fused operators can be exported to C"
    return f"operator {graph.ops.index(op)} ({op.name}) is not part of a fusion block: {advice}."


def _constant(graph: Graph, tensor: int) -> _Constant:
    data = graph.tensors[tensor].data or b""
    return _Constant(tensor, len(data), rows(data))


def _block(graph: Graph, op: Op, offsets: tuple[int, ...], state: int, state_bytes: int) -> _Block:
    def operand(tensor: int) -> _Operand:
        size = graph.tensors[tensor].nbytes
        return _Operand(size, constant=tensor) if graph.tensors[tensor].is_constant else _Operand(size, offsets[tensor])

    fast = fast_places(op.custom_options)
    operands = [
        _Operand(fast[number].size, fast[number].offset, is_fast=True) if number in fast else operand(tensor)
        for number, tensor in enumerate((*op.inputs, *op.outputs))
    ]
    if state_bytes:
        operands.append(_Operand(state_bytes, state))
    return _Block(len(op.custom_options), rows(op.custom_options), tuple(operands))


def _end(graph: Graph, index: int, offsets: tuple[int, ...]) -> _PlacedEnd:
    return _PlacedEnd(offsets[index], graph.tensors[index].nbytes, describe_end(graph, index))


def describe_end(graph: Graph, index: int) -> End:
    """What a header says of an input or output."""
    tensor = graph.tensors[index]
    about, count = _about_end(graph, index), math.prod(tensor.shape)
    if tensor.quantization is None or not tensor.quantization.per_tensor:
        return End(about, count)
    return End(about, count, f"{tensor.quantization.scale[0]:.9g}", tensor.quantization.zero_point[0])


def _about_end(graph: Graph, index: int) -> str:
    """Name, type, shape, scale and zero point of an input or output, as a comment says them."""
    tensor = graph.tensors[index]
    about = f"'{comment(tensor.name)}', {tensor.dtype.name.lower()} {list(tensor.shape)}"
    if tensor.quantization is not None and tensor.quantization.per_tensor:
        about += f", real value = {tensor.quantization.scale[0]:.9g} * (q {-tensor.quantization.zero_point[0]:+d})"
    return about
