"""The tail of the arena, and the least arena in which a model starts.

Replays every allocation of ``MicroInterpreter::AllocateTensors`` in order, because the padding of each depends on where
the one before ended. On the way it notes how much arena each step needs: while TFLM prepares a model, the head holds
notes of its own (scratch requests, temporary tensors, the planner's tables), which may need more room than the final
plan. All sizes in bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tflm_msf.arena.tflm import target as structs
from tflm_msf.arena.tflm.head import (
    Buffer,
    ScratchRequest,
    head_buffers,
    head_bytes,
    offline_offsets,
    online_variables,
    place,
)
from tflm_msf.arena.tflm.kernels import Call, Kernel, Persistent, Scratch, Temp, Variable, variable_name
from tflm_msf.arena.tflm.target import MAX_SCRATCH_PER_OP, Target, layout
from tflm_msf.graph import Model, Tensor
from tflm_msf.sizes import TENSOR_ALIGNMENT, align_up


@dataclass(frozen=True)
class Replay:
    """What :func:`replay` found: the planned head, the tail's bytes, and the least arena (a multiple of 16)."""

    buffers: tuple[Buffer, ...]
    tail: int
    minimum: int

    @property
    def head(self) -> int:
        """Bytes of the head."""
        return head_bytes(self.buffers)


class _Allocator:
    """TFLM's ``SingleArenaBufferAllocator``: a head that can be resized, temporaries above it, a tail growing down."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.temp_end = 0
        self.tail = 0
        self.needed = 0

    def persistent(self, nbytes: int, alignment: int = TENSOR_ALIGNMENT) -> None:
        # TFLM compares with the head only: in too small an arena it would overwrite temporaries still in use.
        self.tail = align_up(self.tail + nbytes, alignment)
        self._need(self.temp_end)

    def persistent_struct(self, fields: str, count: int = 1) -> None:
        size, alignment = layout(fields, self.target)
        self.persistent(size * count, alignment)

    def temp(self, fields: str, count: int = 1) -> None:
        size, alignment = layout(fields, self.target)
        self.temp_end = align_up(self.temp_end, alignment) + size * count
        self._need(self.temp_end)

    def temp_tensor(self, tensor: Tensor) -> None:
        self.temp(structs.TENSOR)
        if channels := _quantized_channels(tensor):
            self.temp(structs.AFFINE_QUANTIZATION)
            self.temp("i", 1 + channels)

    def persistent_tensor(self, tensor: Tensor) -> None:
        self.persistent_struct(structs.TENSOR)
        if channels := _quantized_channels(tensor):
            self.persistent_struct(structs.AFFINE_QUANTIZATION)
            self.persistent_struct("i", 1 + channels)

    def resize_head(self, nbytes: int) -> None:
        self.temp_end = nbytes
        self._need(nbytes)

    def resize_scratch_requests(self, made: int) -> None:
        self.resize_head(layout(structs.SCRATCH_REQUEST, self.target)[0] * (made + MAX_SCRATCH_PER_OP))

    def plan_tables(self, buffers: int) -> None:
        """The planner gets all that is left between aligned ends and must find room for its tables in it."""
        tables = layout(structs.PLANNED_BUFFER, self.target)[0] * buffers
        self.needed = max(
            self.needed, align_up(self.temp_end, TENSOR_ALIGNMENT) + tables + align_up(self.tail, TENSOR_ALIGNMENT)
        )

    def _need(self, head: int) -> None:
        self.needed = max(self.needed, head + self.tail)


def _quantized_channels(tensor: Tensor) -> int:
    """Zero points that TFLM copies for a tensor; 0 if it does not take it for quantised."""
    quantization = tensor.quantization
    return len(quantization.scale) if quantization and quantization.zero_point else 0


def replay(model: Model, kernels: Sequence[Sequence[Kernel]], target: Target) -> Replay:
    """Replay the allocations of a model whose operators of subgraph g have ``kernels[g]``, in order.

    Raises :class:`tflm_msf.errors.MsfError` for an offline plan that TFLM refuses.
    """
    arena = _Allocator(target)
    for nbytes in target.allocators:
        arena.persistent(nbytes, target.pointer)
    _make_room_for_variables(arena, model)
    _start_model(arena, model)
    for row in kernels:
        for kernel in row:
            if kernel.options:
                arena.persistent_struct(kernel.options)
    for row in kernels:
        for kernel in row:
            if kernel.data and layout(kernel.data, target)[0]:
                arena.persistent(layout(kernel.data, target)[0])
            if kernel.state:
                arena.persistent(kernel.state)
    scratch = _prepare(arena, model, kernels)
    if scratch:
        arena.persistent_struct(structs.SCRATCH_HANDLE, len(scratch))
    buffers = _plan(arena, model, scratch)
    for tensors in (model.main.inputs, model.main.outputs):
        arena.persistent(target.pointer * len(tensors))
        for index in tensors:
            arena.persistent_tensor(model.main.tensors[index])
    return Replay(buffers, arena.tail, align_up(arena.needed, TENSOR_ALIGNMENT))


def _make_room_for_variables(arena: _Allocator, model: Model) -> None:
    """What whoever makes the interpreter allocates for as many resource variables as there are."""
    handles = (op for graph in model.graphs for op in graph.ops if op.builtin == "VAR_HANDLE")
    count = len({variable_name(handle) for handle in handles})
    if count:
        arena.persistent(layout(structs.RESOURCE_VARIABLES, arena.target)[0])
        arena.persistent(layout(structs.RESOURCE_VARIABLE, arena.target)[0] * count)


def _start_model(arena: _Allocator, model: Model) -> None:
    arena.persistent_struct(structs.BUILTIN_DATA_ALLOCATOR)
    arena.resize_scratch_requests(0)
    arena.persistent_struct(structs.SUBGRAPH_ALLOCATIONS, len(model.graphs))
    for graph in model.graphs:
        arena.persistent_struct(structs.EVAL_TENSOR, len(graph.tensors))
    for graph in model.graphs:
        arena.persistent_struct(structs.NODE_AND_REGISTRATION, len(graph.ops))


def _prepare(arena: _Allocator, model: Model, kernels: Sequence[Sequence[Kernel]]) -> list[ScratchRequest]:
    scratch: list[ScratchRequest] = []
    variables: set[str] = set()
    for graph_index, (graph, row) in enumerate(zip(model.graphs, kernels, strict=True)):
        for op_index, (op, kernel) in enumerate(zip(graph.ops, row, strict=True)):
            for request in kernel.requests(Call(op, graph, arena.target)):
                match request:
                    case Temp(index):
                        arena.temp_tensor(graph.tensors[index])
                    case Persistent(nbytes):
                        arena.persistent(nbytes)
                    case Variable(name, nbytes):
                        if name not in variables:
                            arena.persistent(nbytes)
                        variables.add(name)
                    case Scratch(nbytes):
                        scratch.append(ScratchRequest(graph_index, op_index, nbytes))
            arena.resize_scratch_requests(len(scratch))
    return scratch


def _plan(arena: _Allocator, model: Model, scratch: Sequence[ScratchRequest]) -> tuple[Buffer, ...]:
    arena.temp("p", len(model.graphs))
    arena.temp(structs.ALLOCATION_INFO, sum(len(graph.tensors) for graph in model.graphs) + len(scratch))
    for nbytes in online_variables(model, offline_offsets(model)):
        arena.persistent(nbytes)
    buffers = place(head_buffers(model, scratch))
    arena.plan_tables(len(buffers))
    arena.resize_head(head_bytes(buffers))
    return buffers
