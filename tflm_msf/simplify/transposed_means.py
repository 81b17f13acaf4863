"""TRANSPOSE before MEAN: the MEAN is taken over the axes where they were, and what is left is transposed behind it.

TFLM adds int8 values up in int32 before it rounds once, so that their order does not matter, and rounds each sum in the
same way wherever it lies. The TRANSPOSE behind moves fewer elements, often none: then another rule turns it into a
RESHAPE.
"""

from __future__ import annotations

from dataclasses import replace

from tflm_msf.graph import DType
from tflm_msf.simplify.rule import Edit, Rule, Wiring, integer_constant
from tflm_msf.simplify.thin_transposes import transposed_axes


def sink(wiring: Wiring, index: int) -> Edit | None:
    """MEAN ``index`` in front of the TRANSPOSE before it."""
    op = wiring.graph.ops[index]
    before = wiring.maker(op.inputs[0], "TRANSPOSE")
    order = None if before is None else transposed_axes(wiring, before)
    given = wiring.integers(op, 1)
    target = wiring.tensor(op.outputs[0])
    if before is None or order is None or given is None or target.dtype != DType.INT8 or not op.options:
        return None
    if wiring.tensor(op.inputs[0]).dtype != DType.INT8 or any(not -len(order) <= axis < len(order) for axis in given):
        return None
    reduced = {axis % len(order) for axis in given}
    keeps = bool(op.options.get("keep_dims", False))
    before_axes = sorted(order[axis] for axis in reduced)
    left = [axis for axis in range(len(order)) if axis not in before_axes or keeps]
    behind = [left.index(order[axis]) for axis in range(len(order)) if axis not in reduced or keeps]
    source_shape = wiring.tensor(wiring.graph.ops[before].inputs[0]).shape
    shape = tuple(1 if axis in before_axes else source_shape[axis] for axis in left)
    if tuple(shape[axis] for axis in behind) != target.shape or not shape:
        return None
    first = len(wiring.graph.tensors)
    added = (
        replace(target, name=f"{target.name}/msf_mean", shape=shape, shape_signature=()),
        integer_constant(f"{target.name}/msf_mean_axes", before_axes),
        integer_constant(f"{target.name}/msf_axes", behind),
    )
    mean = replace(op, inputs=(wiring.graph.ops[before].inputs[0], first + 1), outputs=(first,))
    transpose = replace(wiring.graph.ops[before], inputs=(first, first + 2), outputs=op.outputs)
    return Edit((before, index), {index: (mean, transpose)}, added=added)


RULE = Rule(frozenset({"MEAN"}), sink, "averages the axes where they were before a TRANSPOSE")
