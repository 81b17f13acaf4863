"""The networks that the study chooses from: MobileNetV2-like, for digits of 8 x 8 pixels that are scaled up.

One description, two uses: :func:`layers_of` says what it takes (no weights, nothing trained), :func:`keras_of` is
trained.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tflm_msf import layers

if TYPE_CHECKING:
    import keras

RESOLUTIONS = (16, 24, 32)
STEMS = (4, 8, 12)
WIDTHS = (4, 8, 12, 16)
DEPTHS = (1, 2)
KERNELS = (3, 5)
EXPANSIONS = (2, 4, 6)
HEADS = (16, 32, 64)
STAGES = 3
"""The map is halved by the first layer, and by the second and third stage."""

CLASSES = 10

Choose = Callable[[str, Sequence[Any]], Any]
"""Takes the name of a choice and what there is to choose from: ``trial.suggest_categorical`` of Optuna, say."""


@dataclass(frozen=True)
class Stage:
    """Inverted residual blocks of one width; the first of them may halve the map."""

    width: int
    depth: int
    kernel: int
    expansion: int


@dataclass(frozen=True)
class Architecture:
    """A network: rows and columns of its input, channels of its first and last convolution, and its stages."""

    resolution: int
    stem: int
    stages: tuple[Stage, ...]
    head: int


def choose(suggest: Choose) -> Architecture:
    """An architecture, choice by choice."""
    stages = tuple(
        Stage(
            width=suggest(f"width {number}", WIDTHS) * (number + 1),
            depth=suggest(f"depth {number}", DEPTHS),
            kernel=suggest(f"kernel {number}", KERNELS),
            expansion=suggest(f"expansion {number}", EXPANSIONS),
        )
        for number in range(STAGES)
    )
    return Architecture(suggest("resolution", RESOLUTIONS), suggest("stem", STEMS), stages, suggest("head", HEADS))


def _blocks(architecture: Architecture) -> list[tuple[Stage, int, bool]]:
    """Each block's stage, its stride, and whether what it reads is added to what it makes."""
    return [
        (stage, 2 if number > 0 and index == 0 else 1, index > 0)
        for number, stage in enumerate(architecture.stages)
        for index in range(stage.depth)
    ]


def layers_of(architecture: Architecture) -> list[layers.Layer]:
    """The network's layers, for :func:`tflm_msf.estimate`."""
    size, channels = architecture.resolution, architecture.stem
    network = [
        layers.image(size, size, 1),
        layers.conv(channels, 3, 2, activation="relu6", name="block 0"),
    ]
    for number, (stage, stride, adds) in enumerate(_blocks(architecture), 1):
        network += [
            layers.conv(channels * stage.expansion, activation="relu6"),
            layers.depthwise(stage.kernel, stride, activation="relu6"),
            layers.conv(stage.width, name="" if adds else f"block {number}"),
        ]
        network += [layers.add(f"block {number - 1}", name=f"block {number}")] if adds else []
        channels = stage.width
    head = [
        layers.conv(architecture.head, activation="relu6"),
        layers.average(),
        layers.dense(CLASSES),
        layers.softmax(),
    ]
    return network + head


def keras_of(architecture: Architecture) -> keras.Model:
    """The same network to be trained."""
    import keras

    def convolution(x: Any, channels: int, kernel: int = 1, strides: int = 1, is_linear: bool = False) -> Any:
        x = keras.layers.Conv2D(channels, kernel, strides, "same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
        return x if is_linear else keras.layers.ReLU(6)(x)

    pixels = keras.Input((architecture.resolution, architecture.resolution, 1))
    x = convolution(pixels, architecture.stem, 3, 2)
    for stage, stride, adds in _blocks(architecture):
        y = convolution(x, x.shape[-1] * stage.expansion)
        y = keras.layers.DepthwiseConv2D(stage.kernel, stride, "same", use_bias=False)(y)
        y = keras.layers.ReLU(6)(keras.layers.BatchNormalization(momentum=0.9)(y))
        y = convolution(y, stage.width, is_linear=True)
        x = keras.layers.Add()([x, y]) if adds else y
    x = keras.layers.GlobalAveragePooling2D()(convolution(x, architecture.head))
    return keras.Model(pixels, keras.layers.Dense(CLASSES, "softmax")(x))
