"""Operators that give the channels of each pixel another order: GATHER, REVERSE_V2, and TRANSPOSE of the last axes.

Axes from the first one that is touched on count as the channels of a pixel, those before it as height and width.
"""

from __future__ import annotations

import math
from itertools import takewhile

import numpy as np

from tflm_msf.graph import Tensor
from tflm_msf.graph.fixed_point import IntArray
from tflm_msf.ops.channels import slice_of
from tflm_msf.ops.conditions import fused_if
from tflm_msf.ops.context import OpContext
from tflm_msf.ops.pointwise import gather_stage
from tflm_msf.ops.stage import MOST_CHANNELS, NotFusableError, Stage, map_of

MOST_MOVED = 4096
"""Values of a pixel in another order: the program has two bytes for each."""

NEEDS_ALL = "it moves values from row to row, so that it needs its whole input"
ORDER = f"nothing moves from row to row; at most {MOST_MOVED:,} values from the first axis that is touched on"


@fused_if("a constant permutation", ORDER)
def lower_transpose(context: OpContext) -> Stage:
    """TRANSPOSE of the last axes among themselves: the order of a pixel's channels, as where channels are shuffled."""
    source = context.tensor(0)
    order = context.int32s(1, "permutation")
    context.require(sorted(order) == list(range(len(source.shape))), "its permutation is none")
    kept = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], enumerate(order)))
    context.require(_stays_in_rows(source, kept), NEEDS_ALL)
    return _in_order(context, kept, _places(source, kept).transpose([axis - kept for axis in order[kept:]]))


@fused_if("constant int32 positions along one axis: any of the channels, in regular steps otherwise", ORDER)
def lower_gather(context: OpContext) -> Stage:
    """GATHER by a constant list of positions."""
    source = context.tensor(0)
    axis = context.option("axis", 0) % max(len(source.shape), 1)
    places = context.int32s(1, "list of positions")
    context.require(context.option("batch_dims", 0) == 0, "it has a position for each image")
    context.require(len(context.tensor(1).shape) == 1 and len(source.shape) > 0, "its positions are no list")
    context.require(
        bool(places) and all(0 <= place < source.shape[axis] for place in places), "it reaches out of its input"
    )
    steps = set(np.diff(places).tolist()) or {1}
    if axis < len(source.shape) - 1 and len(steps) == 1 and min(steps) > 0:
        begin, taken = [0] * len(source.shape), [1] * len(source.shape)
        begin[axis], taken[axis] = places[0], min(steps)
        shape = [*source.shape[:axis], len(places), *source.shape[axis + 1 :]]
        return slice_of(context, 0, context.op.outputs[0], begin, shape, taken)
    context.require(_stays_in_rows(source, axis), "it takes rows or columns in no regular steps")
    return _in_order(context, axis, _places(source, axis)[places])


@fused_if("a constant axis", ORDER)
def lower_reverse(context: OpContext) -> Stage:
    """REVERSE_V2 of one axis."""
    source = context.tensor(0)
    axes = context.int32s(1, "axis")
    context.require(len(axes) == 1 and len(source.shape) > 0, "it turns several axes round")
    axis = axes[0] % len(source.shape)
    context.require(_stays_in_rows(source, axis), NEEDS_ALL)
    return _in_order(context, axis, _places(source, axis)[::-1])


def _stays_in_rows(source: Tensor, kept: int) -> bool:
    """True if only axes from number ``kept`` on are touched, and these are few values of a row."""
    return kept >= min(2, len(source.shape) - 1) and math.prod(source.shape[kept:]) <= MOST_MOVED


def _places(source: Tensor, kept: int) -> IntArray:
    """The numbers of the values of a pixel, in the shape of its axes."""
    shape = source.shape[kept:]
    return np.arange(math.prod(shape), dtype=np.int64).reshape(shape)


def _in_order(context: OpContext, kept: int, order: IntArray) -> Stage:
    """The first input's axes from ``kept`` on in another order."""
    source, target = context.tensor(0), context.output
    context.int8_activation(source)
    same = context.int8(source) == context.int8(target)
    context.require(same, "its output has another scale than its input")
    shape = (*source.shape[:kept], *order.shape)
    context.require(tuple(target.shape) == shape and order.size > 0, "its output has another shape than what it takes")
    pixels = tuple(size for size in source.shape[:kept] if size != 1)
    channels = math.prod(source.shape[kept:])
    if len(pixels) > 2 or max(channels, order.size) > MOST_CHANNELS:
        raise NotFusableError(NEEDS_ALL)
    h, w = (1, 1, *pixels)[-2:]
    in_map = map_of(Tensor(source.name, (1, h, w, channels), source.dtype))
    return gather_stage(context.op.inputs[0], context.op.outputs[0], in_map, order.ravel())
