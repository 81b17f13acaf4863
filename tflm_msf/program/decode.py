"""A program read back, for people who want to know what a block does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from tflm_msf import format as fmt
from tflm_msf.blocks.schedule import CHUNKS, Schedule
from tflm_msf.errors import MsfError
from tflm_msf.format import CUSTOM_CODE, NONE, Layout, Order, StageOp, TensorKind
from tflm_msf.graph import Model
from tflm_msf.ops import Map
from tflm_msf.ops.stage import times_fetched

Value = TypeVar("Value")


@dataclass(frozen=True)
class ProgramOutline:
    """What a program says of its block: the schedules that may have made it; its workspace in bytes; which input its
    output may overlap and from how many bytes behind its start on, as numbers of operands, or None; and each stage's
    operator and output map, in order; the pixels that each group makes at a time. ``fast``: numbers of the operands
    that lie in fast memory.
    """

    schedules: tuple[Schedule, ...]
    workspace: int
    overlap: tuple[int, int, int] | None
    has_packed_weights: bool
    stages: tuple[tuple[StageOp, Map], ...]
    chunks: tuple[int, ...] = ()
    fast: frozenset[int] = frozenset()

    @property
    def has_two_memories(self) -> bool:
        """Whether anything does; the workspace does if anything does."""
        return bool(self.fast)


def outline_of(program: bytes) -> ProgramOutline:
    """The outline of a program. Raises MsfError if the bytes are not one."""
    return _undamaged(_outline, program)


def describe_program(program: bytes) -> dict[str, Any]:
    """Workspace bytes and, for each stage, its operator, output map and what is kept of it.

    Raises:
        MsfError: if the bytes are not a program.
    """
    return _undamaged(_describe, program)


def _undamaged(read: Callable[[fmt.Program], Value], program: bytes) -> Value:
    try:
        return read(fmt.Program.unpack(program))
    except (ArithmeticError, LookupError, ValueError):
        raise MsfError("an MSF_BLOCK operator of the model holds a damaged program; rewrite the model.") from None


def _outline(found: fmt.Program) -> ProgramOutline:
    header = found.header
    overlap = header.overlap_input, header.overlap_output, header.overlap_distance
    outputs = [(StageOp(stage.op), found.tensors[stage.out]) for stage in found.stages]
    return ProgramOutline(
        schedules=tuple(Schedule(header.tile_w, chunk, Order(header.order)) for chunk in CHUNKS),
        workspace=header.workspace_size,
        overlap=None if header.overlap_input == NONE else overlap,
        has_packed_weights=any(stage.layout == Layout.PACKED for stage in found.stages),
        stages=tuple((op, Map(_rows_with_history(out), out.w, out.c)) for op, out in outputs),
        chunks=tuple(group.chunk for group in found.groups),
        fast=frozenset(operand for operand in range(header.operand_count) if header.fast_operands >> operand & 1),
    )


def _rows_with_history(tensor: fmt.Tensor) -> int:
    """Rows of the map that a stage makes: those that earlier invocations left come before the new ones."""
    return tensor.rows + (tensor.history if tensor.kind == TensorKind.KEPT else 0)


def _describe(found: fmt.Program) -> dict[str, Any]:
    return {
        "workspace": found.header.workspace_size,
        "tile_w": found.header.tile_w,
        "groups": [{"first_stage": g.first_stage, "stages": g.stage_count, "chunk": g.chunk} for g in found.groups],
        "stages": [_describe_stage(stage, found.tensors[stage.out]) for stage in found.stages],
    }


def is_rewritten(model: Model) -> bool:
    """True if the model holds fusion blocks."""
    return any(op.custom_code == CUSTOM_CODE for op in model.main.ops)


def is_streamed(model: Model) -> bool:
    """True if the model gets its input from a row source instead of a tensor."""
    return any(fmt.is_streamed(op.custom_options) for op in model.main.ops if op.custom_code == CUSTOM_CODE)


def streamed_image(model: Model) -> tuple[int, int, int] | None:
    """Height, width and channels of the image whose rows a model gets from a row source; None if it gets none.

    Raises:
        MsfError: if the model holds something that is not a program.
    """
    for op in model.main.ops:
        if op.custom_code == CUSTOM_CODE and fmt.is_streamed(op.custom_options):
            outline = _undamaged(_outline, op.custom_options)
            return next(((out.h, out.w, out.c) for stage, out in outline.stages if stage is StageOp.SOURCE), None)
    return None


def fetches_of(model: Model) -> int:
    """How often an inference of a streamed model fetches each row of its input.

    Raises:
        MsfError: if the model holds something that is not a program.
    """
    sources = (stage for program in programs_of(model) for stage in program.stages if stage.op == StageOp.SOURCE)
    return max((times_fetched(stage.args) for stage in sources), default=1)


def programs_of(model: Model) -> list[fmt.Program]:
    """The programs of a rewritten model's blocks.

    Raises:
        MsfError: if one of them is none.
    """
    blocks = (op.custom_options for op in model.main.ops if op.custom_code == CUSTOM_CODE)
    return [_undamaged(lambda program: program, block) for block in blocks]


def fast_bytes(model: Model) -> int:
    """Bytes of fast memory that a model asks for beside its arena; 0 for one that was made for one memory."""
    return max((fmt.fast_size(op.custom_options) for op in model.main.ops if op.custom_code == CUSTOM_CODE), default=0)


def fast_places(program: bytes) -> dict[int, fmt.Fast]:
    """Where each operand lies that lies in fast memory. Raises MsfError if the bytes are not a program."""
    return _undamaged(_fast_places, program)


def _fast_places(found: fmt.Program) -> dict[int, fmt.Fast]:
    header = found.header
    operands = (operand for operand in range(header.operand_count) if header.fast_operands >> operand & 1)
    return dict(zip(operands, found.fast, strict=True))


def operators_of(model: Model) -> frozenset[tuple[StageOp, int]]:
    """Operators of all stages of a rewritten model, each with the layouts of weights (0 or 1) that it is used with.

    Raises:
        MsfError: if the model holds something that is not a program.
    """
    return frozenset((StageOp(s.op), s.layout) for program in programs_of(model) for s in program.stages)


def _describe_stage(stage: fmt.Stage, out: fmt.Tensor) -> dict[str, str]:
    kept = {
        TensorKind.RING: f"ring of {out.pixels} pixels ({out.pixels / out.w:.1f} rows)",
        TensorKind.CHUNK: f"{out.pixels} pixels",
        TensorKind.KEPT: f"ring of {out.pixels} pixels in the state, {out.history} rows of earlier invocations",
    }
    keeps = kept.get(TensorKind(out.kind), "all of it (boundary tensor)")
    return {"op": StageOp(stage.op).name, "map": f"{out.rows}x{out.w}x{out.c}", "keeps": keeps}
