"""A program read back, for people who want to know what a block does."""

from __future__ import annotations

import struct
from typing import Any

from tflm_msf.errors import MsfError
from tflm_msf.graph import Model
from tflm_msf.ops import StageOp
from tflm_msf.program.encode import CHUNK, CUSTOM_CODE, GROUP, HEADER, MAGIC, RING, STAGE, STREAMED, TENSOR


def describe_program(program: bytes) -> dict[str, Any]:
    """Workspace bytes and, for each stage, its operator, output map and what is kept of it.

    Raises:
        MsfError: if the bytes are not a program.
    """
    try:
        return _describe(program)
    except (ArithmeticError, LookupError, ValueError, struct.error):
        raise MsfError("an MSF_BLOCK operator of the model holds a damaged program; rewrite the model.") from None


def is_rewritten(model: Model) -> bool:
    """True if the model holds fusion blocks."""
    return any(op.custom_code == CUSTOM_CODE for op in model.main.ops)


def is_streamed(model: Model) -> bool:
    """True if the model gets its input from a row source instead of a tensor."""
    programs = (op.custom_options for op in model.main.ops if op.custom_code == CUSTOM_CODE)
    headers = (HEADER.unpack_from(program) for program in programs if len(program) >= HEADER.size)
    return any(header[0] == MAGIC and header[19] & STREAMED for header in headers)


def _describe(program: bytes) -> dict[str, Any]:
    header = HEADER.unpack_from(program)
    if header[0] != MAGIC:
        raise ValueError
    tensor_count, stage_count, group_count = header[5:8]
    tensors_at = HEADER.size
    stages_at = tensors_at + TENSOR.size * tensor_count
    groups_at = stages_at + STAGE.size * stage_count
    tensors = [TENSOR.unpack_from(program, tensors_at + TENSOR.size * i) for i in range(tensor_count)]
    stages = [STAGE.unpack_from(program, stages_at + STAGE.size * i) for i in range(stage_count)]
    groups = [GROUP.unpack_from(program, groups_at + GROUP.size * i) for i in range(group_count)]
    return {
        "workspace": header[14],
        "tile_w": header[13],
        "groups": [{"first_stage": g[0], "stages": g[1], "chunk": g[2]} for g in groups],
        "stages": [_stage(stage, tensors) for stage in stages],
    }


def _stage(stage: tuple[int, ...], tensors: list[tuple[int, ...]]) -> dict[str, str]:
    h, w, c, _, _, kind, _, _, pixels = tensors[stage[6]]
    keeps = {RING: f"ring of {pixels} pixels ({pixels / w:.1f} rows)", CHUNK: f"{pixels} pixels"}.get(
        kind, "all of it (boundary tensor)"
    )
    return {"op": StageOp(stage[0]).name, "map": f"{h}x{w}x{c}", "keeps": keeps}
