"""PAD behind PAD with the same value: one PAD by both amounts.

PAD writes its output's zero point, PADV2 a constant; both copy the rest. With one value for both, each padded element
is that value whichever of them wrote it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tflm_msf.graph import DType, Op, Tensor
from tflm_msf.simplify.rule import Array, Edit, Rule, Wiring, is_alike


def join(wiring: Wiring, index: int) -> Edit | None:
    """PAD ``index`` on what the PAD before it reads, which nobody else does."""
    op = wiring.graph.ops[index]
    before = wiring.maker(op.inputs[0], op.builtin)
    if before is None or not wiring.is_read_once(op.inputs[0]):
        return None
    inner = wiring.graph.ops[before]
    amounts = [_amounts(wiring, inner), _amounts(wiring, op)]
    between, target = wiring.tensor(op.inputs[0]), wiring.tensor(op.outputs[0])
    if not is_alike(between, target) or _value(wiring, inner) != _value(wiring, op) or _value(wiring, op) is None:
        return None
    first, second = amounts
    if first is None or second is None or first.shape != second.shape or min(first.min(), second.min()) < 0:
        return None
    both = Tensor(
        f"{target.name}/msf_paddings", first.shape, DType.INT32, data=(first + second).astype("<i4").tobytes()
    )
    joined = replace(op, inputs=(inner.inputs[0], len(wiring.graph.tensors), *op.inputs[2:]))
    return Edit((before, index), {before: (), index: (joined,)}, added=(both,))


def _amounts(wiring: Wiring, op: Op) -> Array | None:
    amounts = wiring.constant(op.inputs[1]) if len(op.inputs) > 1 else None
    return None if amounts is None or amounts.dtype != np.int32 or not amounts.size else amounts


def _value(wiring: Wiring, op: Op) -> tuple[int, ...] | None:
    """The byte that is padded with; None if it is not one constant of int8."""
    target = wiring.tensor(op.outputs[0])
    if target.dtype != DType.INT8 or target.quantization is None:
        return None
    if len(op.inputs) < 3:
        return target.quantization.zero_point
    value = wiring.constant(op.inputs[2])
    return None if value is None or value.size != 1 or value.dtype != np.int8 else (int(value.reshape(-1)[0]),)


RULE = Rule(frozenset({"PAD", "PADV2"}), join, "are one padding")
