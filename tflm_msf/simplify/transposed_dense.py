"""TRANSPOSE before a FULLY_CONNECTED on one vector: the columns of its weights are put in the order of the values.

TFLM adds the products up in int32 before it rounds, so that their order does not matter. The weights have one scale for
each row (output) or one for all: columns may trade places.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tflm_msf.graph import DType
from tflm_msf.simplify.rule import Edit, Rule, Wiring, reshape_op
from tflm_msf.simplify.thin_transposes import transposed_axes
from tflm_msf.simplify.views import VIEWS, is_copy


def fold(wiring: Wiring, index: int) -> Edit | None:
    """FULLY_CONNECTED ``index`` on what the TRANSPOSE before it, or before the views before it, reads."""
    op = wiring.graph.ops[index]
    weights, between = wiring.constant(op.inputs[1]) if len(op.inputs) > 1 else None, []
    at = op.inputs[0]
    while (view := wiring.maker(at, *VIEWS)) is not None and is_copy(wiring, view):
        between.append(view)
        at = wiring.graph.ops[view].inputs[0]
    before = wiring.maker(at, "TRANSPOSE")
    order = None if before is None else transposed_axes(wiring, before)
    vector = wiring.tensor(op.inputs[0])
    if before is None or order is None or weights is None or weights.dtype != np.int8 or weights.ndim != 2:
        return None
    is_plain = not op.options or op.options.get("weights_format", 0) == 0
    if not is_plain or vector.dtype != DType.INT8 or not 0 < vector.elements == weights.shape[1]:
        return None
    quantization = wiring.tensor(op.inputs[1]).quantization
    if quantization is None or (len(quantization.scale) > 1 and quantization.axis != 0):
        return None
    source = wiring.graph.ops[before].inputs[0]
    rows = weights.reshape(-1, *wiring.tensor(at).shape)
    undone = np.argsort(order) + 1
    columns = np.ascontiguousarray(rows.transpose(0, *undone)).tobytes()
    first = len(wiring.graph.tensors)
    kernel = wiring.tensor(op.inputs[1])
    added = (
        replace(vector, name=f"{vector.name}/msf_untransposed", shape_signature=()),
        replace(kernel, name=f"{kernel.name}/msf_columns", data=columns),
    )
    dense = replace(op, inputs=(first, first + 1, *op.inputs[2:]))
    return Edit((before, *between, index), {index: (reshape_op(source, first, vector.shape), dense)}, added=added)


RULE = Rule(frozenset({"FULLY_CONNECTED"}), fold, "takes a TRANSPOSE before it into the order of its weights")
