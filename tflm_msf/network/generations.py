"""What older TFLM computes otherwise: int8 MEAN, which upstream changed in April 2023 (docs/TARGETS.md)."""

from __future__ import annotations

from collections.abc import Mapping

from tflm_msf.arena import Generation, Target
from tflm_msf.graph import DType, Graph, Op


def is_computed_otherwise(graph: Graph, op: Op, target: Target | None) -> bool:
    """True if ``target`` is a TFLM that gives other bits for the operator than blocks and the wheel do."""
    if target is None or not target.is_tflm or target.generation >= Generation.TFLM_2024:
        return False
    return op.builtin == "MEAN" and graph.tensors[op.inputs[0]].dtype is DType.INT8


def kept_on(graph: Graph, target: Target | None) -> Mapping[int, str]:
    """Operators that have to stay builtins there, so that the rewritten model gives what the original does; and why."""
    return {
        index: f"TFLM of {int(target.generation)} computes it otherwise than blocks do"
        for index, op in enumerate(graph.ops)
        if target is not None and is_computed_otherwise(graph, op, target)
    }
