"""ADD, SUB, MUL, MAXIMUM and MINIMUM with a constant whose values are all the same: with a constant of one value.

TFLM computes each output from one value of each operand, however it broadcasts. With one value the operator is a table.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tflm_msf.graph import NO_TENSOR
from tflm_msf.simplify.rule import Edit, Rule, Wiring

BINARY = frozenset({"ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM"})


def shrink(wiring: Wiring, index: int) -> Edit | None:
    """Operator ``index`` with its uniform constant as one value."""
    op = wiring.graph.ops[index]
    if len(op.inputs) != 2 or NO_TENSOR in op.inputs:
        return None
    for position, tensor in enumerate(op.inputs):
        values, other = wiring.constant(tensor), wiring.tensor(op.inputs[1 - position])
        if values is None or values.dtype != np.int8 or values.size < 2 or (values != values.flat[0]).any():
            continue
        quantization = wiring.tensor(tensor).quantization
        if other.is_constant or other.shape != wiring.tensor(op.outputs[0]).shape or quantization is None:
            continue
        if not quantization.per_tensor:
            continue
        one = replace(
            wiring.tensor(tensor), name=f"{wiring.tensor(tensor).name}/msf_one", shape=(1,), data=values.tobytes()[:1]
        )
        first = len(wiring.graph.tensors)
        inputs = (first, op.inputs[1]) if position == 0 else (op.inputs[0], first)
        return Edit((index,), {index: (replace(op, inputs=inputs),)}, added=(one,))
    return None


RULE = Rule(BINARY, shrink, "has one constant value in place of many equal ones")
