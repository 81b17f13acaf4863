"""What lies where in the arena's head, and when: values for pictures and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tflm_msf.arena import Buffer, NotPredictedError, Target, head_plan
from tflm_msf.graph import Model

WORKSPACE = "msf_workspace"
"""How the names of blocks' workspaces begin."""


def memory_json(model: Model, target: Target, computes: Sequence[Sequence[int]] = ()) -> dict[str, Any] | None:
    """Each tensor, scratch buffer and workspace with its place and its time.

    Args:
        model: an original or a rewritten model.
        target: the TFLM that places what is not placed already.
        computes: indices of the original's operators that each operator of a rewritten model computes.

    Returns:
        ``steps``: each operator, the indices of the original's operators that it computes, and the bytes of the head
        that hold something meanwhile. ``pieces``: offset and bytes in the head, first and last step, both included.
        ``overlaps``: pairs of pieces that share bytes at some step, because an output is written over an input that
        dies. None where TFLM's plan is not known.
    """
    try:
        buffers = head_plan(model, target)
    except NotPredictedError:
        return None
    pieces = [_piece(model, buffer) for buffer in buffers if buffer.last >= 0]
    overlaps = [
        [first, second]
        for second in range(len(pieces))
        for first in range(second)
        if shared(pieces[first], pieces[second])
    ]
    return {
        "head": max((piece["offset"] + piece["bytes"] for piece in pieces), default=0),
        "steps": [
            {
                "operator": op.name,
                "computes": list(computes[step]) if computes else [step],
                "bytes": _used(pieces, step),
            }
            for step, op in enumerate(model.main.ops)
        ],
        "pieces": pieces,
        "overlaps": overlaps,
    }


def shared(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[int, int, int, int] | None:
    """First and last step and first and last byte (exclusive) that two pieces share; None if they share nothing."""
    first, last = max(a["first"], b["first"]), min(a["last"], b["last"])
    start, end = max(a["offset"], b["offset"]), min(a["offset"] + a["bytes"], b["offset"] + b["bytes"])
    return (first, last, start, end) if first <= last and start < end else None


def _piece(model: Model, buffer: Buffer) -> dict[str, Any]:
    """A buffer; one that is there before the first operator is so for the first one."""
    if buffer.tensor is None:
        name, kind = "scratch", "scratch"
    else:
        graph, tensor = buffer.tensor
        name = model.graphs[graph].tensors[tensor].name
        kind = "workspace" if name.startswith(WORKSPACE) else "tensor"
    first, last = max(buffer.first - 1, 0), max(buffer.last - 1, 0)
    return {"name": name, "kind": kind, "offset": buffer.offset, "bytes": buffer.nbytes, "first": first, "last": last}


def _used(pieces: Sequence[Mapping[str, Any]], step: int) -> int:
    """Bytes in which something lives at a step; those that two pieces share count once."""
    alive = sorted(
        (piece["offset"], piece["offset"] + piece["bytes"])
        for piece in pieces
        if piece["first"] <= step <= piece["last"]
    )
    used = end = 0
    for start, stop in alive:
        used += max(0, stop - max(start, end))
        end = max(end, stop)
    return used
