"""PAD and PADV2 of height, width and channels."""

from __future__ import annotations

import numpy as np

from tflm_msf.graph import DType
from tflm_msf.ops.conditions import fused_if
from tflm_msf.ops.context import OpContext
from tflm_msf.ops.stage import NotFusableError, Stage, StageOp, Window, map_of

_INTEGERS = {DType.INT32: np.int32, DType.INT64: np.int64}


@fused_if("constant paddings of height, width and channels, from 0 to 32,767", "PADV2: a constant int8 value")
def lower_pad(context: OpContext) -> Stage:
    """PAD with the output's zero point, PADV2 with a constant: bytes are copied, whatever the scales."""
    context.int8_activation(context.tensor(0))
    target = context.int8(context.output)
    top, left, before = _amounts_before(context)
    return Stage(
        op=StageOp.PAD,
        inputs=(context.op.inputs[0],),
        output=context.op.outputs[0],
        input_maps=(map_of(context.tensor(0)),),
        output_map=map_of(context.output),
        window=Window(pad_top=top, pad_left=left),
        in_zero=(_constant(context, 2) if context.has_input(2) else target.zero_point[0],),
        args=(before,),
    )


def _amounts_before(context: OpContext) -> tuple[int, int, int]:
    """Rows, columns and channels before the input's."""
    paddings = context.tensor(1)
    if paddings.data is None or paddings.sparsity is not None:
        raise NotFusableError("its paddings are not constant")
    are_pairs = paddings.dtype in _INTEGERS and paddings.elements % 2 == 0
    context.require(are_pairs, "its paddings are not pairs of integers")
    amounts = np.frombuffer(paddings.data, _INTEGERS[paddings.dtype]).astype(np.int64).reshape(-1, 2)
    shape, padded = np.array(context.tensor(0).shape), np.array(context.output.shape)
    fits = len(amounts) == len(shape) == len(padded) and np.array_equal(shape + amounts.sum(axis=1), padded)
    context.require(fits, "its output is not its input with its paddings")
    context.require(bool((amounts >= 0).all() and (amounts < 32768).all()), "its paddings are negative or too large")
    context.require(not amounts[:-3].any(), "it pads the batch")
    rows, columns, channels = (int(amount) for amount in [0, 0, *amounts[:, 0]][-3:])
    return rows, columns, channels


def _constant(context: OpContext, position: int) -> int:
    """The value of an int8 constant of one element."""
    tensor = context.tensor(position)
    context.int8(tensor)
    if tensor.data is None or tensor.elements != 1:
        raise NotFusableError("its padding value is not one constant")
    return int(np.frombuffer(tensor.data, np.int8)[0])
