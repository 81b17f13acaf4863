"""What a model will allocate on a target, to the byte, without running it.

``predict(model, WHEEL64)`` is what the ``tflite-micro`` wheel reports on this computer, ``predict(model, MCU32)`` what
TFLM reports on a Cortex-M with its reference kernels, ``predict(model, C_EXPORT)`` the exported C's one array. Every
call to this package is pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tflm_msf.arena.c_export import c_arena, c_offsets, c_states
from tflm_msf.arena.tflm.head import OFFLINE_PLAN, PLANNED_BY_TFLM, Buffer, lifetimes, live_bytes, with_scratch
from tflm_msf.arena.tflm.kernels import Kernel, kernel_of, scratch_of, tensor_bytes
from tflm_msf.arena.tflm.refusals import Refusal, refusal_of, refusals
from tflm_msf.arena.tflm.tail import Replay, replay
from tflm_msf.arena.tflm.target import (
    ANY_TFLM,
    C_EXPORT,
    MCU32,
    MCU32_INT_ENUMS,
    TARGETS,
    WHEEL64,
    Generation,
    Target,
    find_target,
)
from tflm_msf.errors import MsfError
from tflm_msf.graph import DType, Model

__all__ = [
    "ANY_TFLM",
    "C_EXPORT",
    "MCU32",
    "MCU32_INT_ENUMS",
    "OFFLINE_PLAN",
    "PLANNED_BY_TFLM",
    "TARGETS",
    "WHEEL64",
    "ArenaNeed",
    "ArenaSize",
    "Buffer",
    "Generation",
    "NotPredictedError",
    "Refusal",
    "RefusedError",
    "Target",
    "arena_need",
    "c_arena",
    "c_offsets",
    "c_states",
    "find_target",
    "head_plan",
    "lifetimes",
    "live_bytes",
    "predict",
    "refusal_of",
    "refusals",
    "scratch_of",
    "tensor_bytes",
    "with_scratch",
]


class NotPredictedError(MsfError):
    """The model holds something whose allocations are not known.

    ``reason`` completes the sentence "not predicted because of ..." for callers that go on without the figure.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The arena of this model cannot be predicted because of {reason}: measure it in TFLM instead."
        )
        self.reason = reason


class RefusedError(NotPredictedError):
    """The model holds an operator that TFLM does not run, in whatever arena."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.args = (f"{refusal}.",)


@dataclass(frozen=True)
class ArenaSize:
    """Bytes of arena: ``head`` (tensors and scratch) and ``tail`` (persistent), as TFLM reports them.

    ``minimum`` is the smallest arena, in TFLM aligned to 16 bytes at both ends, in which the model starts. It exceeds
    ``total`` where TFLM's own notes during preparation and planning need more than the final head: models with many
    tensors and little to hold. For a few kernels TFLM accepts still less, but then overwrites its own notes and may
    crash.
    """

    head: int
    tail: int
    minimum: int

    @property
    def total(self) -> int:
        """Head plus tail: what ``arena_used_bytes()`` and the wheel's "Arena allocation total" say."""
        return self.head + self.tail


def predict(model: Model, target: Target) -> ArenaSize:
    """What is allocated for ``model`` on ``target``, in bytes. Exported C has no tail, and no operators but blocks.

    Raises :class:`NotPredictedError` for an operator or tensor with unknown allocations, or exported C of a model that
    was not rewritten, and :class:`MsfError` for an offline memory plan that TFLM refuses.
    """
    if not target.is_tflm:
        return _predict_c(model)
    found = _replay(model, target)
    return ArenaSize(found.head, found.tail, found.minimum)


class ArenaNeed(NamedTuple):
    """Bytes that an arena has to have where TFLM is built with static memory, and where it is not."""

    static: int
    dynamic: int


def arena_need(arena_on: Callable[[Target], ArenaSize], targets: Sequence[Target]) -> ArenaNeed:
    """What suffices on all of ``targets``; a kind of build that none of them is gets what the other needs.

    Raises whatever ``arena_on`` raises.
    """
    needed = {static: [arena_on(t).minimum for t in targets if t.static is static] for static in (True, False)}
    return ArenaNeed(max(needed[True] or needed[False]), max(needed[False] or needed[True]))


def _predict_c(model: Model) -> ArenaSize:
    if not any(op.custom_code == "MSF_BLOCK" for op in model.main.ops):
        raise NotPredictedError("operators that were not fused, which exported C does not have")
    size = c_arena(model)
    return ArenaSize(size, 0, size)


def head_plan(model: Model, target: Target) -> tuple[Buffer, ...]:
    """Where TFLM puts each tensor and scratch buffer in the head: offsets and lifetimes. Raises as :func:`predict`."""
    return _replay(model, target).buffers


def _replay(model: Model, target: Target) -> Replay:
    kernels: list[list[Kernel]] = []
    for graph in model.graphs:
        row = []
        for index, op in enumerate(graph.ops):
            refusal = refusal_of(op, graph, index)
            if refusal is not None:
                raise RefusedError(refusal)
            kernel = kernel_of(op)
            if kernel is None:
                raise NotPredictedError(f"operator {index} ({op.name})")
            row.append(kernel)
        kernels.append(row)
        for tensor in graph.tensors:
            is_sized = tensor.dtype.bits > 0 or tensor.dtype is DType.RESOURCE
            if not is_sized or any(size < 0 for size in tensor.shape):
                raise NotPredictedError(f"tensor {tensor.name!r}, whose size is not fixed")
    try:
        return replay(model, kernels, target)
    except LookupError:
        raise NotPredictedError("an operator that lacks a tensor, or a dimension of one") from None
