"""Several images at once: the network is made for one image after the other, each from its part of the inputs.

TFLM's kernels loop over a batch and compute every image of it by itself, so that the bits are the same. What mixes
images (an axis 0 that is reduced, padded, moved or joined, a constant with a value for each image) is left as it is,
and so is a network that would not be fusable image by image either, or is fusable as it stands. A QUANTIZE of an input
or an output, or a DEQUANTIZE, that is of another type than int8 outside takes all images together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tflm_msf.graph import NO_TENSOR, DType, Graph, Op, Table, Tensor
from tflm_msf.ops import NotFusableError, lower_all
from tflm_msf.simplify.rule import Wiring, integer_constant, reshape_op

VIEWS = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")

MOST_OPERATORS = 600
"""Of all images together."""

SAYS = "run image after image"


def by_image(graph: Graph, origins: tuple[int, ...]) -> tuple[Graph, tuple[int, ...]] | None:
    """The graph with all operators once for each image, and the operator in the file that each stands for.

    None where there is one image, or where that is no use (see above).
    """
    images, at_ends = _images(graph), _conversions_at_ends(graph)
    if images is None or images * len(graph.ops) > MOST_OPERATORS or _is_fusable(graph):
        return None
    separate = _Separate(graph, origins, images, at_ends)
    try:
        split = separate.split()
    except _MixedError:
        return None
    return (split, tuple(separate.origins)) if _is_fusable(split) else None


def _images(graph: Graph) -> int | None:
    """How many images every activation has as its first axis; None if that is not one number above 1."""
    named = {tensor for op in graph.ops for tensor in (*op.inputs, *op.outputs)} | {*graph.inputs, *graph.outputs}
    tensors = [graph.tensors[tensor] for tensor in named - {NO_TENSOR}]
    activations = [tensor for tensor in tensors if not tensor.is_constant]
    counts = {tensor.shape[0] if len(tensor.shape) > 1 else 0 for tensor in activations}
    if len(counts) != 1 or any(tensor.is_variable for tensor in tensors):
        return None
    (count,) = counts
    return count if count > 1 else None


def _is_fusable(graph: Graph) -> bool:
    at_ends = _conversions_at_ends(graph)
    for index, op in enumerate(graph.ops):
        if index not in at_ends and op.builtin not in VIEWS:
            try:
                lower_all(graph, op, {}, lambda _: len(graph.tensors))
            except NotFusableError:
                return False
    return True


def _conversions_at_ends(graph: Graph) -> Mapping[int, bool]:
    """Conversions of inputs (True) from, and of outputs that are not read (False) to, another type than int8."""
    read = {tensor for op in graph.ops for tensor in op.inputs}
    ends = {**dict.fromkeys(set(graph.outputs) - read, False), **dict.fromkeys(graph.inputs, True)}
    return {
        index: ends[tensor]
        for index, op in enumerate(graph.ops)
        if op.builtin in ("QUANTIZE", "DEQUANTIZE") and len(op.inputs) == len(op.outputs) == 1
        for tensor in (*op.inputs, *op.outputs)
        if tensor in ends and graph.tensors[tensor].dtype != DType.INT8
    }


class _MixedError(Exception):
    """An operator does not take each image by itself."""


def _require(condition: bool) -> None:
    if not condition:
        raise _MixedError


@dataclass
class _Separate:
    """The graph for each image in turn, as it is put together."""

    graph: Graph
    from_file: tuple[int, ...]
    images: int
    at_ends: Mapping[int, bool]
    tensors: list[Tensor] = field(default_factory=list)
    ops: list[Op] = field(default_factory=list)
    origins: list[int] = field(default_factory=list)

    def split(self) -> Graph:
        self.tensors = list(self.graph.tensors)
        before = [index for index, is_first in self.at_ends.items() if is_first]
        behind = [index for index, is_first in self.at_ends.items() if not is_first]
        for index in before:
            self._op(self.graph.ops[index], self.from_file[index])
        converted = {tensor for index in before for tensor in self.graph.ops[index].inputs}
        inputs = [tensor for tensor in self.graph.inputs if tensor not in converted]
        inputs += [tensor for index in before for tensor in self.graph.ops[index].outputs]
        parts = [self._image(inputs, number) for number in range(self.images)]
        outputs = {self.graph.ops[index].outputs[0]: self.graph.ops[index].inputs[0] for index in behind}
        for output in dict.fromkeys(outputs.get(tensor, tensor) for tensor in self.graph.outputs):
            _require(all(output in part for part in parts))
            self._join([part[output] for part in parts], output)
        for index in behind:
            self._op(self.graph.ops[index], self.from_file[index])
        return replace(self.graph, tensors=tuple(self.tensors), ops=tuple(self.ops))

    def add(self, tensor: Tensor) -> int:
        """The number of a new tensor."""
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def _op(self, op: Op, origin: int) -> None:
        self.ops.append(op)
        self.origins.append(origin)

    def _image(self, inputs: Sequence[int], number: int) -> dict[int, int]:
        """Appends the operators of an image. Returns what the tensors of the whole batch are called in it."""
        called = {source: self._cut(source, number) for source in dict.fromkeys(inputs)}
        for index, op in enumerate(self.graph.ops):
            if index in self.at_ends:
                continue
            one = _of_one_image(self, op, self.images)
            for tensor in op.outputs:
                _require(tensor not in called)
                called[tensor] = self.add(_one_of(self.graph.tensors[tensor], number))
            inputs = tuple(called.get(tensor, tensor) for tensor in one.inputs)
            self._op(replace(one, inputs=inputs, outputs=tuple(called[t] for t in op.outputs)), self.from_file[index])
        return called

    def _cut(self, source: int, number: int) -> int:
        """Appends what takes an image out of an input: rows of all images, one above the other."""
        whole = self.graph.tensors[source]
        part = _one_of(whole, number)
        rows, *rest = part.shape[1:] if len(part.shape) > 3 else part.shape
        stacked = replace(part, name=f"{whole.name}/msf_rows", shape=(1, self.images * rows, *rest))
        cut = replace(part, shape=(1, rows, *rest))
        seen, taken = self.add(stacked), self.add(replace(cut, name=f"{part.name}_rows"))
        begin = [0, number * rows, *(0 for _ in rest)]
        constants = tuple(
            self.add(integer_constant(f"{part.name}_{what}", values))
            for what, values in (("begin", begin), ("size", [*cut.shape]))
        )
        origin = self.from_file[next((i for i, op in enumerate(self.graph.ops) if source in op.inputs), 0)]
        self._op(reshape_op(source, seen, stacked.shape), origin)
        self._op(Op("SLICE", (seen, *constants), (taken,), Table("SliceOptions")), origin)
        if cut.shape == part.shape:
            return taken
        image = self.add(part)
        self._op(reshape_op(taken, image, part.shape), origin)
        return image

    def _join(self, parts: list[int], output: int) -> None:
        """Appends what puts the images of an output one behind the other."""
        whole = self.graph.tensors[output]
        axis = 1 if len(whole.shape) > 3 else 0
        shape = [*self.tensors[parts[0]].shape]
        shape[axis] *= self.images
        origin = self.from_file[next((i for i, op in enumerate(self.graph.ops) if output in op.outputs), 0)]
        joined = output if axis == 0 else self.add(replace(whole, name=f"{whole.name}/msf_rows", shape=tuple(shape)))
        self._op(Op("CONCATENATION", tuple(parts), (joined,), Table("ConcatenationOptions", {"axis": axis})), origin)
        if joined != output:
            self._op(reshape_op(joined, output, whole.shape), origin)


def _one_of(tensor: Tensor, number: int) -> Tensor:
    return replace(
        tensor, name=f"{tensor.name}/msf_image_{number}", shape=(1, *tensor.shape[1:]), shape_signature=(), data=None
    )


def _of_one_image(separate: _Separate, op: Op, images: int) -> Op:
    """The operator for one image, its tensors named as before. Raises _MixedError if it mixes images."""
    change = _CHANGES.get(op.builtin)
    if change is None:
        raise _MixedError
    return change(separate, op, images)


Change = Callable[[_Separate, Op, int], Op]


def _constant(separate: _Separate, op: Op, position: int) -> list[int]:
    values = Wiring(separate.graph, frozenset()).integers(op, position)
    if values is None or not values:
        raise _MixedError
    return values


def _with_constant(separate: _Separate, op: Op, position: int, values: list[int]) -> Op:
    old = separate.graph.tensors[op.inputs[position]]
    number = separate.add(replace(integer_constant(f"{old.name}/msf_image", values), shape=old.shape))
    return replace(op, inputs=(*op.inputs[:position], number, *op.inputs[position + 1 :]))


def _rank(separate: _Separate, op: Op, position: int = 0) -> int:
    return len(separate.graph.tensors[op.inputs[position]].shape)


def _as_it_is(_: _Separate, op: Op, __: int) -> Op:
    return op


def _dense(separate: _Separate, op: Op, images: int) -> Op:
    """Rows of weights are no longer than an image, of which each gives one row of outputs, or one for each pixel."""
    values = separate.graph.tensors[op.inputs[0]].elements
    _require(len(op.inputs) > 1 and separate.graph.tensors[op.inputs[1]].is_constant)
    columns = separate.graph.tensors[op.inputs[1]].shape[-1]
    _require(columns > 0 and values // images % columns == 0)
    return op


def _elementwise(separate: _Separate, op: Op, _: int) -> Op:
    """Constants have no value for each image; activations have as many axes as the output."""
    rank = len(separate.graph.tensors[op.outputs[0]].shape)
    for index in op.inputs:
        operand = separate.graph.tensors[index]
        is_shared = len(operand.shape) < rank or operand.shape[0] == 1
        _require(is_shared if operand.is_constant else len(operand.shape) == rank)
    return op


def _with_axes(position: int) -> Change:
    """Of an operator whose input ``position`` lists axes."""

    def change(separate: _Separate, op: Op, _: int) -> Op:
        axes = _constant(separate, op, position)
        source = 1 if position == 0 else 0
        _require(all(axis % _rank(separate, op, source) != 0 for axis in axes))
        return op

    return change


def _concatenation(separate: _Separate, op: Op, _: int) -> Op:
    axis = int(op.options.get("axis", 0)) if op.options else 0
    _require(axis % _rank(separate, op) != 0 and not any(separate.graph.tensors[t].is_constant for t in op.inputs))
    return op


def _pad(separate: _Separate, op: Op, _: int) -> Op:
    _require(_constant(separate, op, 1)[:2] == [0, 0])
    return op


def _transpose(separate: _Separate, op: Op, _: int) -> Op:
    _require(_constant(separate, op, 1)[0] == 0)
    return op


def _gather(separate: _Separate, op: Op, _: int) -> Op:
    axis, batch = (int(op.options.get(name, 0)) if op.options else 0 for name in ("axis", "batch_dims"))
    _require(axis % _rank(separate, op) != 0 and batch == 0)
    return op


def _slice(separate: _Separate, op: Op, images: int) -> Op:
    begin, size = _constant(separate, op, 1), _constant(separate, op, 2)
    _require(begin[0] == 0 and size[0] in (images, -1))
    return _with_constant(separate, op, 2, [1, *size[1:]])


def _strided_slice(separate: _Separate, op: Op, images: int) -> Op:
    begin, end, step = (_constant(separate, op, position) for position in (1, 2, 3))
    masks = {
        name: int(op.options.get(f"{name}_mask", 0)) if op.options else 0
        for name in ("begin", "end", "shrink_axis", "new_axis", "ellipsis")
    }
    _require(not (masks["shrink_axis"] | masks["new_axis"]) & 1 and masks["ellipsis"] == 0 and step[0] == 1)
    _require((begin[0] == 0 or masks["begin"] & 1 == 1) and (end[0] >= images or masks["end"] & 1 == 1))
    return _with_constant(separate, _with_constant(separate, op, 1, [0, *begin[1:]]), 2, [1, *end[1:]])


def _transpose_conv(separate: _Separate, op: Op, images: int) -> Op:
    shape = _constant(separate, op, 0)
    _require(shape[0] == images)
    return _with_constant(separate, op, 0, [1, *shape[1:]])


def _reshape(separate: _Separate, op: Op, _: int) -> Op:
    shape = separate.graph.tensors[op.outputs[0]].shape
    _require(math.prod(shape) == separate.graph.tensors[op.inputs[0]].elements)
    return reshape_op(op.inputs[0], op.outputs[0], (1, *shape[1:]))


_AS_THEY_ARE = (
    "ABS AVERAGE_POOL_2D CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE ELU HARD_SWISH LEAKY_RELU LOGISTIC "
    "MAX_POOL_2D QUANTIZE RELU RELU6 RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR SOFTMAX SPACE_TO_DEPTH TANH"
)
_CHANGES: Mapping[str, Change] = {
    **dict.fromkeys(_AS_THEY_ARE.split(), _as_it_is),
    **dict.fromkeys(("ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "PRELU", "SQUARED_DIFFERENCE"), _elementwise),
    **dict.fromkeys(("MEAN", "REDUCE_MAX", "REDUCE_MIN", "REVERSE_V2"), _with_axes(1)),
    **dict.fromkeys(VIEWS, _reshape),
    **dict.fromkeys(("PAD", "PADV2"), _pad),
    "FULLY_CONNECTED": _dense,
    "CONCATENATION": _concatenation,
    "TRANSPOSE": _transpose,
    "GATHER": _gather,
    "SLICE": _slice,
    "STRIDED_SLICE": _strided_slice,
    "SPLIT": _with_axes(0),
    "SPLIT_V": _with_axes(2),
    "TRANSPOSE_CONV": _transpose_conv,
}
