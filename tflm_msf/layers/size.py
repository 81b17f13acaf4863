"""What each layer of a network makes, and what that costs layer by layer."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tflm_msf.layers import Layer
from tflm_msf.layers.build import model_of

Shape = tuple[int, ...]


def shapes_of(layers: Sequence[Layer]) -> list[Shape]:
    """The shape that each layer makes. Raises MsfError as :func:`tflm_msf.layers.build.model_of`."""
    graph = model_of(layers).main
    inputs, made = iter(graph.inputs), (op.outputs[0] for op in graph.ops)
    return [graph.tensors[next(inputs if layer.kind == "input" else made)].shape for layer in layers]


def macs_of(layers: Sequence[Layer]) -> list[int]:
    """The multiply-accumulates of each layer that has weights, 0 of others. Raises MsfError likewise."""
    graph = model_of(layers).main
    ops = iter(graph.ops)
    counts = []
    for layer in layers:
        op = None if layer.kind == "input" else next(ops)
        if op is None or layer.kind not in ("conv", "depthwise", "dense"):
            counts.append(0)
            continue
        weights, made = graph.tensors[op.inputs[1]].shape, graph.tensors[op.outputs[0]].shape
        taps = math.prod(weights[1:3]) if layer.kind == "depthwise" else math.prod(weights[1:])
        counts.append(math.prod(made) * taps)
    return counts
