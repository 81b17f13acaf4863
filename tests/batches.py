"""Models that take several images at once, made of models that take one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tflm_msf.graph import Model, Op, Table, Tensor

SHAPES = {"RESHAPE": 1, "TRANSPOSE_CONV": 0}
"""Inputs that say the shape of an output."""


def batched(model: Model, images: int) -> Model:
    """The model for so many images: each activation has as many in its first axis."""
    graph = model.main
    tensors = [tensor if tensor.is_constant else _of(tensor, images) for tensor in graph.tensors]

    def changed(op: Op) -> Op:
        position = SHAPES.get(op.builtin)
        if position is not None and position < len(op.inputs):
            op = replace(op, inputs=tuple(shape(t) if p == position else t for p, t in enumerate(op.inputs)))
        if op.builtin == "RESHAPE" and op.options is not None:
            new = tuple(tensors[op.outputs[0]].shape)
            op = replace(op, options=Table(op.options.name, {**op.options.fields, "new_shape": new}))
        if op.builtin in ("SLICE", "STRIDED_SLICE"):
            op = replace(op, inputs=(*op.inputs[:2], shape(op.inputs[2]), *op.inputs[3:]))
        return op

    def shape(tensor: int) -> int:
        values = np.frombuffer(tensors[tensor].data or b"", "<i4").copy()
        values[0] = images
        tensors.append(replace(tensors[tensor], data=values.tobytes()))
        return len(tensors) - 1

    ops = tuple(changed(op) for op in graph.ops)
    return replace(model, graphs=(replace(graph, tensors=tuple(tensors), ops=ops),))


def _of(tensor: Tensor, images: int) -> Tensor:
    is_image = len(tensor.shape) > 1 and tensor.shape[0] == 1
    return replace(tensor, shape=(images, *tensor.shape[1:])) if is_image else tensor
