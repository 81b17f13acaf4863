"""The layers of a Keras model, as TensorFlow's converter makes them of it; nothing of TensorFlow is loaded here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tflm_msf import layers as kinds
from tflm_msf.errors import MsfError
from tflm_msf.layers import Layer
from tflm_msf.layers.size import shapes_of

FUSED = {"relu": "relu", "relu6": "relu6"}
"""Activations that become part of the layer before."""

FUNCTIONS = {
    "sigmoid": "LOGISTIC",
    "hard_swish": "HARD_SWISH",
    "hard_silu": "HARD_SWISH",
    "tanh": "TANH",
    "relu": "RELU",
    "relu6": "RELU6",
}
"""Those that are operators of their own."""

VANISHING = ("Dropout", "SpatialDropout2D", "GaussianNoise", "ActivityRegularization")
"""Layers that do nothing but in training."""

FUSING = ("conv", "depthwise", "dense", "add", "mul")
"""Kinds that an activation becomes part of."""

KerasLayer = Any


def is_keras(model: object) -> bool:
    """True for what looks like a Keras model."""
    return hasattr(model, "layers") and hasattr(model, "inputs") and hasattr(model, "outputs")


def layers_of_keras(model: Any) -> list[Layer]:
    """The layers of a functional or sequential Keras model with fixed shapes but for the batch.

    Raises:
        MsfError: for a layer that is not known here; convert the model and load the file then.
    """
    taken = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
    outputs = [id(tensor) for tensor in model.outputs]
    readers = Counter([id(tensor) for layer in taken for tensor in _tensors(layer.input)] + outputs)
    reading = _Reading(outputs, readers)
    for tensor in model.inputs:
        reading.begin(tensor)
    for layer in taken:
        reading.take_in(layer)
    return _paddings_joined(reading.found)


def _paddings_joined(found: Sequence[Layer]) -> list[Layer]:
    """The converter makes a margin part of the convolution behind it where ``same`` would pad as much."""
    shapes = dict(zip((layer.name for layer in found), shapes_of(found), strict=True))
    made = {layer.name: layer for layer in found}
    gone: dict[str, str] = {}
    result = []
    for layer in found:
        pad = made[layer.inputs[0]] if layer.inputs else layer
        is_alone = sum(pad.name in other.inputs for other in found) == 1 and not pad.is_output
        if pad.kind == "pad" and layer.kind in ("conv", "depthwise") and layer.padding == "valid" and is_alone:
            (_, *size, _), (source,) = shapes[pad.inputs[0]], pad.inputs
            if all(pad.margins[2 * axis : 2 * axis + 2] == _same_margins(size[axis], layer, axis) for axis in (0, 1)):
                gone[pad.name] = source
                layer = replace(layer, padding="same", inputs=pad.inputs)
        result.append(layer)
    return [layer for layer in result if layer.name not in gone]


def _same_margins(size: int, layer: Layer, axis: int) -> tuple[int, int]:
    """What ``same`` pads before and behind ``size`` rows or columns."""
    reach = (layer.kernel[axis] - 1) * layer.dilation[axis] + 1
    stride = layer.strides[axis]
    total = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2


@dataclass
class _Reading:
    """``names`` says which of our layers makes each tensor of Keras, ``readers`` how many read it, users included."""

    outputs: Sequence[int]
    readers: Mapping[int, int]
    found: list[Layer] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)

    def begin(self, tensor: Any) -> None:
        """Takes in an input of the model."""
        self.names[id(tensor)] = self._add(Layer("input", shape=(1, *tensor.shape[1:])), [])

    def take_in(self, layer: KerasLayer) -> None:
        """Takes in a layer that reads what was taken in before."""
        kind = type(layer).__name__
        sources = [self.names[id(tensor)] for tensor in _tensors(layer.input)]
        is_alone = all(self.readers[id(tensor)] == 1 for tensor in _tensors(layer.input))
        if kind in VANISHING:
            self._becomes(layer, sources[0])
        elif kind == "BatchNormalization":
            if self._made(sources[0]).kind not in FUSING[:3] or not is_alone:
                raise MsfError(
                    f"Keras layer '{layer.name}': a normalisation folds only into a convolution before it, and only if "
                    "nothing else reads that."
                )
            self._becomes(layer, sources[0])
        elif kind in ("ReLU", "Activation"):
            self._becomes(layer, self._activated(layer, sources[0], _activation_of(layer), is_alone))
        else:
            self._becomes(layer, self._new(layer, kind, sources))

    def _becomes(self, layer: KerasLayer, name: str) -> None:
        self.names[id(layer.output)] = name
        if id(layer.output) in self.outputs:
            number = next(n for n, made in enumerate(self.found) if made.name == name)
            self.found[number] = replace(self.found[number], is_output=True)

    def _made(self, name: str) -> Layer:
        return next(layer for layer in self.found if layer.name == name)

    def _add(self, layer: Layer, sources: Sequence[str]) -> str:
        name = f"k{len(self.found)}"
        self.found.append(replace(layer, name=name, inputs=tuple(sources)))
        return name

    def _new(self, layer: KerasLayer, kind: str, sources: Sequence[str]) -> str:
        make = _KINDS.get(kind)
        if make is None:
            raise MsfError(
                f"Keras layer '{layer.name}' ({kind}) is not known to the estimate; convert the model to int8 .tflite "
                "and plan that file, or describe the network as tflm_msf.layers."
            )
        name = self._add(make(layer), sources)
        activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
        return name if activation == "linear" else self._activated(layer, name, activation)

    def _activated(self, layer: KerasLayer, source: str, activation: str, is_alone: bool = True) -> str:
        """The layer with an activation in it, if that ``is_alone`` in reading it, or else a layer behind it."""
        made = self._made(source)
        if activation == "softmax":
            return self._add(kinds.softmax(), [source])
        if is_alone and activation in FUSED and made.kind in FUSING and made.activation == "none":
            self.found[self.found.index(made)] = replace(made, activation=FUSED[activation])
            return source
        if activation not in FUNCTIONS:
            raise MsfError(
                f"Keras layer '{layer.name}' has activation {activation}, which is not known to the estimate."
            )
        return self._add(kinds.apply(FUNCTIONS[activation]), [source])


def _tensors(tensors: Any) -> list[Any]:
    return list(tensors) if isinstance(tensors, list | tuple) else [tensors]


def _activation_of(layer: KerasLayer) -> str:
    if type(layer).__name__ == "Activation":
        return str(layer.activation.__name__)
    return "relu6" if layer.max_value == 6 else "relu"


def _shape(layer: KerasLayer) -> tuple[int, ...]:
    return (1, *layer.output.shape[1:])


def _conv(layer: KerasLayer) -> Layer:
    return kinds.conv(
        layer.filters, layer.kernel_size, layer.strides, dilation=layer.dilation_rate, padding=layer.padding
    )


def _depthwise(layer: KerasLayer) -> Layer:
    return kinds.depthwise(
        layer.kernel_size,
        layer.strides,
        multiplier=layer.depth_multiplier,
        dilation=layer.dilation_rate,
        padding=layer.padding,
    )


def _pad(layer: KerasLayer) -> Layer:
    (top, bottom), (left, right) = layer.padding
    return kinds.pad(top, bottom, left, right)


_KINDS: Mapping[str, Callable[[KerasLayer], Layer]] = {
    "Conv2D": _conv,
    "DepthwiseConv2D": _depthwise,
    "Dense": lambda layer: kinds.dense(layer.units),
    "MaxPooling2D": lambda layer: kinds.max_pool(layer.pool_size, layer.strides, padding=layer.padding),
    "AveragePooling2D": lambda layer: kinds.average_pool(layer.pool_size, layer.strides, padding=layer.padding),
    "GlobalAveragePooling2D": lambda layer: replace(kinds.average(), keeps_axes=bool(layer.keepdims)),
    "Add": lambda layer: kinds.add("", ""),  # noqa: ARG005 - all have these
    "Multiply": lambda layer: kinds.multiply("", ""),  # noqa: ARG005
    "Concatenate": lambda layer: replace(kinds.concatenate(), axes=(layer.axis,)),
    "ZeroPadding2D": _pad,
    "Flatten": lambda layer: kinds.reshape(*_shape(layer)),
    "Reshape": lambda layer: kinds.reshape(*_shape(layer)),
    "Softmax": lambda layer: kinds.softmax(),  # noqa: ARG005
}
"""What stands for each of Keras' layers."""
