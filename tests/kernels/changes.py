"""Programs put together by hand, with something changed in them."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any

from tests.kernels.handmade import Handmade


def patched(made: Handmade, at: int, value: bytes, checksum: bool = True) -> bytes:
    """The program with other bytes, and the checksum that belongs to them."""
    program = bytearray(made.pack())
    program[at : at + len(value)] = value
    if checksum:
        program[12:16] = zlib.crc32(program[16:]).to_bytes(4, "little")
    return bytes(program)


def with_tensor(made: Handmade, index: int, **changes: Any) -> Handmade:
    tensors = [replace(t, **changes) if i == index else t for i, t in enumerate(made.tensors)]
    return replace(made, tensors=tuple(tensors))


def with_stage(made: Handmade, index: int, **changes: Any) -> Handmade:
    stages = [replace(s, **changes) if i == index else s for i, s in enumerate(made.stages)]
    return replace(made, stages=tuple(stages))


def with_group(made: Handmade, index: int, **changes: Any) -> Handmade:
    groups = [replace(g, **changes) if i == index else g for i, g in enumerate(made.groups)]
    return replace(made, groups=tuple(groups))
