"""Six families of networks of any length, given by their shapes: for measuring how the search grows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from testing.layers import Geometry, Weighting
from testing.operators import MoreLayers
from tflm_msf.graph import Model

PLAIN = Weighting()
POINT, WINDOW, DOWN = Geometry((1, 1)), Geometry((3, 3)), Geometry((3, 3), (2, 2))


def _layers(seed: int) -> MoreLayers:
    return MoreLayers(Random(seed))  # noqa: S311 (weights do not matter)


def chain(operators: int) -> Model:
    """Expansions, depthwise convolutions and projections in turn; the map is halved three times on the way."""
    layers = _layers(operators)
    x = layers.input(1, 48, 48, 3)
    strided = {1 + operators * quarter // 4 for quarter in range(3)}
    for index in range(operators):
        if index in strided:
            x = layers.conv(x, 8 + 8 * index // operators, DOWN, PLAIN)
        elif index % 3 == 1:
            x = layers.depthwise(x, 1, WINDOW, PLAIN)
        else:
            x = layers.conv(x, 48 if index % 3 == 0 else 12, POINT, PLAIN)
    return layers.model([x])


def residual(operators: int) -> Model:
    """Inverted residual blocks of four operators each."""
    layers = _layers(operators)
    x = layers.conv(layers.input(1, 64, 64, 3), 8, DOWN, PLAIN)
    for index in range(1, operators - 3, 4):
        if index * 3 // operators > (index - 4) * 3 // operators:
            x = layers.max_pool(x, Geometry((2, 2), (2, 2)))
        y = layers.conv(x, 48, POINT, PLAIN)
        y = layers.depthwise(y, 1, WINDOW, PLAIN)
        x = layers.add(x, layers.conv(y, 8, POINT, PLAIN))
    return layers.model([x])


def unet(operators: int) -> Model:
    """Down and up again, each level's map joined by addition to the one that comes back."""
    layers = _layers(operators)
    x = layers.conv(layers.input(1, 64, 64, 3), 8, WINDOW, PLAIN)
    levels, each = 4, max(1, (operators - 1) // 4 // 3)
    kept = []
    for _ in range(levels):
        for _ in range(each):
            x = layers.conv(x, 8, WINDOW, PLAIN)
        kept.append(x)
        x = layers.max_pool(x, Geometry((2, 2), (2, 2)))
    for skip in reversed(kept):
        _, h, w, _ = layers.shape(x)
        x = layers.resize(x, 2 * h, 2 * w, False, False)
        for _ in range(each):
            x = layers.conv(x, 8, WINDOW, PLAIN)
        x = layers.add(x, skip)
    return layers.model([x])


def inception(operators: int) -> Model:
    """Modules of four branches that are joined along the channels."""
    layers = _layers(operators)
    x = layers.conv(layers.input(1, 48, 48, 3), 16, DOWN, PLAIN)
    while len(layers.model([x]).main.ops) < operators - 8:
        one = layers.conv(x, 4, POINT, PLAIN)
        three = layers.conv(layers.conv(x, 6, POINT, PLAIN), 4, WINDOW, PLAIN)
        five = layers.conv(layers.conv(x, 6, POINT, PLAIN), 4, Geometry((5, 5)), PLAIN)
        pooled = layers.conv(layers.max_pool(x, WINDOW), 4, POINT, PLAIN)
        x = layers.concatenate(one, three, five, pooled)
    return layers.model([x])


def densenet(operators: int) -> Model:
    """Each layer's few new channels are joined to all that came before."""
    layers = _layers(operators)
    x = layers.conv(layers.input(1, 32, 32, 3), 8, WINDOW, PLAIN)
    while len(layers.model([x]).main.ops) < operators - 2:
        x = layers.concatenate(x, layers.conv(x, 4, WINDOW, PLAIN))
    return layers.model([x])


def concatenation(operators: int) -> Model:
    """One CONCATENATION of many equal inputs."""
    layers = _layers(operators)
    return layers.model([layers.append(*(layers.input(1, 4, 4, 2) for _ in range(operators)))])


FAMILIES: Mapping[str, Callable[[int], Model]] = {
    "chain": chain,
    "residual chain": residual,
    "U-Net": unet,
    "inception": inception,
    "DenseNet": densenet,
    "one CONCATENATION": concatenation,
}
