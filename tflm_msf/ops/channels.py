"""Operators that only move values: CONCATENATION, SPLIT, SPLIT_V, SLICE, STRIDED_SLICE and SPACE_TO_DEPTH.

Some become several stages. What those hand on to each other are tensors that the model does not have.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

import numpy as np

from tflm_msf.graph import Tensor
from tflm_msf.ops.conditions import CONSTANTS, fused_if
from tflm_msf.ops.context import OpContext
from tflm_msf.ops.pointwise import gather_stage
from tflm_msf.ops.stage import MOST_CHANNELS, AddTensor, Map, Stage, StageOp, Window, map_of


@fused_if("joins channels, or the first axis that is not 1", "all inputs on the output's scale", "no fused activation")
def lower_concatenation(context: OpContext, add_tensor: AddTensor) -> tuple[Stage, ...]:
    """CONCATENATION of channels, or of whole tensors one behind the other, two at a time."""
    target = context.int8(context.output)
    maps = [map_of(context.graph.tensors[index]) for index in context.op.inputs]
    for index in context.op.inputs:
        source = context.int8_activation(context.graph.tensors[index])
        same_scale = source.scale == target.scale and source.zero_point == target.zero_point
        context.require(same_scale, "its inputs have other scales than its output")
    context.require(context.option("fused_activation_function", 0) == 0, "TFLM does not take its fused activation")
    rank = len(context.output.shape)
    axis = context.option("axis", 0) % max(rank, 1)
    if axis < rank - 1 and len(maps) > 1:
        return _append(context, add_tensor, axis)
    context.require(axis == rank - 1, "it joins one input only")
    context.require(len({m[:2] for m in maps}) == 1, "its inputs have other heights or widths than the first")
    if len(maps) == 1:
        return (_slice(context.op.inputs[0], context.op.outputs[0], maps[0], maps[0], (0, 0, 0), (1, 1)),)
    stages: list[Stage] = []
    left, joined = context.op.inputs[0], maps[0]
    for number, (index, added) in enumerate(zip(context.op.inputs[1:], maps[1:], strict=True)):
        output_map = joined._replace(c=joined.c + added.c)
        is_last = number == len(maps) - 2
        output = context.op.outputs[0] if is_last else add_tensor(_inner(context.output, number, (1, *output_map)))
        stages.append(
            Stage(
                op=StageOp.CONCATENATION,
                inputs=(left, index),
                output=output,
                input_maps=(joined, added),
                output_map=output_map,
            )
        )
        left, joined = output, output_map
    context.require(joined == map_of(context.output), "its output is not as large as its inputs together")
    return tuple(stages)


def _append(context: OpContext, add_tensor: AddTensor, axis: int) -> tuple[Stage, ...]:
    """Each input but the first is put behind those before it: joined tensors can take the place of one another."""
    before, behind = context.output.shape[:axis], context.output.shape[axis + 1 :]
    context.require(math.prod(before) == 1, "it joins neither channels nor tensors that stay whole")
    shapes = [context.tensor(position).shape for position in range(len(context.op.inputs))]
    fit = all((shape[:axis], shape[axis + 1 :]) == (before, behind) for shape in shapes)
    joined = list(accumulate(shape[axis] for shape in shapes if len(shape) > axis))
    context.require(fit and joined[-1:] == [context.output.shape[axis]], "its output is not its inputs together")
    size = math.prod(behind)
    context.require(
        0 < size <= MOST_CHANNELS and joined[-1] < MOST_CHANNELS, "a dimension of its output is 0 or too large"
    )
    left = context.op.inputs[0]
    stages: list[Stage] = []
    for position, index in enumerate(context.op.inputs[1:], 1):
        is_last = position == len(shapes) - 1
        shape = (*before, joined[position], *behind)
        output = context.op.outputs[0] if is_last else add_tensor(_inner(context.output, position, shape))
        part = context.map_of_input(position)
        moved = _slice(index, output, part, part, (0, 0, 0), (1, 1))
        stages.append(replace(moved, prefix=left, prefix_map=Map(1, joined[position - 1], size)))
        left = output
    return tuple(stages)


def _inner(output: Tensor, number: int, shape: tuple[int, ...]) -> Tensor:
    return replace(output, name=f"{output.name}/msf_{number}", shape=shape, shape_signature=())


@fused_if("a constant axis", "equal parts")
def lower_split(context: OpContext, _: AddTensor) -> tuple[Stage, ...]:
    """SPLIT: equal parts, a slice for each."""
    axis = _axis(context, 0, context.tensor(1))
    size, rest = divmod(context.tensor(1).shape[axis], len(context.op.outputs))
    context.require(rest == 0, "its parts are not equal")
    return _parts(context, 1, axis, [size] * len(context.op.outputs))


@fused_if("constant sizes and axis", "sizes that fit, at most one of them -1")
def lower_split_v(context: OpContext, _: AddTensor) -> tuple[Stage, ...]:
    """SPLIT_V: parts of given sizes, one of which may be -1 for what is left."""
    axis = _axis(context, 2, context.tensor(0))
    sizes = context.int32s(1, "list of sizes")
    context.require(len(sizes) == len(context.op.outputs), "it has not one size for each output")
    left = context.tensor(0).shape[axis] - sum(size for size in sizes if size >= 0)
    context.require(sizes.count(-1) <= 1 and left >= 0, "its sizes do not fit its input")
    return _parts(context, 0, axis, [left if size < 0 else size for size in sizes])


def _parts(context: OpContext, position: int, axis: int, sizes: list[int]) -> tuple[Stage, ...]:
    source = context.tensor(position)
    stages = []
    for output, size, end in zip(context.op.outputs, sizes, accumulate(sizes), strict=True):
        begin = [0] * len(source.shape)
        begin[axis] = end - size
        shape = [*source.shape[:axis], size, *source.shape[axis + 1 :]]
        stages.append(slice_of(context, position, output, begin, shape, [1] * len(shape)))
    return tuple(stages)


@fused_if(CONSTANTS, "inside the input")
def lower_slice(context: OpContext) -> Stage:
    """SLICE by constant beginnings and sizes, of which -1 means to the end."""
    source = context.tensor(0)
    begin = context.int32s(1, "beginning")
    size = context.int32s(2, "size")
    context.require(len(begin) == len(size) == len(source.shape), "its beginning or size is of another rank")
    shape = [dim - b if s == -1 else s for dim, b, s in zip(source.shape, begin, size, strict=True)]
    return slice_of(context, 0, context.op.outputs[0], begin, shape, [1] * len(shape))


@fused_if(CONSTANTS, "steps forward", "no ellipsis and no new axis")
def lower_strided_slice(context: OpContext, add_tensor: AddTensor) -> tuple[Stage, ...]:
    """STRIDED_SLICE by constants, with steps forward; those in the channels are taken after the others."""
    source = context.tensor(0)
    lists = [context.int32s(position, name) for position, name in ((1, "beginning"), (2, "end"), (3, "list of steps"))]
    rank = len(source.shape)
    context.require(all(len(values) == rank for values in lists), "it does not say where every axis begins and ends")
    context.require(all(step > 0 for step in lists[2]), "it steps backward")
    for name in ("ellipsis_mask", "new_axis_mask"):
        context.require(context.option(name, 0) == 0, f"it has an {name.replace('_', ' ')}")
    shrunk = context.option("shrink_axis_mask", 0)
    from_start, to_end = context.option("begin_mask", 0), context.option("end_mask", 0)
    context.require(shrunk & (from_start | to_end) == 0, "it drops an axis that it does not index")
    begin, shape = [], []
    for axis, (dim, first, last, step) in enumerate(zip(source.shape, *lists, strict=True)):
        bit = 1 << axis
        context.require(not shrunk & bit or -dim <= first < dim, "it indexes an axis out of its range")
        picked = range(dim)[None if from_start & bit else int(first) : None if to_end & bit else int(last) : int(step)]
        picked = range(dim)[int(first) : int(first) % dim + 1] if shrunk & bit else picked
        context.require(len(picked) > 0, "its output is empty")
        begin.append(picked[0])
        shape.append(len(picked))
    return _stepped(context, add_tensor, begin, shape, [int(step) for step in lists[2]])


def _stepped(
    context: OpContext, add_tensor: AddTensor, begin: list[int], shape: list[int], steps: list[int]
) -> tuple[Stage, ...]:
    """A slice whose last axis may have a step: all channels from its beginning on, and of these the right ones."""
    output = context.op.outputs[0]
    if steps[-1:] in ([], [1]) or shape[-1] == 1:
        return (slice_of(context, 0, output, begin, shape, steps),)
    span = (shape[-1] - 1) * steps[-1] + 1
    dense = replace(
        slice_of(context, 0, output, begin, shape, [*steps[:-1], 1]),
        output_map=Map(*[1, 1, 1, *shape[:-1], span][-3:]),
    )
    between = add_tensor(_inner(context.output, 0, (1, *dense.output_map)))
    order = np.arange(0, span, steps[-1], dtype=np.int64)
    return replace(dense, output=between), gather_stage(between, output, dense.output_map, order)


def slice_of(
    context: OpContext, position: int, output: int, begin: Sequence[int], shape: Sequence[int], steps: Sequence[int]
) -> Stage:
    """A slice of the input at ``position``, in that tensor's own axes."""
    source, target = context.tensor(position), context.graph.tensors[output]
    context.int8_activation(source)
    context.int8(target)
    fits = all(b >= 0 and s > 0 for b, s in zip(begin, shape, strict=True))
    ends = (b + (s - 1) * step < dim for b, s, step, dim in zip(begin, shape, steps, source.shape, strict=True))
    context.require(fits and all(ends), "it reaches out of its input")
    in_map = map_of(source)
    top, left, first = [0, 0, 0, *begin][-3:]
    h, w, c = [1, 1, 1, *shape][-3:]
    output_map = Map(h, w, c)
    context.require(output_map == map_of(target), "its output has another shape than what it takes")
    step_h, step_w, _ = [1, 1, 1, *steps][-3:]
    steps_fit = step_h < 256 and step_w < 256 and max(top, left) < 32768
    context.require(steps_fit, "it begins or steps too far in")
    return _slice(context.op.inputs[position], output, in_map, output_map, (top, left, first), (step_h, step_w))


def _slice(
    source: int,
    output: int,
    in_map: Map,
    output_map: Map,
    begin: tuple[int, int, int],
    steps: tuple[int, int],
) -> Stage:
    top, left, first = begin
    return Stage(
        op=StageOp.SLICE,
        inputs=(source,),
        output=output,
        input_maps=(in_map,),
        output_map=output_map,
        window=Window(stride_h=steps[0], stride_w=steps[1], pad_top=-top, pad_left=-left),
        args=(first,),
    )


@fused_if("a block from 1 to 255 that divides height and width")
def lower_space_to_depth(context: OpContext) -> Stage:
    """SPACE_TO_DEPTH: every block of pixels becomes one, its rows one behind the other."""
    context.int8_activation(context.tensor(0))
    context.int8(context.output)
    block = context.option("block_size", 0)
    in_map, out_map = map_of(context.tensor(0)), map_of(context.output)
    context.require(0 < block < 256, "its block is not between 1 and 255")
    expected = Map(in_map.h // block, in_map.w // block, in_map.c * block * block)
    context.require(
        in_map.h % block == in_map.w % block == 0 and out_map == expected, "its shapes do not fit its block"
    )
    return Stage(
        op=StageOp.SPACE_TO_DEPTH,
        inputs=(context.op.inputs[0],),
        output=context.op.outputs[0],
        input_maps=(in_map,),
        output_map=out_map,
        window=Window(kernel_h=block, kernel_w=block, stride_h=block, stride_w=block),
    )


def _axis(context: OpContext, position: int, source: Tensor) -> int:
    values = context.int32s(position, "axis")
    context.require(len(values) == 1 and len(source.shape) > 0, "its axis is not one number")
    return int(values[0]) % len(source.shape)
