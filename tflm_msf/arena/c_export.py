"""The arena of exported C: the part of the offline memory plan that fusion blocks and the model's ends use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tflm_msf.arena.tflm.head import OFFLINE_PLAN, offline_offsets
from tflm_msf.errors import MsfError
from tflm_msf.format import CUSTOM_CODE, state_size
from tflm_msf.graph import Model, Op, Tensor
from tflm_msf.sizes import TENSOR_ALIGNMENT, align_up


def c_offsets(model: Model) -> tuple[int, ...]:
    """Offsets of the main graph's tensors in bytes. Raises :class:`MsfError` if one that blocks use has none."""
    graph = model.main
    offsets = offline_offsets(model)
    ends = (*graph.inputs, *(tensor for op in _blocks(model) for tensor in (*op.inputs, *op.outputs)))
    if offsets is None or any(offsets[t] < 0 for t in ends if _is_in_arena(graph.tensors[t])):
        raise MsfError(f"the model has no {OFFLINE_PLAN} for all its tensors: export what `tflm-msf rewrite` wrote.")
    return offsets[: len(graph.tensors)]


def c_arena(model: Model) -> int:
    """Bytes of the exported model's one static array: the end of what its blocks, inputs and outputs use of it, and the
    blocks' states behind that.

    Raises :class:`MsfError` for a model without a memory plan.
    """
    graph, offsets = model.main, c_offsets(model)
    used = {*graph.inputs, *(tensor for op in _blocks(model) for tensor in (*op.inputs, *op.outputs))}
    head = max((offsets[t] + graph.tensors[t].nbytes for t in used if _is_in_arena(graph.tensors[t])), default=0)
    return max((offset + size for offset, size in _states(model, head)), default=head)


def _is_in_arena(tensor: Tensor) -> bool:
    """Constants are not, nor what lies in fast memory, which is a tensor of no bytes."""
    return not tensor.is_constant and tensor.nbytes > 0


def c_states(model: Model) -> tuple[tuple[int, int], ...]:
    """Offset in that array and bytes of the state of each block in order; no bytes for one that has none."""
    return tuple(_states(model, c_arena(_without_programs(model))))


def _states(model: Model, head: int) -> Iterator[tuple[int, int]]:
    for op in _blocks(model):
        size = state_size(op.custom_options)
        head = align_up(head, TENSOR_ALIGNMENT) if size else head
        yield head, size
        head += size


def _without_programs(model: Model) -> Model:
    ops = tuple(replace(op, custom_options=b"") for op in model.main.ops)
    return replace(model, graphs=(replace(model.main, ops=ops), *model.graphs[1:]))


def _blocks(model: Model) -> list[Op]:
    return [op for op in model.main.ops if op.custom_code == CUSTOM_CODE]
