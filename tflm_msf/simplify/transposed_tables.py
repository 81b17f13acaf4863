"""TRANSPOSE before an operator that maps each value on its own: it is moved behind it.

There it may meet the TRANSPOSE that undoes it, a MEAN or a FULLY_CONNECTED. The values are the same ones, each mapped
by the same arithmetic. Only from int8 to int8 or from float32 to int8, so that no more bytes are transposed than
before.
"""

from __future__ import annotations

from dataclasses import replace

from tflm_msf.graph import DType
from tflm_msf.simplify.rule import Edit, Rule, Wiring
from tflm_msf.simplify.thin_transposes import transposed_axes

POINTWISE = frozenset({"RELU", "RELU6", "LEAKY_RELU", "ELU", "HARD_SWISH", "LOGISTIC", "TANH", "ABS", "QUANTIZE"})


def sink(wiring: Wiring, index: int) -> Edit | None:
    """Operator ``index`` in front of the TRANSPOSE before it, which it alone reads."""
    op = wiring.graph.ops[index]
    before = wiring.maker(op.inputs[0], "TRANSPOSE")
    order = None if before is None else transposed_axes(wiring, before)
    if before is None or order is None or not wiring.is_read_once(op.inputs[0]):
        return None
    transpose = wiring.graph.ops[before]
    source, between, target = (wiring.tensor(t) for t in (transpose.inputs[0], op.inputs[0], op.outputs[0]))
    if between.shape != target.shape or target.dtype != DType.INT8 or between.dtype.bits < target.dtype.bits:
        return None
    mapped = replace(target, name=f"{target.name}/msf_mapped", shape=source.shape, shape_signature=())
    first = len(wiring.graph.tensors)
    return Edit(
        (before, index),
        {
            before: (),
            index: (
                replace(op, inputs=(transpose.inputs[0], *op.inputs[1:]), outputs=(first,)),
                replace(transpose, inputs=(first, *transpose.inputs[1:]), outputs=op.outputs),
            ),
        },
        added=(mapped,),
    )


RULE = Rule(POINTWISE, sink, "comes before a TRANSPOSE that was in front of it")
