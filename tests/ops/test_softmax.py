"""SOFTMAX on pixels of any number of channels, from near ties to clear winners."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest

from testing.operators import MoreLayers
from tests.exactness import Original, blocks_to
from tflm_msf.arena import refusals
from tflm_msf.errors import MsfError
from tflm_msf.network.units import build_network
from tflm_msf.planner import Planner
from tflm_msf.runtime import Session
from tflm_msf.tflite_io import write_model

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


@pytest.mark.parametrize(("scale", "beta"), [(1.4e-8, 1.0), (1e-8, 1.0), (1e-12, 0.3), (0.1, 0.0)])
@pytest.mark.parametrize("channels", CHANNELS)
def test_values_that_are_as_good_as_equal(channels: int, scale: float, beta: float) -> None:
    layers = MoreLayers(Random(channels))
    model = layers.model([layers.pixel_softmax(layers.scaled_input(scale, -3, 1, 3, 3, channels), beta)])
    assert [refusal.operator for refusal in refusals(model.main)] == ["SOFTMAX"]
    rewritten = Session(write_model(Planner.of_model(model, "network").choose().model))
    values = np.random.default_rng(channels).integers(-128, 128, (1, 3, 3, channels)).astype(np.int8)
    (found,) = rewritten.run([values])
    assert np.abs(found.astype(np.float64) + 128 - np.minimum(256 / channels, 255)).max() <= 0.5


@pytest.mark.parametrize(("scale", "beta"), [(1e-8, 1.0), (0.1, 0.0)])
def test_tflm_stops_at_them(scale: float, beta: float, tmp_path: Path) -> None:
    layers = MoreLayers(Random(0))
    path = tmp_path / "m.tflite"
    path.write_bytes(write_model(layers.model([layers.pixel_softmax(layers.scaled_input(scale, 0, 1, 4), beta)])))
    code = f"import pathlib; from tflm_msf.runtime import Session; Session(pathlib.Path({str(path)!r}).read_bytes())"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGABRT


@pytest.mark.parametrize(("scale", "beta"), [(0.1, -1.0), (0.1, float("nan"))])
def test_what_is_not_fused(scale: float, beta: float) -> None:
    layers = MoreLayers(Random(0))
    model = layers.model([layers.pixel_softmax(layers.scaled_input(scale, 0, 1, 1, 1, 4), beta)])
    assert "no number from 0 on" in build_network(model.main).units[0].reason
    with pytest.raises(MsfError, match=r"TFLM refuses operator 0 \(SOFTMAX\): its beta of .* stops; train"):
        Planner.of_model(model, "network")


def test_too_many_classes() -> None:
    layers = MoreLayers(Random(0))
    model = layers.model([layers.pixel_softmax(layers.scaled_input(0.1, 0, 1, 4096))])
    assert build_network(model.main).units[0].reason == "it has more than 4095 classes"
