"""Fusion blocks: units *first* to *last* run as one operator; what is known of one, and one that is laid out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeVar

from tflm_msf.blocks.schedule import Schedule
from tflm_msf.network.units import Network

OWN_OPERANDS = 4
"""Operands of a block that are no inputs, at the most: parameters, output, workspace and state."""


class Candidate(NamedTuple):
    """A block that could be: units ``first`` to ``last``, made as ``schedule`` says.

    ``workspace`` in bytes. ``overlap`` is the number of bytes by which the boundary input ``overlap_input`` has to
    start behind the output if the two share memory, or None where they may not. ``recomputes``: maps that are pooled,
    and scaled after that, are made anew for it instead of kept (see :mod:`tflm_msf.blocks.recompute`). ``loads``: the
    inputs that lie in slow memory, and are copied into the workspace (see :mod:`tflm_msf.blocks.loads`).
    """

    first: int
    last: int
    schedule: Schedule
    workspace: int
    macs: int
    inputs: tuple[int, ...]
    output: int
    overlap_input: int | None = None
    overlap: int = 0
    recomputes: bool = False
    loads: tuple[int, ...] = ()


class Found(NamedTuple):
    """A block, and the bytes that it takes beside its inputs and its output, less those that these share."""

    block: Candidate
    added: int


Row = TypeVar("Row", bound=tuple[Any, ...])


def of_columns(kind: type[Row], *columns: Iterable[Any]) -> list[Row]:
    """Named tuples with a column for each field, those with defaults too: a third of the time of a call for each."""
    return list(map(partial(tuple.__new__, kind), zip(*columns)))  # noqa: B905 - some columns repeat and do not end


class InnerTensor(NamedTuple):
    """Where an inner tensor lives: its last ``pixels`` pixels, in a ring at byte ``offset`` of the workspace."""

    tensor: int
    is_chunk: bool
    pixels: int
    offset: int


class Group(NamedTuple):
    """Units that run together, ``chunk`` pixels at a time; the last one makes the group's tensor.

    In each strip of the block they make the first ``rows`` rows of their grid, from column x0 to x1 (exclusive) of
    ``strips``.
    """

    units: tuple[int, ...]
    chunk: int
    rows: int
    strips: tuple[tuple[int, int], ...]


class Scratch(NamedTuple):
    """``size`` bytes of the workspace, from ``offset`` on, that a unit's kernel may use while it runs."""

    unit: int
    offset: int
    size: int


@dataclass(frozen=True)
class Block:
    """A candidate laid out: groups in running order, buffers and accumulators (unit, offset) in the workspace.

    ``state`` has the tensors whose rows outlive an invocation, and the pixels of each that are kept.

    Units are those of ``network``, where some of the candidate's may have copies.
    """

    candidate: Candidate
    network: Network
    groups: tuple[Group, ...]
    buffers: tuple[InnerTensor, ...]
    accumulators: tuple[tuple[int, int], ...]
    state: tuple[tuple[int, int], ...] = ()
    scratch: tuple[Scratch, ...] = ()

    @property
    def workspace(self) -> int:
        """Bytes of the workspace: what the candidate needs, and scratch that there is room for."""
        return max([self.candidate.workspace, *(scratch.offset + scratch.size for scratch in self.scratch)])
