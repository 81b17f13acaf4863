"""A network without its weights: a list of layers, each with what decides what it takes.

>>> from tflm_msf import layers
>>> network = [
...     layers.image(96, 96, 3),
...     layers.conv(8, kernel=3, strides=2, activation="relu6"),
...     layers.depthwise(kernel=3, activation="relu6"),
...     layers.conv(16, name="skip"),
...     layers.conv(96, activation="relu6"),
...     layers.depthwise(kernel=3, activation="relu6"),
...     layers.conv(16),
...     layers.add("skip"),
...     layers.average(),
...     layers.dense(2),
...     layers.softmax(),
... ]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Pair = tuple[int, int]
Padding = Literal["same", "valid"]

BEFORE = ""
"""As an input: the layer before."""


@dataclass(frozen=True)
class Layer:
    """One layer. What a kind does not have is left as it is; the functions below make each kind.

    Attributes:
        kind: what it does, one of :data:`KINDS`.
        name: what others call what it makes; without one, only the next layer can read it.
        inputs: what it reads, by name, or :data:`BEFORE`.
        channels: of its output.
        kernel: rows and columns of its window; (0, 0): the whole map.
        strides: rows and columns by which the window moves on.
        dilation: rows and columns from one tap to the next.
        padding: ``same`` or ``valid``.
        multiplier: output channels for each input channel of a depthwise convolution.
        activation: ``none``, ``relu``, ``relu6`` or ``relu_n1_to_1``, as part of the layer.
        function: the operator's name in TFLite, of a layer that maps each value to another one.
        shape: of an input, or of what a reshaping or resizing makes; -1 in a reshaping's: what is left.
        operand: the shape of the constant that is added, subtracted or multiplied, if there is one.
        margins: rows and columns that are padded: (top, bottom, left, right).
        axes: of the tensor, those that a mean is taken over.
        keeps_axes: they remain, with a length of 1; or, of a dense layer, every pixel is one of its inputs.
        half_pixels: how a resizing counts.
        has_bias: of a convolution or dense layer.
        per_channel: whether its weights have a scale for each output channel.
        dtype: of what it makes: ``int8``, ``uint8``, ``int16``, ``float32``.
        quantization: scale and zero point of what it makes; None: usual ones.
        is_output: whether the caller gets what it makes. The last layer's always is.
    """

    kind: str
    name: str = ""
    inputs: tuple[str, ...] = (BEFORE,)
    channels: int = 0
    kernel: Pair = (1, 1)
    strides: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: Padding = "same"
    multiplier: int = 1
    activation: str = "none"
    function: str = ""
    shape: tuple[int, ...] = ()
    operand: tuple[int, ...] | None = None
    margins: tuple[int, int, int, int] = (0, 0, 0, 0)
    axes: tuple[int, ...] = ()
    keeps_axes: bool = False
    half_pixels: bool = False
    has_bias: bool = True
    per_channel: bool = True
    dtype: str = "int8"
    quantization: tuple[float, int] | None = None
    is_output: bool = False


def _pair(size: int | Pair) -> Pair:
    return size if isinstance(size, tuple) else (size, size)


def image(height: int, width: int, channels: int, name: str = "") -> Layer:
    """The network's input: a map of int8 values."""
    return Layer("input", name, (), shape=(1, height, width, channels))


def conv(
    channels: int,
    kernel: int | Pair = 1,
    strides: int | Pair = 1,
    *,
    dilation: int | Pair = 1,
    padding: Padding = "same",
    activation: str = "none",
    source: str = BEFORE,
    name: str = "",
) -> Layer:
    """A convolution (its batch normalisation folded into it, as converters do)."""
    return Layer(
        "conv",
        name,
        (source,),
        channels,
        _pair(kernel),
        _pair(strides),
        _pair(dilation),
        padding,
        activation=activation,
    )


def depthwise(
    kernel: int | Pair = 3,
    strides: int | Pair = 1,
    *,
    multiplier: int = 1,
    dilation: int | Pair = 1,
    padding: Padding = "same",
    activation: str = "none",
    source: str = BEFORE,
    name: str = "",
) -> Layer:
    """A depthwise convolution."""
    return Layer(
        "depthwise",
        name,
        (source,),
        kernel=_pair(kernel),
        strides=_pair(strides),
        dilation=_pair(dilation),
        padding=padding,
        multiplier=multiplier,
        activation=activation,
    )


def dense(units: int, *, activation: str = "none", source: str = BEFORE, name: str = "") -> Layer:
    """A dense layer on all values of what it reads."""
    return Layer("dense", name, (source,), units, activation=activation, per_channel=False)


def max_pool(
    kernel: int | Pair = 2, strides: int | Pair = 2, *, padding: Padding = "valid", source: str = BEFORE, name: str = ""
) -> Layer:
    """The greatest value under a window."""
    return Layer("max_pool", name, (source,), kernel=_pair(kernel), strides=_pair(strides), padding=padding)


def average_pool(
    kernel: int | Pair = 2, strides: int | Pair = 2, *, padding: Padding = "valid", source: str = BEFORE, name: str = ""
) -> Layer:
    """The average under a window."""
    return Layer("average_pool", name, (source,), kernel=_pair(kernel), strides=_pair(strides), padding=padding)


def average(*, source: str = BEFORE, name: str = "") -> Layer:
    """The average of each channel, as one vector."""
    return Layer("mean", name, (source,), axes=(1, 2))


def add(*others: str, activation: str = "none", name: str = "") -> Layer:
    """What was made before and what another layer made, added."""
    inputs = others if len(others) > 1 else (BEFORE, *others)
    return Layer("add", name, inputs, activation=activation)


def multiply(*others: str, activation: str = "none", name: str = "") -> Layer:
    """What was made before and what another layer made, multiplied: a gate, say."""
    inputs = others if len(others) > 1 else (BEFORE, *others)
    return Layer("mul", name, inputs, activation=activation)


def concatenate(*sources: str, name: str = "") -> Layer:
    """Maps of several layers, joined along the channels."""
    return Layer("concatenate", name, sources, axes=(-1,))


def pad(top: int, bottom: int, left: int, right: int, *, source: str = BEFORE, name: str = "") -> Layer:
    """A margin of zeros."""
    return Layer("pad", name, (source,), margins=(top, bottom, left, right))


def resize(height: int, width: int, *, bilinear: bool = False, source: str = BEFORE, name: str = "") -> Layer:
    """The map in another size."""
    kind = "resize_bilinear" if bilinear else "resize_nearest"
    return Layer(kind, name, (source,), shape=(height, width))


def reshape(*shape: int, source: str = BEFORE, name: str = "") -> Layer:
    """The same values in another shape, the batch of 1 included."""
    return Layer("reshape", name, (source,), shape=shape)


def apply(function: str, *, source: str = BEFORE, name: str = "") -> Layer:
    """A function of each value, by the operator's name in TFLite: ``LOGISTIC``, ``HARD_SWISH``, ``RELU``."""
    return Layer("function", name, (source,), function=function.upper())


def softmax(*, source: str = BEFORE, name: str = "") -> Layer:
    """Softmax over the channels."""
    return Layer("softmax", name, (source,))
