"""Operators whose outputs nobody reads.

They write nothing but those outputs: none of them has a state (a variable tensor, a resource), so that nothing else can
tell whether it ran.
"""

from __future__ import annotations

from tflm_msf.graph import NO_TENSOR
from tflm_msf.ops import LOWERINGS, SEVERAL_STAGES
from tflm_msf.simplify.constants import FOLDINGS
from tflm_msf.simplify.rule import Edit, Rule, Wiring

STATELESS = frozenset(
    {*LOWERINGS, *SEVERAL_STAGES, *FOLDINGS, "DEQUANTIZE", "GATHER", "UNPACK", "ARG_MAX", "BROADCAST_ARGS"}
)


def drop(wiring: Wiring, index: int) -> Edit | None:
    """Without operator ``index``."""
    op = wiring.graph.ops[index]
    is_seen = any(tensor in wiring.kept or wiring.readers.get(tensor) for tensor in op.outputs)
    has_state = any(tensor != NO_TENSOR and wiring.tensor(tensor).is_variable for tensor in (*op.inputs, *op.outputs))
    return None if is_seen or has_state or not op.outputs else Edit((index,), {index: ()})


RULE = Rule(STATELESS, drop, "are gone: nobody reads what they make")
