"""What each TFLite operator becomes in a fusion block. One entry per operator, one file per family.

Ratios of scales are computed in double throughout. TFLM's sources write ``static_cast<double>(a / b)`` with float
operands in some places (FULLY_CONNECTED, SUB, RELU, LEAKY_RELU, HARD_SWISH, ABS), but the ``tflite-micro`` wheel, the
reference, widens the operands first: a last bit of the multiplier that one output value in a million shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tflm_msf.graph import NO_TENSOR, Graph, Op
from tflm_msf.ops.activation import (
    lower_abs,
    lower_elu,
    lower_hard_swish,
    lower_leaky_relu,
    lower_logistic,
    lower_relu,
    lower_relu6,
    lower_tanh,
)
from tflm_msf.ops.channels import (
    lower_concatenation,
    lower_slice,
    lower_space_to_depth,
    lower_split,
    lower_split_v,
    lower_strided_slice,
)
from tflm_msf.ops.context import OpContext
from tflm_msf.ops.conv import lower_conv_2d, lower_depthwise_conv_2d
from tflm_msf.ops.dense import lower_fully_connected
from tflm_msf.ops.elementwise import (
    lower_add,
    lower_maximum,
    lower_minimum,
    lower_mul,
    lower_prelu,
    lower_squared_difference,
    lower_sub,
)
from tflm_msf.ops.gather import lower_gather, lower_reverse, lower_transpose
from tflm_msf.ops.pad import lower_pad
from tflm_msf.ops.pointwise import lower_quantize, lower_table
from tflm_msf.ops.pool import lower_average_pool_2d, lower_max_pool_2d, lower_mean, lower_reduce_max, lower_reduce_min
from tflm_msf.ops.resize import lower_depth_to_space, lower_resize_bilinear, lower_resize_nearest_neighbor
from tflm_msf.ops.rows_kept import lower_rows_kept
from tflm_msf.ops.softmax import lower_softmax
from tflm_msf.ops.stage import AddTensor, Map, NotFusableError, Requantization, Stage, StageOp, Window, map_of
from tflm_msf.ops.transpose_conv import lower_transpose_conv
from tflm_msf.ops.without_kernel import reason_without_kernel
from tflm_msf.ops.words import lower_arg_max, lower_arg_min, lower_dequantize

LOWERINGS: Mapping[str, Callable[[OpContext], Stage]] = {
    "CONV_2D": lower_conv_2d,
    "DEPTHWISE_CONV_2D": lower_depthwise_conv_2d,
    "FULLY_CONNECTED": lower_fully_connected,
    "ADD": lower_add,
    "SUB": lower_sub,
    "MUL": lower_mul,
    "MAXIMUM": lower_maximum,
    "MINIMUM": lower_minimum,
    "PRELU": lower_prelu,
    "SOFTMAX": lower_softmax,
    "AVERAGE_POOL_2D": lower_average_pool_2d,
    "MAX_POOL_2D": lower_max_pool_2d,
    "MEAN": lower_mean,
    "REDUCE_MAX": lower_reduce_max,
    "PAD": lower_pad,
    "PADV2": lower_pad,
    "SLICE": lower_slice,
    "SPACE_TO_DEPTH": lower_space_to_depth,
    "DEPTH_TO_SPACE": lower_depth_to_space,
    "RESIZE_NEAREST_NEIGHBOR": lower_resize_nearest_neighbor,
    "RESIZE_BILINEAR": lower_resize_bilinear,
    "TRANSPOSE_CONV": lower_transpose_conv,
    "RELU": lower_relu,
    "RELU6": lower_relu6,
    "LEAKY_RELU": lower_leaky_relu,
    "ELU": lower_elu,
    "HARD_SWISH": lower_hard_swish,
    "LOGISTIC": lower_logistic,
    "TANH": lower_tanh,
    "ABS": lower_abs,
    "QUANTIZE": lower_quantize,
    "DEQUANTIZE": lower_dequantize,
    "ARG_MAX": lower_arg_max,
    "ARG_MIN": lower_arg_min,
    "GATHER": lower_gather,
    "REVERSE_V2": lower_reverse,
    "TRANSPOSE": lower_transpose,
    "SQUARED_DIFFERENCE": lower_squared_difference,
}

TABLE_OF_BYTES = "MSF_TABLE"
"""No operator of TFLite: what a simplification makes of several, and always fused. Input 1 holds the 256 bytes."""

ROWS_KEPT = "MSF_ROWS_KEPT"
"""No operator of TFLite either: adds rows (input 0) to those of earlier invocations, which input 1 holds at first."""

SEVERAL_STAGES: Mapping[str, Callable[[OpContext, AddTensor], tuple[Stage, ...]]] = {
    "CONCATENATION": lower_concatenation,
    "SPLIT": lower_split,
    "SPLIT_V": lower_split_v,
    "STRIDED_SLICE": lower_strided_slice,
    "REDUCE_MIN": lower_reduce_min,
}


def lower_all(graph: Graph, op: Op, maps: Mapping[int, Map], add_tensor: AddTensor) -> tuple[Stage, ...]:
    """The stages, in order, that together compute ``op``; see :func:`lower`.

    ``add_tensor`` gives an index to a tensor that one of them hands to another.
    """
    if len(set(op.outputs)) < max(len(op.outputs), 1):
        raise NotFusableError("it has no output, or writes one twice")
    if op.builtin in SEVERAL_STAGES:
        if not op.inputs or NO_TENSOR in op.inputs:
            raise NotFusableError("it lacks an input")
        return SEVERAL_STAGES[op.builtin](OpContext(graph, op, maps), add_tensor)
    return (lower(graph, op, maps),)


def lower(graph: Graph, op: Op, maps: Mapping[int, Map]) -> Stage:
    """The stage that computes ``op`` exactly as TFLM does.

    Args:
        graph: the graph that ``op`` is in.
        op: the operator.
        maps: how producers lay out tensors whose shape was changed since (see :class:`OpContext`).

    Raises:
        NotFusableError: with the reason why the operator has to stay a TFLM builtin.
    """
    if op.builtin == TABLE_OF_BYTES:
        return lower_table(OpContext(graph, op, maps))
    if op.builtin == ROWS_KEPT:
        return lower_rows_kept(OpContext(graph, op, maps))
    if op.builtin not in LOWERINGS:
        raise NotFusableError(reason_without_kernel(graph, op))
    if len(op.outputs) > 1:
        raise NotFusableError("it has more than one output")
    return LOWERINGS[op.builtin](OpContext(graph, op, maps))


__all__ = [
    "LOWERINGS",
    "ROWS_KEPT",
    "SEVERAL_STAGES",
    "TABLE_OF_BYTES",
    "AddTensor",
    "Map",
    "NotFusableError",
    "OpContext",
    "Requantization",
    "Stage",
    "StageOp",
    "Window",
    "lower",
    "lower_all",
    "map_of",
]
