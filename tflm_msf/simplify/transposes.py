"""TRANSPOSE behind TRANSPOSE: one that moves every axis where both together do, or none if that is nowhere.

Both copy elements. If somebody else reads what is between them, the first one stays, and the second reads its input.
"""

from __future__ import annotations

from dataclasses import replace

from tflm_msf.simplify.rule import Edit, Rule, Wiring, integer_constant, vanished
from tflm_msf.simplify.thin_transposes import transposed_axes


def join(wiring: Wiring, index: int) -> Edit | None:
    """TRANSPOSE ``index`` on what the TRANSPOSE before it reads."""
    op = wiring.graph.ops[index]
    second = transposed_axes(wiring, index)
    if second is not None and second == sorted(second):
        return vanished(wiring, index)
    before = wiring.maker(op.inputs[0], "TRANSPOSE")
    first = None if before is None else transposed_axes(wiring, before)
    if before is None or first is None or second is None:
        return None
    both = integer_constant(f"{wiring.tensor(op.outputs[0]).name}/msf_axes", [first[axis] for axis in second])
    moved = replace(op, inputs=(wiring.graph.ops[before].inputs[0], len(wiring.graph.tensors)))
    return Edit((before, index), {index: (moved,)}, added=(both,))


RULE = Rule(frozenset({"TRANSPOSE"}), join, "are one with the TRANSPOSE before them, or undo it")
