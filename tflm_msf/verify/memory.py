"""Does what a model computes depend on what was in memory before? Then nothing can be the same twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tflm_msf.inputs import Array
from tflm_msf.runtime import Session
from tflm_msf.runtime.native import new_memory_holding

FILLINGS = (0x00, 0x5A)
"""Bytes that fresh memory holds in the two runs that are compared."""


@dataclass(frozen=True)
class LeftToChance:
    """Names of tensors that hold bytes which nobody wrote, or what follows from such; and whether an output is one.

    Some kernels leave bytes that nobody reads either: then no output depends on them.
    """

    tensors: tuple[str, ...]
    reaches_outputs: bool


def left_to_chance(model: bytes, inputs: Sequence[Sequence[Array]], source: str) -> LeftToChance:
    """What a fresh interpreter computes otherwise if memory held other bytes.

    Every tensor has a place of its own here, so that bytes which nobody wrote are still there when they are read.
    """
    sessions = [_session(model, byte, source) for byte in FILLINGS]
    graph = sessions[0].model.main
    written = dict.fromkeys(index for op in graph.ops for index in op.outputs if index >= 0)
    found: dict[int, None] = {}
    for values in inputs:
        outputs = [session.run(values) for session in sessions]
        for index, *both in zip(graph.outputs, *outputs, strict=True):
            if not _same(*both):
                found[index] = None
        for index in written:
            if graph.tensors[index].nbytes and not _same(*(session.tensor(index) for session in sessions)):
                found[index] = None
    names = tuple(graph.tensors[index].name for index in (*written, *graph.outputs) if index in found)
    return LeftToChance(tuple(dict.fromkeys(names)), any(index in found for index in graph.outputs))


def _session(model: bytes, byte: int, source: str) -> Session:
    with new_memory_holding(byte):
        return Session(model, preserve_all=True, source=source)


def _same(one: Array, other: Array) -> bool:
    return one.tobytes() == other.tobytes() or bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))
