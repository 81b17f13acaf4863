"""TRANSPOSE that moves only axes of size 1.

The other axes stay in their order, so that TFLM copies element after element to where it was: a RESHAPE.
"""

from __future__ import annotations

from tflm_msf.simplify.rule import Edit, Rule, Wiring, is_alike, reshape_op


def reshape(wiring: Wiring, index: int) -> Edit | None:
    """A RESHAPE in place of the TRANSPOSE ``index``."""
    op = wiring.graph.ops[index]
    order = transposed_axes(wiring, index)
    if order is None or not keeps_order(wiring.tensor(op.inputs[0]).shape, order):
        return None
    shape = wiring.tensor(op.outputs[0]).shape
    return Edit((index,), {index: (reshape_op(op.inputs[0], op.outputs[0], shape),)})


def transposed_axes(wiring: Wiring, index: int) -> list[int] | None:
    """For each axis of a TRANSPOSE's output the one of its input; None unless they are constant and fit the shapes."""
    op = wiring.graph.ops[index]
    order = wiring.integers(op, 1)
    source, target = wiring.tensor(op.inputs[0]), wiring.tensor(op.outputs[0])
    if order is None or sorted(order) != list(range(len(source.shape))) or not is_alike(source, target):
        return None
    return order if tuple(source.shape[axis] for axis in order) == target.shape else None


def keeps_order(shape: tuple[int, ...], order: list[int]) -> bool:
    """True if a TRANSPOSE leaves every element where it is."""
    moved = [axis for axis in order if shape[axis] != 1]
    return moved == sorted(moved)


RULE = Rule(frozenset({"TRANSPOSE"}), reshape, "is a change of shape: it moves only axes of size 1")
