"""Small random networks whose numbers lie at the ends of what kernels take: scales, zero points, clamps, channels."""

from __future__ import annotations

from random import Random

import numpy as np
import numpy.typing as npt

from testing.layers import RELU6, RELU_N1_TO_1, Layers
from testing.networks import RandomNetwork
from tflm_msf.graph import Model

CHANNELS = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17)
STEPS = (0.4, 30.0, 30.0, 30.0, 3000.0)
"""Outputs that are all at their zero point, spread over int8, or saturated."""

EXPONENTS = (-14, 6)
"""Of the scales of a convolution's channels: from shifts of about 22, the most of short ones, to those below 1."""


class EndLayers(Layers):
    """:class:`Layers` at their ends."""

    def _zero(self) -> int:
        return self.random.choice([-128, 127, -127, 126, 0])

    def _steps(self) -> float:
        return self.random.choice(STEPS)

    def _exponents(self, channels: int) -> npt.NDArray[np.float64]:
        return self._values.integers(*EXPONENTS, channels, endpoint=True).astype(np.float64)

    def _int8(self, shape: tuple[int, ...]) -> npt.NDArray[np.int8]:
        if self.random.random() < 0.5:
            return super()._int8(shape)
        ends = self.random.choice([[-128, 127], [-127], [127], [-1, 0, 1]])
        return self._values.choice(np.array(ends, np.int8), shape)


class EndNetwork(RandomNetwork):
    """A chain of one to three operators with weights, sums and products."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.layers = EndLayers(random)

    def make(self) -> Model:
        x = self.input()
        steps = [self.conv, self.conv, self.depthwise, self.depthwise, self.residual, self.with_constant, self.pool]
        for _ in range(self.random.randint(1, 3)):
            x = self.random.choice(steps)(x)
        if self.chance(0.2):
            x = self.layers.dense(x, self.channels(), self.weighting())
        return self.layers.model([x])

    def input(self) -> int:
        h, w = self.random.randint(1, 9), self.random.randint(1, 9)
        return self.layers.input(1, h, w, self.channels())

    def channels(self) -> int:
        return self.random.choice(CHANNELS)

    def activation(self) -> int:
        """Clamps to a single value are among them, where the scale is larger than what the activation lets through."""
        return self.random.choice([0, RELU_N1_TO_1, RELU6, self.random.randint(0, 3)])


def end_network(seed: int) -> Model:
    """The network of a seed."""
    return EndNetwork(Random(f"ends {seed}")).make()
