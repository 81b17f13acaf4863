"""Operators whose outputs nobody reads.

They write nothing but those outputs: none of them has a state (a variable tensor, a resource), so that nothing else can
tell whether it ran.
"""

from __future__ import annotations

from tflm_msf.graph import NO_TENSOR
from tflm_msf.ops import LOWERINGS, SEVERAL_STAGES
from tflm_msf.simplify.constants import FOLDINGS
from tflm_msf.simplify.rule import Edit, Rule, Wiring

ELSE = (
    *("ARG_MAX", "BROADCAST_ARGS", "CEIL", "COS", "DEQUANTIZE", "DIV", "EXP", "FLOOR", "GATHER", "LOG", "NEG"),
    *("ROUND", "RSQRT", "SIN", "SQRT", "SQUARE", "UNPACK"),
)
"""What none of the tables below names."""

STATELESS = frozenset({*LOWERINGS, *SEVERAL_STAGES, *FOLDINGS, *ELSE})


def drop(wiring: Wiring, index: int) -> Edit | None:
    """Without operator ``index``."""
    op = wiring.graph.ops[index]
    is_seen = any(tensor in wiring.kept or wiring.readers.get(tensor) for tensor in op.outputs)
    has_state = any(tensor != NO_TENSOR and wiring.tensor(tensor).is_variable for tensor in (*op.inputs, *op.outputs))
    return None if is_seen or has_state or not op.outputs else Edit((index,), {index: ()})


RULE = Rule(STATELESS, drop, "are gone: nobody reads what they make")
