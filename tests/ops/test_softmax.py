"""SOFTMAX on pixels of any number of channels, from near ties to clear winners."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from testing.operators import MoreLayers
from tests.exactness import Original, blocks_to
from tflm_msf.network.units import build_network

CHANNELS = [1, 2, 3, 10, 64, 200]


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("scale", [1e-6, 0.003, 0.02, 0.1, 0.4, 3.0, 40.0])
@pytest.mark.parametrize("beta", [1.0, 0.3])
def test_values(channels: int, scale: float, beta: float) -> None:
    layers = MoreLayers(Random(channels))
    x = layers.scaled_input(scale, -3, 1, 32, 32, channels)
    random = np.random.default_rng([channels, int(scale * 1000)])
    centre = random.integers(-128, 128, (1, 32, 32, 1))
    spread = random.choice([1, 4, 20, 90, 300], (1, 32, 32, 1))
    values = np.clip(centre + random.integers(-spread, spread + 1, (1, 32, 32, channels)), -128, 127).astype(np.int8)
    original = Original(layers.model([layers.pixel_softmax(x, beta)]), [[values]])
    original.assert_exact((next(blocks_to(original.network, 0)),))


@pytest.mark.parametrize(
    ("scale", "beta", "reason"), [(1e-8, 1.0, "too small for TFLM"), (0.1, 0.0, "too small for TFLM")]
)
def test_what_is_not_fused(scale: float, beta: float, reason: str) -> None:
    layers = MoreLayers(Random(0))
    model = layers.model([layers.pixel_softmax(layers.scaled_input(scale, 0, 1, 1, 1, 4), beta)])
    assert reason in build_network(model.main).units[0].reason


def test_too_many_classes() -> None:
    layers = MoreLayers(Random(0))
    model = layers.model([layers.pixel_softmax(layers.scaled_input(0.1, 0, 1, 4096))])
    assert build_network(model.main).units[0].reason == "it has more than 4095 classes"
