"""RESHAPE, SQUEEZE and EXPAND_DIMS: several in a row are one, and one that changes no shape is none.

TFLM copies their bytes as they are, and reads the new shape from the output tensor.
"""

from __future__ import annotations

from tflm_msf.simplify.rule import Edit, Rule, Wiring, is_alike, reshape_op, vanished

VIEWS = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")


def shorten(wiring: Wiring, index: int) -> Edit | None:
    """Without view ``index``, or with it on what the view before it reads."""
    op = wiring.graph.ops[index]
    target = wiring.tensor(op.outputs[0])
    if not is_copy(wiring, index):
        return None
    gone = vanished(wiring, index)
    if gone is not None:
        return gone
    before = wiring.maker(op.inputs[0], *VIEWS)
    if before is None or not is_copy(wiring, before):
        return None
    source = wiring.graph.ops[before].inputs[0]
    return Edit((before, index), {index: (reshape_op(source, op.outputs[0], target.shape),)})


def is_copy(wiring: Wiring, index: int) -> bool:
    """True if the output holds the bytes of the input on the same scale."""
    op = wiring.graph.ops[index]
    source, target = wiring.tensor(op.inputs[0]), wiring.tensor(op.outputs[0])
    return is_alike(source, target) and source.elements == target.elements


RULE = Rule(frozenset(VIEWS), shorten, "are one change of shape with those around them, or none")
