"""1-D networks as converters write them: convolutions on 1 x N, pooling on N x 1, and changes of shape in between."""

from __future__ import annotations

import math
from random import Random

from testing.layers import NONE, RELU, Geometry, Weighting
from tests.simplify.habits import Habits
from tflm_msf.graph import Model


class OneDimension(Habits):
    """:class:`Habits` on tensors [1, length, channels]."""

    def conv_1d(self, x: int, channels: int, kernel: int, stride: int = 1, dilation: int = 1) -> int:
        _, length, depth = self.shape(x)
        geometry = Geometry((1, kernel), (1, stride), (1, dilation))
        y = self.conv(self.reshape(x, 1, 1, length, depth), channels, geometry, Weighting(RELU))
        return self.reshape(y, 1, self.shape(y)[2], channels)

    def separable_1d(self, x: int, kernel: int) -> int:
        _, length, depth = self.shape(x)
        y = self.depthwise(self.reshape(x, 1, 1, length, depth), 1, Geometry((1, kernel)), Weighting(NONE))
        return self.reshape(y, 1, length, depth)

    def pool_1d(self, x: int, size: int) -> int:
        _, length, depth = self.shape(x)
        geometry = Geometry((size, 1), (size, 1), same=False)
        pool = self.random.choice([self.max_pool, self.average_pool])
        y = pool(self.view(x, 1, length, 1, depth), geometry)
        return self.view(y, 1, length // size, depth)


def classifier(samples: int, kernel: int = 9, pool: int = 4, stages: tuple[int, ...] = (8, 16, 32)) -> Model:
    """Convolutions and pooling by turns, an average, and a dense layer."""
    layers = OneDimension(Random(1))
    x = layers.input(1, samples, 1)
    for channels in stages:
        x = layers.pool_1d(layers.conv_1d(x, channels, kernel), pool)
    return layers.model([layers.dense(layers.mean(x, keep_dims=False, axes=(1,)), 4, Weighting())])


def random_one_dimension(random: Random) -> Model:
    """Any sequence of what 1-D networks consist of."""
    layers = OneDimension(random)
    x = layers.input(1, random.randint(8, 60), random.randint(1, 4))
    for _ in range(random.randint(1, 5)):
        length = layers.shape(x)[1]
        kind = random.choice(["conv", "separable", "pool", "add"])
        if kind == "conv":
            dilation = random.choice([1, 1, 2])
            stride = random.choice([1, 2]) if dilation == 1 else 1
            x = layers.conv_1d(x, random.randint(1, 8), random.choice([1, 3, 5]), stride, dilation)
        elif kind == "separable":
            x = layers.separable_1d(x, random.choice([3, 5]))
        elif kind == "pool" and length > 4:
            x = layers.pool_1d(x, random.choice([2, 3]))
        else:
            x = layers.add(x, layers.conv_1d(x, layers.shape(x)[2], 3))
    if random.random() < 0.5:
        return layers.model([layers.dense(layers.reshape(x, 1, math.prod(layers.shape(x))), 4, Weighting())])
    return layers.model([layers.dense(layers.mean(x, random.random() < 0.5, (1,)), 4, Weighting())])
