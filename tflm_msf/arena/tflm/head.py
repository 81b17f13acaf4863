"""The head of the arena: lifetimes of tensors and scratch buffers, and the offsets TFLM gives them.

Follows ``micro_allocation_info.cc`` (lifetimes, offline plan) and ``greedy_memory_planner.cc`` (offsets) step by step,
because ties and gaps decide the size. All sizes and offsets in bytes.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tflm_msf.arena.tflm.kernels import tensor_bytes
from tflm_msf.errors import MsfError
from tflm_msf.graph import NO_TENSOR, Graph, Model
from tflm_msf.sizes import TENSOR_ALIGNMENT, align_up

OFFLINE_PLAN = "OfflineMemoryAllocation"
"""Name of the metadata entry with offsets chosen by a tool: little-endian int32 [version, subgraph, N, offset * N]."""

PLANNED_BY_TFLM = -1
"""Offset that leaves the place of a tensor to TFLM."""

NEVER = -1
"""Time of first and last use of a tensor that no operator, model input or model output names. It gets room all the
same, beside which everything else may lie, for nothing is alive when it is."""


@dataclass(frozen=True)
class ScratchRequest:
    """Scratch of ``nbytes`` for operator ``op`` of subgraph ``graph``."""

    graph: int
    op: int
    nbytes: int


@dataclass(frozen=True)
class Buffer:
    """One piece of the head.

    ``tensor`` is (subgraph, tensor index), or None for scratch. ``nbytes`` is a multiple of 16. ``first`` and ``last``
    are times of use: 0 is before the first operator, k during operator k - 1, both ends included.
    """

    tensor: tuple[int, int] | None
    nbytes: int
    first: int
    last: int
    offset: int = PLANNED_BY_TFLM

    @property
    def end(self) -> int:
        """The offset behind the last byte."""
        return self.offset + self.nbytes


def lifetimes(graph: Graph) -> tuple[tuple[int, int], ...]:
    """Times of first and last use of every tensor of the graph that runs, constants included.

    Source: ``AllocationInfoBuilder::MarkAllocationLifetimes``. Model inputs are alive from time 0, model outputs until
    the last operator, and a tensor that is only ever read begins at :data:`NEVER`.
    """
    first = [NEVER] * len(graph.tensors)
    last = [NEVER] * len(graph.tensors)

    def create(tensor: int, time: int) -> None:
        if first[tensor] == NEVER:
            first[tensor] = time

    for tensor in graph.inputs:
        create(tensor, 0)
        last[tensor] = 0
    for time, op in enumerate(graph.ops, start=1):
        for tensor in op.outputs:
            create(tensor, time)
        for tensor in (*op.inputs, *op.outputs):
            if tensor != NO_TENSOR:
                last[tensor] = time
    for tensor in graph.outputs:
        create(tensor, len(graph.ops))
        last[tensor] = len(graph.ops)
    return tuple(zip(first, last, strict=True))


def offline_offsets(model: Model) -> tuple[int, ...] | None:
    """Offsets of all tensors of all subgraphs in order as the file's metadata gives them, or None without any.

    Raises :class:`MsfError` if the plan does not have one offset per tensor, as TFLM then refuses the model, or if an
    offset is below -1, as TFLM then writes outside the arena.
    """
    plans = [data for name, data in model.metadata if name == OFFLINE_PLAN]
    if not plans:
        return None
    words = struct.unpack(f"<{len(plans[-1]) // 4}i", plans[-1][: len(plans[-1]) // 4 * 4])
    count = sum(len(graph.tensors) for graph in model.graphs)
    offsets = words[3 : 3 + count]
    if len(words) < 3 or words[2] != count or len(offsets) < count or min(offsets, default=0) < PLANNED_BY_TFLM:
        raise MsfError(
            f"The model's {OFFLINE_PLAN} metadata is no plan for its {count} tensors, so TFLM cannot run the model:"
            " remove that metadata entry or make it anew."
        )
    return offsets


def online_variables(model: Model, offsets: Sequence[int] | None) -> tuple[int, ...]:
    """Bytes of each variable tensor that TFLM puts into the tail because no offline plan places it.

    TFLM looks offsets up by the index within the subgraph here, so all subgraphs share the first one's.
    """
    return tuple(
        tensor_bytes(tensor)
        for graph in model.graphs
        for index, tensor in enumerate(graph.tensors)
        if tensor.is_variable and (offsets is None or offsets[index] == PLANNED_BY_TFLM)
    )


def head_buffers(model: Model, scratch: Sequence[ScratchRequest]) -> tuple[Buffer, ...]:
    """Everything that wants a place in the head, in TFLM's order: tensors, then scratch.

    Offsets are those of the offline plan or :data:`PLANNED_BY_TFLM`. Only subgraph 0 runs; tensors of others are never
    alive. Raises as :func:`offline_offsets`.
    """
    offsets = offline_offsets(model)
    buffers = []
    position = 0
    for number, graph in enumerate(model.graphs):
        times = lifetimes(graph) if number == 0 else ((NEVER, NEVER),) * len(graph.tensors)
        for index, (tensor, (first, last)) in enumerate(zip(graph.tensors, times, strict=True)):
            offset = PLANNED_BY_TFLM if offsets is None else offsets[position]
            position += 1
            nbytes = tensor_bytes(tensor)
            online = not tensor.data and not tensor.is_variable and nbytes > 0
            if online or (tensor.is_variable and offset != PLANNED_BY_TFLM):
                buffers.append(Buffer((number, index), align_up(nbytes, TENSOR_ALIGNMENT), first, last, offset))
    for request in scratch:
        time = request.op + 1 if request.graph == 0 else NEVER
        buffers.append(Buffer(None, align_up(request.nbytes, TENSOR_ALIGNMENT), time, time))
    return tuple(buffers)


def place(buffers: Sequence[Buffer]) -> tuple[Buffer, ...]:
    """The same buffers with the offsets that TFLM's greedy planner gives them, in the given order.

    Those with an offset keep it, whatever they overlap. The others go in descending order of size (the later of two
    equals first) into the lowest gap among the buffers alive at the same time. Source: ``GreedyMemoryPlanner``.
    """
    fixed = [index for index, buffer in enumerate(buffers) if buffer.offset != PLANNED_BY_TFLM]
    free = [index for index, buffer in enumerate(buffers) if buffer.offset == PLANNED_BY_TFLM]
    placed: list[Buffer] = []  # in order of offset, the earlier placed of two equals first
    starts: list[int] = []
    result = list(buffers)
    for index in fixed + sorted(free, key=lambda index: (buffers[index].nbytes, index), reverse=True):
        buffer = buffers[index]
        if buffer.offset == PLANNED_BY_TFLM:
            buffer = replace(buffer, offset=_lowest_gap(buffer, placed))
        where = bisect_right(starts, buffer.offset)
        starts.insert(where, buffer.offset)
        placed.insert(where, buffer)
        result[index] = buffer
    return tuple(result)


def _lowest_gap(wanted: Buffer, placed: Sequence[Buffer]) -> int:
    offset = 0
    for other in placed:
        if other.first <= wanted.last and wanted.first <= other.last:
            if other.offset - offset >= wanted.nbytes:
                break
            offset = max(offset, other.end)
    return offset


def with_scratch(placed: Sequence[Buffer], scratch: Sequence[tuple[int, int]]) -> int:
    """Bytes of head once TFLM has put scratch, each piece a time and a size, beside what an offline plan placed."""
    wanted = [Buffer(None, align_up(nbytes, TENSOR_ALIGNMENT), time, time) for time, nbytes in scratch]
    return head_bytes(place([*placed, *wanted]))


def head_bytes(placed: Sequence[Buffer]) -> int:
    """Bytes from the arena's start to the end of the furthest buffer."""
    return max((buffer.end for buffer in placed), default=0)


def live_bytes(model: Model) -> tuple[int, ...]:
    """Bytes of activation tensors alive during each operator of the main graph, each rounded up to 16 as in the arena.

    The largest of them is the least head that any plan without overlaps can reach. Scratch and tensors that nothing
    uses do not count. What an offline plan puts one over the other counts once. Needs no knowledge of kernels, so it
    holds for any model. Raises as :func:`offline_offsets`.
    """
    graph = model.main
    offsets = offline_offsets(model) or (PLANNED_BY_TFLM,) * len(graph.tensors)
    alive: list[list[tuple[int, int]]] = [[] for _ in graph.ops]
    for index, (tensor, (first, last)) in enumerate(zip(graph.tensors, lifetimes(graph), strict=True)):
        if not tensor.data and not tensor.is_variable and last != NEVER:
            for time in range(max(first, 1), last + 1):
                alive[time - 1].append((offsets[index], align_up(tensor_bytes(tensor), TENSOR_ALIGNMENT)))
    return tuple(_occupied(pieces) for pieces in alive)


def _occupied(pieces: Sequence[tuple[int, int]]) -> int:
    """Bytes that pieces, each an offset and a size, take together; those without an offset lie beside all others."""
    total = sum(nbytes for offset, nbytes in pieces if offset == PLANNED_BY_TFLM)
    end = 0
    for offset, nbytes in sorted(piece for piece in pieces if piece[0] != PLANNED_BY_TFLM):
        total += max(0, offset + nbytes - max(offset, end))
        end = max(end, offset + nbytes)
    return total
