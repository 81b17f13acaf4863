"""Depthwise convolutions of different heights, each on the last rows of some channels, joined again: one of them.

A map of one column is split by channels (SPLIT, SPLIT_V), of each part the last rows are taken (STRIDED_SLICE), a
depthwise convolution makes one pixel of all of these, and CONCATENATION joins the pixels. One convolution over all
rows, whose weights are 0 for rows that were left out, adds nothing but zeros to each sum; bias, scale and activation of
each channel stay.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tflm_msf.graph import DType, Op, Quantization
from tflm_msf.simplify.rule import Array, Edit, Rule, Wiring, is_alike


class _Part(NamedTuple):
    """One convolution: its operators, the output of the split that it reads, and its parameters."""

    ops: tuple[int, ...]
    source: int
    conv: Op
    weights: Array
    bias: Array
    scale: tuple[float, ...]


def join(wiring: Wiring, index: int) -> Edit | None:
    """CONCATENATION ``index`` and all that leads to it from one split, as a convolution."""
    op, graph = wiring.graph.ops[index], wiring.graph
    parts = [_part(wiring, tensor, op.outputs[0]) for tensor in op.inputs]
    if len(parts) < 2 or any(part is None for part in parts) or not _joins_channels(op):
        return None
    found = [part for part in parts if part is not None]
    split = wiring.maker(found[0].source, "SPLIT", "SPLIT_V")
    if split is None or graph.ops[split].outputs != tuple(part.source for part in found):
        return None
    options = {repr(part.conv.options) for part in found}
    whole = graph.ops[split].inputs[1 if graph.ops[split].builtin == "SPLIT" else 0]
    rows = wiring.tensor(whole)
    if len(options) > 1 or len(rows.shape) != 4 or rows.shape[0] != 1 or rows.shape[2] != 1:
        return None
    if any(not is_alike(rows, wiring.tensor(part.source)) for part in found):
        return None
    if sum(part.weights.shape[3] for part in found) != rows.shape[3]:
        return None
    height = rows.shape[1]
    weights = np.concatenate([_filled(part.weights, height) for part in found], axis=3)
    bias = np.concatenate([part.bias for part in found])
    filters, biases = wiring.tensor(found[0].conv.inputs[1]), wiring.tensor(found[0].conv.inputs[2])
    scale = tuple(value for part in found for value in part.scale)
    quantization = Quantization(scale, (0,) * len(scale), axis=3)
    added = (
        replace(filters, shape=weights.shape, data=weights.tobytes(), quantization=quantization),
        replace(biases, shape=bias.shape, data=bias.astype("<i4").tobytes(), quantization=None),
    )
    first = len(graph.tensors)
    conv = replace(found[0].conv, inputs=(whole, first, first + 1), outputs=op.outputs)
    about = (split, *(number for part in found for number in part.ops), index)
    return Edit(about, {**dict.fromkeys(about, ()), index: (conv,)}, added=added)


def _filled(weights: Array, height: int) -> Array:
    """Weights with rows of 0 above, for a window of that height."""
    return np.pad(weights, ((0, 0), (height - weights.shape[1], 0), (0, 0), (0, 0)))


def _joins_channels(op: Op) -> bool:
    fields = op.options.fields if op.options else {}
    return int(fields.get("axis", 0)) in (-1, 3) and not fields.get("fused_activation_function", 0)


def _part(wiring: Wiring, tensor: int, output: int) -> _Part | None:
    """The convolution that makes one pixel of the last rows of a part; None for anything else."""
    made = wiring.maker(tensor, "DEPTHWISE_CONV_2D")
    if made is None or not wiring.is_read_once(tensor) or not is_alike(wiring.tensor(tensor), wiring.tensor(output)):
        return None
    conv = wiring.graph.ops[made]
    rows = source = conv.inputs[0]
    cut = wiring.maker(rows, "STRIDED_SLICE")
    if cut is not None:
        source = wiring.graph.ops[cut].inputs[0]
        if not _takes_last_rows(wiring, wiring.graph.ops[cut]):
            return None
    ops = (made,) if cut is None else (cut, made)
    if not wiring.is_read_once(rows) or not wiring.is_read_once(source) or len(conv.inputs) != 3:
        return None
    weights, bias = wiring.constant(conv.inputs[1]), wiring.constant(conv.inputs[2])
    shape, filters = wiring.tensor(rows).shape, wiring.tensor(conv.inputs[1])
    if weights is None or bias is None or weights.dtype != np.int8 or bias.dtype != np.int32 or len(shape) != 4:
        return None
    scale = filters.quantization
    if scale is None or any(scale.zero_point) or filters.dtype is not DType.INT8:
        return None
    if weights.shape != (1, shape[1], 1, shape[3]) or wiring.tensor(tensor).shape != (1, 1, 1, shape[3]):
        return None
    channels = shape[3]
    scales = scale.scale if len(scale.scale) == channels else scale.scale * channels
    return _Part(ops, source, conv, weights, bias, scales) if len(scales) == channels else None


def _takes_last_rows(wiring: Wiring, cut: Op) -> bool:
    """True for a STRIDED_SLICE that takes rows from one on to the end, and all else whole."""
    whole, taken = wiring.tensor(cut.inputs[0]).shape, wiring.tensor(cut.outputs[0]).shape
    begin, step = wiring.integers(cut, 1), wiring.integers(cut, 3)
    fields = cut.options.fields if cut.options else {}
    if len(whole) != 4 or len(taken) != 4 or begin is None or step != [1, 1, 1, 1] or len(begin) != 4:
        return False
    if any(fields.get(f"{mask}_mask", 0) for mask in ("ellipsis", "new_axis", "shrink_axis")):
        return False
    from_first = int(fields.get("begin_mask", 0)) >> 1 & 1 or begin[1] <= -whole[1]
    first = 0 if from_first else begin[1] % whole[1]
    return first == whole[1] - taken[1] and whole[0] == taken[0] and whole[2:] == taken[2:]


RULE = Rule(frozenset({"CONCATENATION"}), join, "are one depthwise convolution")
