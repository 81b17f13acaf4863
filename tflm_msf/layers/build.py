"""From layers to a model whose weights are made up: what is planned for it holds for any model with these shapes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import cycle, islice
from numbers import Integral
from typing import get_args

import numpy as np

from tflm_msf.errors import MsfError
from tflm_msf.graph import NO_TENSOR, DType, Graph, Model, Op, Quantization, Table, Tensor
from tflm_msf.layers import BEFORE, Layer, Padding

ACTIVATIONS = ("none", "relu", "relu_n1_to_1", "relu6")
"""Numbered as in the schema."""

_RANDOM = np.random.default_rng(0)
_PATTERN = np.maximum(_RANDOM.integers(-128, 128, (1 << 16) + 1), -127).astype(np.int8).tobytes()
_WEIGHT_SCALES = [float(scale) for scale in (0.004 * 2 ** _RANDOM.uniform(0, 2, 4099)).astype(np.float32)]
_SCALE = float(np.float32(6 / 255))
_USUAL = Quantization((_SCALE,), (-128,))
_SHARE = Quantization((1 / 256,), (-128,))

_MOST_CHANNELS = 1 << 20
"""Beyond any network for a microcontroller; each channel has a made-up weight and scale of its own."""

_NAME = "network/layer_{0}/of_kind/made_{0}"
"""Of tensors; converters' names are about as long."""

_CONVERTERS_METADATA = (("min_runtime_version", bytes(16)), ("CONVERSION_METADATA", bytes(120)))
"""Files that TensorFlow writes have these."""

_Make = Callable[["_Builder", Layer, Sequence[int]], int]


class _Builder:
    """Collects tensors and operators of the graph."""

    def __init__(self) -> None:
        self.tensors: list[Tensor] = []
        self.ops: list[Op] = []
        self.inputs: list[int] = []

    def shape(self, tensor: int) -> tuple[int, ...]:
        return self.tensors[tensor].shape

    def map_of(self, tensor: int, layer: Layer) -> tuple[int, int, int]:
        """Height, width and channels. Raises MsfError for what is no map."""
        shape = self.shape(tensor)
        if len(shape) != 4:
            raise MsfError(f"{_called(layer)} reads a map of height, width and channels, not shape {list(shape)}.")
        return shape[1], shape[2], shape[3]

    def add(self, shape: tuple[int, ...], dtype: DType, quantization: Quantization | None, data: bytes | None) -> int:
        self.tensors.append(Tensor(_NAME.format(len(self.tensors)), shape, dtype, quantization, data))
        return len(self.tensors) - 1

    def filled(self, count: int) -> bytes:
        """Made up int8 values, others for each tensor, so that none can be stored once for two."""
        start = (len(self.tensors) * 7919) % len(_PATTERN)
        return (_PATTERN[start:] + _PATTERN * (count // len(_PATTERN) + 1))[:count]

    def numbers(self, values: Sequence[int] | Sequence[Sequence[int]]) -> int:
        """A constant that says a shape, axes or margins."""
        data = np.array(values, np.int32)
        return self.add(data.shape, DType.INT32, None, data.tobytes())

    def made(self, layer: Layer, shape: Sequence[int], usual: Quantization | None = _USUAL) -> int:
        """What a layer makes. Raises MsfError for a shape without values."""
        if min(shape, default=1) < 1:
            raise MsfError(f"{_called(layer)} would make shape {list(shape)}: its window does not fit what it reads.")
        dtype = _dtype(layer)
        own = None if layer.quantization is None else Quantization(layer.quantization[:1], layer.quantization[1:])
        return self.add(tuple(shape), dtype, None if dtype is DType.FLOAT32 else own or usual, None)

    def alike(self, layer: Layer, source: int, shape: Sequence[int]) -> int:
        """What a layer makes on the scale of what it reads."""
        return self.made(layer, shape, self.tensors[source].quantization)

    def op(self, builtin: str, inputs: Sequence[int], output: int, options: Table | None = None) -> int:
        self.ops.append(Op(builtin, tuple(inputs), (output,), options))
        return output

    def weighted(
        self,
        builtin: str,
        layer: Layer,
        source: int,
        weights: tuple[int, ...],
        axis: int,
        shape: Sequence[int],
        options: Table,
    ) -> int:
        """A layer with weights of a shape, whose ``axis`` is the output channels."""
        channels = weights[axis]
        scales = tuple(islice(cycle(_WEIGHT_SCALES), channels if layer.per_channel else 1))
        quantization = Quantization(scales, (0,) * len(scales), axis)
        inputs = [source, self.add(weights, DType.INT8, quantization, self.filled(math.prod(weights)))]
        if layer.has_bias:
            read = self.tensors[source].quantization
            unit = read.scale[0] if read else _SCALE
            units = Quantization(tuple(unit * scale for scale in scales), (0,) * len(scales))
            bias = np.frombuffer(self.filled(channels), np.int8).astype("<i4")
            inputs.append(self.add((channels,), DType.INT32, units, bias.tobytes()))
        elif builtin != "DEPTHWISE_CONV_2D":
            inputs.append(NO_TENSOR)
        return self.op(builtin, inputs, self.made(layer, shape), options)


def model_of(layers: Sequence[Layer]) -> Model:
    """The model that a converter would make of layers, but for the values of weights and scales.

    Raises:
        MsfError: for layers that do not fit each other, or that no converter makes.
    """
    _check_layers(layers)
    builder, named = _Builder(), dict[str, int]()
    outputs, before = list[int](), -1
    for number, layer in enumerate(layers):
        sources = [_source(name, named, before, layer) for name in layer.inputs]
        make = KINDS.get(layer.kind)
        if make is None:
            raise MsfError(f"{_called(layer)} is of no kind that is known: {', '.join(KINDS)}.")
        before = make(builder, layer, sources)
        if layer.name:
            if layer.name in named:
                raise MsfError(f"two layers are called '{layer.name}'; a name says which one is read.")
            named[layer.name] = before
        if layer.is_output or number == len(layers) - 1:
            outputs.append(before)
    if not builder.ops or not builder.inputs:
        raise MsfError("a network begins with an input, layers.image(height, width, channels), and has other layers.")
    graph = Graph(tuple(builder.tensors), tuple(builder.ops), tuple(builder.inputs), tuple(outputs))
    return Model((graph,), metadata=_CONVERTERS_METADATA)


def _check_layers(layers: Sequence[Layer]) -> None:
    """Raises MsfError for what is no list of layers, or for a size that is no number or out of its range."""
    if not isinstance(layers, Sequence) or not all(isinstance(layer, Layer) for layer in layers):
        raise MsfError("a network is a list of layers that tflm_msf.layers makes, or a Keras model.")
    for layer in layers:
        least_channels = 1 if layer.kind in ("conv", "dense") else 0
        _check_sizes(layer, "channels", (layer.channels,), least_channels, _MOST_CHANNELS)
        _check_sizes(layer, "multiplier", (layer.multiplier,), 1, _MOST_CHANNELS)
        _check_pair(layer, "kernel", layer.kernel, 0 if layer.kind == "average_pool" else 1)
        _check_pair(layer, "strides", layer.strides, 1)
        _check_pair(layer, "dilation", layer.dilation, 1)
        _check_sizes(layer, "margins", layer.margins, 0)
        _check_sizes(layer, "shape", layer.shape, -1)
        if layer.padding not in get_args(Padding):
            raise MsfError(f"{_called(layer)} has padding {layer.padding!r}; {' or '.join(get_args(Padding))} can be.")


def _check_pair(layer: Layer, what: str, pair: Sequence[object], least: int) -> None:
    if not isinstance(pair, Sequence) or len(pair) != 2:
        raise MsfError(f"{_called(layer)} has {what} {pair!r}; a number, or one for rows and one for columns, can be.")
    _check_sizes(layer, what, pair, least)


def _check_sizes(layer: Layer, what: str, sizes: Sequence[object], least: int, most: int = 2**31 - 1) -> None:
    for size in sizes:
        if not isinstance(size, Integral) or not least <= int(size) <= most:
            raise MsfError(f"{_called(layer)} has {what} {size!r}; whole numbers from {least} to {most:,} can be.")


def _source(name: str, named: Mapping[str, int], before: int, layer: Layer) -> int:
    if name == BEFORE:
        if before < 0:
            raise MsfError(f"{_called(layer)} reads the layer before, and there is none.")
        return before
    if name not in named:
        raise MsfError(f"{_called(layer)} reads '{name}', and no layer before it is called so.")
    return named[name]


def _called(layer: Layer) -> str:
    return f"layer '{layer.name}' ({layer.kind})" if layer.name else f"a layer ({layer.kind})"


def _dtype(layer: Layer) -> DType:
    try:
        return DType[layer.dtype.upper()]
    except KeyError:
        raise MsfError(f"{_called(layer)} makes values of type {layer.dtype}, which no model has.") from None


def _out(size: int, axis: int, layer: Layer) -> int:
    """Outputs along an axis."""
    reach = (layer.kernel[axis] - 1) * layer.dilation[axis] + 1
    stride = layer.strides[axis]
    return -(-size // stride) if layer.padding == "same" else (size - reach) // stride + 1


def _window(layer: Layer) -> dict[str, int]:
    return {"stride_h": layer.strides[0], "stride_w": layer.strides[1], "padding": int(layer.padding == "valid")}


def _activation(layer: Layer) -> dict[str, int]:
    if layer.activation not in ACTIVATIONS:
        raise MsfError(
            f"{_called(layer)} has activation '{layer.activation}'; part of a layer can be {', '.join(ACTIVATIONS)}. "
            'Others are layers of their own: layers.apply("HARD_SWISH").'
        )
    return {"fused_activation_function": ACTIVATIONS.index(layer.activation)}


def _dilation(layer: Layer) -> dict[str, int]:
    return {"dilation_h_factor": layer.dilation[0], "dilation_w_factor": layer.dilation[1]}


def _input(b: _Builder, layer: Layer, _: Sequence[int]) -> int:
    b.inputs.append(b.made(layer, layer.shape, Quantization((float(np.float32(1 / 128)),), (0,))))
    return b.inputs[-1]


def _conv(b: _Builder, layer: Layer, sources: Sequence[int]) -> int:
    (source,) = sources
    h, w, c = b.map_of(source, layer)
    shape = (1, _out(h, 0, layer), _out(w, 1, layer), layer.channels)
    options = Table("Conv2DOptions", {**_window(layer), **_dilation(layer), **_activation(layer)})
    return b.weighted("CONV_2D", layer, source, (layer.channels, *layer.kernel, c), 0, shape, options)


def _depthwise(b: _Builder, layer: Layer, sources: Sequence[int]) -> int:
    (source,) = sources
    h, w, c = b.map_of(source, layer)
    channels = c * layer.multiplier
    fields = {**_window(layer), **_dilation(layer), **_activation(layer), "depth_multiplier": layer.multiplier}
    shape = (1, _out(h, 0, layer), _out(w, 1, layer), channels)
    options = Table("DepthwiseConv2DOptions", fields)
    return b.weighted("DEPTHWISE_CONV_2D", layer, source, (1, *layer.kernel, channels), 3, shape, options)


def _dense(b: _Builder, layer: Layer, sources: Sequence[int]) -> int:
    (source,) = sources
    read = b.shape(source)
    depth = read[-1] if layer.keeps_axes else math.prod(read)
    shape = (*read[:-1], layer.channels) if layer.keeps_axes else (1, layer.channels)
    options = Table("FullyConnectedOptions", {"keep_num_dims": int(layer.keeps_axes), **_activation(layer)})
    return b.weighted("FULLY_CONNECTED", layer, source, (layer.channels, depth), 0, shape, options)


def _pool(builtin: str) -> _Make:
    def make(b: _Builder, layer: Layer, sources: Sequence[int]) -> int:
        (source,) = sources
        h, w, c = b.map_of(source, layer)
        if layer.kernel == (0, 0):
            layer = replace(layer, kernel=(h, w))
        fields = {
            **_window(layer),
            "filter_height": layer.kernel[0],
            "filter_width": layer.kernel[1],
            **_activation(layer),
        }
        out = b.alike(layer, source, (1, _out(h, 0, layer), _out(w, 1, layer), c))
        return b.op(builtin, [source], out, Table("Pool2DOptions", fields))

    return make


def _mean(b: _Builder, layer: Layer, sources: Sequence[int]) -> int:
    (source,) = sources
    shape = b.shape(source)
    axes = {axis % len(shape) for axis in layer.axes}
    kept = [1 if axis in axes else size for axis, size in enumerate(shape) if layer.keeps_axes or axis not in axes]
    options = Table("ReducerOptions", {"keep_dims": layer.keeps_axes})
    return b.op("MEAN", [source, b.numbers(layer.axes)], b.made(layer, kept), options)


def _binary(builtin: str) -> _Make:
    def make(b: _Builder, layer: Layer, sources: Sequence[int]) -> int:
        operands = list(sources)
        if layer.operand is not None:
            operands.append(b.add(layer.operand, DType.INT8, _USUAL, b.filled(math.prod(layer.operand))))
        try:
            shape = np.broadcast_shapes(*(b.shape(operand) for operand in operands))
        except ValueError:
            shapes = " and ".join(str(list(b.shape(operand))) for operand in operands)
            raise MsfError(f"{_called(layer)} cannot join {shapes}.") from None
        return b.op(builtin, operands, b.made(layer, shape), Table(f"{builtin.title()}Options", _activation(layer)))

    return make


def _concatenate(b: _Builder, layer: Layer, sources: Sequence[int]) -> int:
    shapes = [b.shape(source) for source in sources]
    axis = layer.axes[0] % len(shapes[0])
    if any(len(shape) != len(shapes[0]) for shape in shapes) or len({(*s[:axis], *s[axis + 1 :]) for s in shapes}) != 1:
        raise MsfError(f"{_called(layer)} cannot join {' and '.join(str(list(shape)) for shape in shapes)}.")
    joined = (*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :])
    options = Table("ConcatenationOptions", {"axis": axis, **_activation(layer)})
    return b.op("CONCATENATION", sources, b.alike(layer, sources[0], joined), options)


def _pad(b: _Builder, layer: Layer, sources: Sequence[int]) -> int:
    (source,) = sources
    h, w, c = b.map_of(source, layer)
    top, bottom, left, right = layer.margins
    amounts = b.numbers([[0, 0], [top, bottom], [left, right], [0, 0]])
    return b.op("PAD", [source, amounts], b.alike(layer, source, (1, h + top + bottom, w + left + right, c)))


def _reshape(b: _Builder, layer: Layer, sources: Sequence[int]) -> int:
    (source,) = sources
    elements, known = math.prod(b.shape(source)), math.prod(size for size in layer.shape if size != -1)
    shape = tuple(elements // max(known, 1) if size == -1 else size for size in layer.shape)
    if math.prod(shape) != elements:
        raise MsfError(f"{_called(layer)} cannot make {list(layer.shape)} of {list(b.shape(source))}.")
    options = Table("ReshapeOptions", {"new_shape": shape})
    return b.op("RESHAPE", [source, b.numbers(shape)], b.alike(layer, source, shape), options)


def _resize(builtin: str, table: str) -> _Make:
    def make(b: _Builder, layer: Layer, sources: Sequence[int]) -> int:
        (source,) = sources
        out = b.alike(layer, source, (1, *layer.shape, b.map_of(source, layer)[2]))
        options = Table(table, {"half_pixel_centers": layer.half_pixels})
        return b.op(builtin, [source, b.numbers(layer.shape)], out, options)

    return make


def _function(b: _Builder, layer: Layer, sources: Sequence[int]) -> int:
    (source,) = sources
    usual = _SHARE if layer.function == "LOGISTIC" else _USUAL
    return b.op(layer.function, [source], b.made(layer, b.shape(source), usual))


def _softmax(b: _Builder, layer: Layer, sources: Sequence[int]) -> int:
    (source,) = sources
    return b.op("SOFTMAX", [source], b.made(layer, b.shape(source), _SHARE), Table("SoftmaxOptions", {"beta": 1.0}))


def _converted(builtin: str) -> _Make:
    def make(b: _Builder, layer: Layer, sources: Sequence[int]) -> int:
        (source,) = sources
        return b.op(builtin, [source], b.made(layer, b.shape(source)))

    return make


KINDS: Mapping[str, _Make] = {
    "input": _input,
    "conv": _conv,
    "depthwise": _depthwise,
    "dense": _dense,
    "max_pool": _pool("MAX_POOL_2D"),
    "average_pool": _pool("AVERAGE_POOL_2D"),
    "mean": _mean,
    "add": _binary("ADD"),
    "sub": _binary("SUB"),
    "mul": _binary("MUL"),
    "concatenate": _concatenate,
    "pad": _pad,
    "reshape": _reshape,
    "resize_nearest": _resize("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions"),
    "resize_bilinear": _resize("RESIZE_BILINEAR", "ResizeBilinearOptions"),
    "function": _function,
    "softmax": _softmax,
    "quantize": _converted("QUANTIZE"),
    "dequantize": _converted("DEQUANTIZE"),
}
"""What makes each kind of layer."""
