"""Estimates are timed for a network, for variants that differ from it, and again."""

from __future__ import annotations

from benchmarks.estimates import MOST_VARIANTS, row, variants
from testing.corpus import corpus_model
from tflm_msf.layers.read import layers_of
from tflm_msf.planner import Planner

NAME = "mlperf__kws_dscnn"


def test_times() -> None:
    layers = layers_of(Planner.of(corpus_model(NAME), NAME).model, NAME)
    found = variants(layers)
    assert 0 < len(found) <= MOST_VARIANTS
    assert all(variant != tuple(layers) for variant in found)
    name, operators, *times = row(NAME)
    assert (name, int(operators)) == (NAME, len(layers) - 1)
    assert len(times) == 3 and all(float(ms) >= 0 for ms in times)
