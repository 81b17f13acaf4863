"""Random int8 networks: chains, residual connections, squeeze-and-excite, from odd shapes and odd scales."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from testing.layers import Geometry, Layers, Weighting
from tflm_msf.graph import Model

MAX_MACS = 300_000
"""Of one operator: TFLM's reference kernels take about a nanosecond for each."""

MAX_CHANNELS = 20


def random_network(random: Random) -> Model:
    """A network of one to some fifteen operators with one or two inputs and one to three outputs."""
    return RandomNetwork(random).make()


class RandomNetwork:
    """A network that grows by random steps."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.layers = Layers(random)
        self.outputs: list[int] = []
        self.steps: list[Callable[[int], int]] = [
            *[self.conv] * 4,
            *[self.depthwise] * 3,
            *[self.pointwise] * 3,
            *[self.residual] * 3,
            *[self.with_constant] * 2,
            self.with_itself,
            self.squeeze_excite,
            self.siblings,
            self.pad,
            self.pad,
            self.pool,
            self.pool,
            self.reshape,
            self.pixelwise_dense,
        ]

    def make(self) -> Model:
        x = self.input()
        if self.chance(0.15):
            x = self.layers.add(x, self.layers.input(*self.layers.shape(x)))
        for _ in range(self.random.randint(0, 6)):
            x = self.random.choice(self.steps)(x)
            if self.chance(0.06):
                self.outputs.append(x)
        if self.chance(0.5):
            x = self.head(x)
        if not any(x in op.outputs for op in self.layers.model([x]).main.ops):
            x = self.pointwise(x)
        x = self.end(x)
        return self.layers.model([x, *(o for o in dict.fromkeys(self.outputs) if o != x)])

    def end(self, x: int) -> int:
        """What the first output is made of the last map."""
        return x

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def input(self) -> int:
        sizes = [1, 2, 5, 24, *(self.random.randint(1, 24) for _ in range(8))]
        h, w = self.random.choice(sizes), self.random.choice(sizes)
        return self.layers.input(1, h, w, self.random.randint(1, 6))

    def geometry(self, x: int, largest: int = 7, dilated: bool = True, cost: int = 1) -> Geometry:
        """A window that fits; ``cost`` is the number of MACs for each tap and pixel."""
        _, h, w, _ = self.layers.shape(x)
        while True:
            kernel = self.random.choice([1, 2, 3, 3, 3, 4, 5, 7]), self.random.choice([1, 2, 3, 3, 3, 4, 5, 7])
            kernel = kernel if self.chance(0.3) else (kernel[0], kernel[0])
            stride = self.random.choice([1, 1, 1, 2, 3]), self.random.choice([1, 1, 1, 2, 3])
            dilation = (1, 1)
            if dilated and self.chance(0.2):
                dilation = self.random.randint(1, 2), self.random.randint(1, 2)
            geometry = Geometry(kernel, stride, dilation, self.chance(0.6))
            out = geometry.output(h, 0), geometry.output(w, 1)
            if min(out) > 0 and max(kernel) <= largest and math.prod(out) * math.prod(kernel) * cost <= MAX_MACS:
                return geometry

    def weighting(self) -> Weighting:
        return Weighting(self.activation(), self.chance(0.7), self.chance(0.8))

    def activation(self) -> int:
        return self.random.choice([0, 0, 1, 2, 3])

    def channels(self) -> int:
        return self.random.randint(1, MAX_CHANNELS)

    def conv(self, x: int) -> int:
        channels = self.random.choice([self.channels(), self.random.randint(1, 8)])
        geometry = self.geometry(x, cost=channels * self.layers.shape(x)[3])
        return self.layers.conv(x, channels, geometry, self.weighting())

    def depthwise(self, x: int) -> int:
        depth = self.layers.shape(x)[3]
        multiplier = self.random.choice([m for m in (1, 1, 2, 3) if m == 1 or m * depth <= MAX_CHANNELS])
        return self.layers.depthwise(x, multiplier, self.geometry(x, cost=depth * multiplier), self.weighting())

    def pointwise(self, x: int) -> int:
        kinds = [self.conv_1x1, self.conv_1x1, self.layers.relu, self.layers.relu6, self.layers.quantize]
        return self.random.choice(kinds)(x)

    def conv_1x1(self, x: int) -> int:
        return self.layers.conv(x, self.channels(), Geometry((1, 1)), self.weighting())

    def residual(self, x: int) -> int:
        """x + f(x), where f keeps the size; also with both ways weighted, and as a product."""
        y = x
        for _ in range(self.random.randint(1, 3)):
            y = self.random.choice([self.same_size, self.same_size, self.pointwise])(y)
        if self.layers.shape(y) != self.layers.shape(x):
            y = self.layers.conv(y, self.layers.shape(x)[3], Geometry((1, 1)), self.weighting())
        if self.chance(0.3):
            x = self.layers.conv(x, self.layers.shape(x)[3], Geometry((1, 1)), self.weighting())
        return self.combine(x, y)

    def same_size(self, x: int) -> int:
        kernel = self.random.choice([1, 3, 5]), self.random.choice([1, 3, 5])
        dilation = self.random.choice([(1, 1), (1, 1), (2, 1)])
        geometry = Geometry(kernel, dilation=dilation)
        if self.chance(0.6):
            return self.layers.depthwise(x, 1, geometry, self.weighting())
        pixels = math.prod(self.layers.shape(x))
        channels = max(1, min(self.channels(), MAX_MACS // (pixels * math.prod(kernel))))
        return self.layers.conv(x, channels, geometry, self.weighting())

    def combine(self, a: int, b: int) -> int:
        operator = self.random.choice([self.layers.add, self.layers.add, self.layers.sub])
        if self.chance(0.35) and self.layers.is_moderate(a, b):
            operator = self.layers.mul
        return operator(*self.shuffled(a, b), self.activation())

    def siblings(self, x: int) -> int:
        """Two readers of the same map with different windows."""
        return self.combine(self.same_size_as(x, x), self.same_size_as(x, x))

    def same_size_as(self, x: int, like: int) -> int:
        y = self.same_size(x)
        shape = self.layers.shape(like)
        return y if self.layers.shape(y) == shape else self.layers.conv(y, shape[3], Geometry((1, 1)), self.weighting())

    def with_itself(self, x: int) -> int:
        return self.combine(x, x)

    def operand(self, x: int) -> int:
        """A constant that broadcasts over ``x``: one value, one for each channel, or a whole map."""
        shape = self.layers.shape(x)
        return self.layers.constant(*self.random.choice([(1,), (1, 1, 1, 1), shape[3:], (1, 1, 1, shape[3]), shape]))

    def with_constant(self, x: int) -> int:
        return self.combine(x, self.operand(x))

    def shuffled(self, a: int, b: int) -> tuple[int, int]:
        return (a, b) if self.chance(0.6) else (b, a)

    def squeeze_excite(self, x: int) -> int:
        y = self.whole_pool(x)
        for _ in range(self.random.randint(0, 2)):
            y = self.random.choice([self.conv_1x1, self.layers.relu, self.layers.quantize])(y)
        if self.layers.shape(y)[3] != self.layers.shape(x)[3]:
            y = self.layers.conv(y, self.layers.shape(x)[3], Geometry((1, 1)), self.weighting())
        return self.combine(x, y)

    def whole_pool(self, x: int) -> int:
        _, h, w, _ = self.layers.shape(x)
        if self.chance(0.5):
            pool = self.random.choice(
                [self.layers.mean, self.layers.mean, self.layers.reduce_max, self.layers.reduce_min]
            )
            return pool(x, keep_dims=True)
        return self.layers.average_pool(x, Geometry((h, w), (h, w), same=False), self.activation())

    def pad(self, x: int) -> int:
        _, h, w, _ = self.layers.shape(x)
        top, bottom, left, right = (self.random.choice([0, 1, 1, 2, 3]) for _ in range(4))
        return self.layers.pad(x, top, bottom, left, right) if max(h, w) <= 24 else x

    def pool(self, x: int) -> int:
        pool = self.random.choice([self.layers.max_pool, self.layers.average_pool])
        return pool(x, self.geometry(x, largest=5, dilated=False), self.activation())

    def reshape(self, x: int) -> int:
        _, h, w, c = self.layers.shape(x)
        shapes = [(1, w, h, c), (1, 1, h * w, c), (1, h, w * c, 1), (1, h * w, 1, c)]
        return self.layers.reshape(x, *self.random.choice([s for s in shapes if max(s[1:3]) <= 60] or [(1, h, w, c)]))

    def pixelwise_dense(self, x: int) -> int:
        return self.layers.dense(x, self.channels(), self.weighting(), keep_dims=True)

    def head(self, x: int) -> int:
        """What classifiers end with: any of a pool, a dense layer, a softmax."""
        if self.chance(0.5):
            x = self.layers.mean(x, keep_dims=False) if self.chance(0.5) else self.whole_pool(x)
        shape = self.layers.shape(x)
        if self.chance(0.4) and len(shape) == 4:
            x = self.layers.reshape(x, 1, math.prod(shape))
        if self.chance(0.7) and math.prod(shape) < 5000:
            x = self.layers.dense(x, self.channels(), self.weighting())
            if self.chance(0.3):
                x = self.layers.dense(x, self.channels(), self.weighting())
        short = self.layers.shape(x)[-1] < 250  # TFLM aborts where it adds up more than 255 equal values
        return self.layers.softmax(x) if short and self.chance(0.4) else x
