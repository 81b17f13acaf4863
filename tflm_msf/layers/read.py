"""The layers of a model: its graph without its weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tflm_msf.errors import MsfError
from tflm_msf.graph import NO_TENSOR, Graph, Model, Op, Tensor
from tflm_msf.layers import Layer, Padding
from tflm_msf.layers.build import ACTIVATIONS

FUNCTIONS = (
    "ABS",
    "ELU",
    "EXP",
    "GELU",
    "HARD_SWISH",
    "LEAKY_RELU",
    "LOGISTIC",
    "RELU",
    "RELU6",
    "RELU_N1_TO_1",
    "TANH",
)
"""Operators that map each value to another one."""

_Fields = dict[str, Any]


def layers_of(model: Model, source: str) -> list[Layer]:
    """The layers of a model's main graph, as :func:`tflm_msf.layers.build.model_of` takes them.

    Raises:
        MsfError: for an operator that no layer stands for. ``source`` is what the message calls the model.
    """
    graph = model.main
    layers = [
        Layer("input", _name(tensor), (), shape=graph.tensors[tensor].shape, **_made(graph, tensor, graph.outputs))
        for tensor in graph.inputs
    ]
    for number, op in enumerate(graph.ops):
        read = _READ.get(op.builtin) or (_function if op.builtin in FUNCTIONS else None)
        if read is None or len(op.outputs) != 1:
            raise MsfError(
                f"{source}: operator {number} ({op.name}) has no layer that stands for it; describe the network by "
                "layers of tflm_msf.layers that take as much."
            )
        layers.append(_layer(graph, op, read(graph, op)))
    return layers


def _layer(graph: Graph, op: Op, fields: _Fields) -> Layer:
    activations = tuple(_name(t) for t in op.inputs if t != NO_TENSOR and not graph.tensors[t].is_constant)
    return Layer(
        name=_name(op.outputs[0]), inputs=activations, **{**_made(graph, op.outputs[0], graph.outputs), **fields}
    )


def _name(tensor: int) -> str:
    return f"t{tensor}"


def _made(graph: Graph, tensor: int, outputs: tuple[int, ...]) -> _Fields:
    quantization = graph.tensors[tensor].quantization
    scale = (quantization.scale[0], quantization.zero_point[0]) if quantization and quantization.per_tensor else None
    return {
        "dtype": graph.tensors[tensor].dtype.name.lower(),
        "quantization": scale,
        "is_output": tensor in outputs,
    }


def _option(op: Op, name: str, default: Any) -> Any:
    return op.options.get(name, default) if op.options else default


def _activation(op: Op) -> str:
    return ACTIVATIONS[_option(op, "fused_activation_function", 0)]


def _window(op: Op) -> _Fields:
    padding: Padding = "valid" if _option(op, "padding", 0) else "same"
    strides = _option(op, "stride_h", 0), _option(op, "stride_w", 0)
    return {"strides": strides, "padding": padding, "activation": _activation(op)}


def _weighted(graph: Graph, op: Op) -> _Fields:
    quantization = graph.tensors[op.inputs[1]].quantization
    return {
        "has_bias": len(op.inputs) > 2 and op.inputs[2] != NO_TENSOR,
        "per_channel": quantization is not None and len(quantization.scale) > 1,
    }


def _dilation(op: Op) -> _Fields:
    return {"dilation": (_option(op, "dilation_h_factor", 1), _option(op, "dilation_w_factor", 1))}


def _conv(graph: Graph, op: Op) -> _Fields:
    channels, *kernel, _ = graph.tensors[op.inputs[1]].shape
    shape = {"kind": "conv", "channels": channels, "kernel": tuple(kernel)}
    return {**shape, **_window(op), **_dilation(op), **_weighted(graph, op)}


def _depthwise(graph: Graph, op: Op) -> _Fields:
    _, *kernel, channels = graph.tensors[op.inputs[1]].shape
    multiplier = channels // graph.tensors[op.inputs[0]].shape[-1]
    shape = {"kind": "depthwise", "kernel": tuple(kernel), "multiplier": multiplier}
    return {**shape, **_window(op), **_dilation(op), **_weighted(graph, op)}


def _dense(graph: Graph, op: Op) -> _Fields:
    keeps = bool(_option(op, "keep_num_dims", 0))
    channels = graph.tensors[op.inputs[1]].shape[0]
    shape = {"kind": "dense", "channels": channels, "keeps_axes": keeps, "activation": _activation(op)}
    return {**shape, **_weighted(graph, op)}


def _pool(kind: str) -> Callable[[Graph, Op], _Fields]:
    def read(graph: Graph, op: Op) -> _Fields:
        kernel = _option(op, "filter_height", 0), _option(op, "filter_width", 0)
        is_whole = graph.tensors[op.inputs[0]].shape[1:3] == kernel and _option(op, "padding", 0)
        return {"kind": kind, "kernel": (0, 0) if is_whole else kernel, **_window(op)}

    return read


def _mean(graph: Graph, op: Op) -> _Fields:
    axes = tuple(_numbers(graph.tensors[op.inputs[1]]))
    return {"kind": "mean", "axes": axes, "keeps_axes": bool(_option(op, "keep_dims", False))}


def _binary(kind: str) -> Callable[[Graph, Op], _Fields]:
    def read(graph: Graph, op: Op) -> _Fields:
        constants = [graph.tensors[t].shape for t in op.inputs if graph.tensors[t].is_constant]
        return {"kind": kind, "operand": constants[0] if constants else None, "activation": _activation(op)}

    return read


def _concatenate(graph: Graph, op: Op) -> _Fields:
    axis = _option(op, "axis", 0) % len(graph.tensors[op.inputs[0]].shape)
    return {"kind": "concatenate", "axes": (axis,), "activation": _activation(op)}


def _pad(graph: Graph, op: Op) -> _Fields:
    amounts = _numbers(graph.tensors[op.inputs[1]])
    if len(amounts) != 8 or any((*amounts[:2], *amounts[6:])):
        raise MsfError("a PAD pads more than rows and columns, which no layer does.")
    return {"kind": "pad", "margins": tuple(amounts[2:6])}


def _reshape(graph: Graph, op: Op) -> _Fields:
    shape = graph.tensors[op.outputs[0]].shape
    is_vector = shape[:-1].count(1) == len(shape) - 1
    return {"kind": "reshape", "shape": (*shape[:-1], -1) if is_vector else shape}


def _resize(kind: str) -> Callable[[Graph, Op], _Fields]:
    def read(graph: Graph, op: Op) -> _Fields:
        size = graph.tensors[op.outputs[0]].shape[1:3]
        return {"kind": kind, "shape": size, "half_pixels": bool(_option(op, "half_pixel_centers", False))}

    return read


def _function(_: Graph, op: Op) -> _Fields:
    return {"kind": "function", "function": op.builtin}


def _plain(kind: str) -> Callable[[Graph, Op], _Fields]:
    return lambda graph, op: {"kind": kind}  # noqa: ARG005 - all have these


def _numbers(tensor: Tensor) -> list[int]:
    if tensor.data is None:
        raise MsfError("an operator's axes or margins are computed when it runs, which no layer has.")
    width = np.dtype(f"<i{tensor.dtype.bits // 8}")
    return [int(value) for value in np.frombuffer(tensor.data, width)]


_READ: Mapping[str, Callable[[Graph, Op], _Fields]] = {
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _dense,
    "MAX_POOL_2D": _pool("max_pool"),
    "AVERAGE_POOL_2D": _pool("average_pool"),
    "MEAN": _mean,
    "ADD": _binary("add"),
    "SUB": _binary("sub"),
    "MUL": _binary("mul"),
    "CONCATENATION": _concatenate,
    "PAD": _pad,
    "RESHAPE": _reshape,
    "SQUEEZE": _reshape,
    "EXPAND_DIMS": _reshape,
    "RESIZE_NEAREST_NEIGHBOR": _resize("resize_nearest"),
    "RESIZE_BILINEAR": _resize("resize_bilinear"),
    "SOFTMAX": _plain("softmax"),
    "QUANTIZE": _plain("quantize"),
    "DEQUANTIZE": _plain("dequantize"),
}
