"""Rows that outlive an invocation, and those that are added to them."""

from __future__ import annotations

from tflm_msf.ops.context import OpContext
from tflm_msf.ops.stage import Stage, StageOp, Window, map_of


def lower_rows_kept(context: OpContext) -> Stage:
    """A copy of the rows that are added, behind those that earlier invocations have left."""
    added = context.map_of_input(0)
    start = context.tensor(1)
    joined = map_of(context.output)
    history = joined.h - added.h
    return Stage(
        StageOp.SLICE,
        (context.op.inputs[0],),
        context.op.outputs[0],
        (added,),
        joined,
        window=Window(pad_top=history),
        args=(0,),
        history=history,
        start=start.data or b"",
    )
