"""Operators that lack inputs or outputs, as damaged files have them, are not lowered, whatever they are."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from testing.layers import Geometry, Layers, Weighting
from tflm_msf.graph import NO_TENSOR
from tflm_msf.ops import LOWERINGS, NotFusableError, lower_all


@pytest.mark.parametrize("inputs", [(), (NO_TENSOR,), (NO_TENSOR,) * 3], ids=["none", "one absent", "three absent"])
@pytest.mark.parametrize("builtin", LOWERINGS)
def test_an_operator_without_inputs_stays_a_builtin(builtin: str, inputs: tuple[int, ...]) -> None:
    layers = Layers(Random(1))
    graph = layers.model([layers.conv(layers.input(1, 4, 4, 4), 4, Geometry((1, 1)), Weighting())]).main
    damaged = replace(graph.ops[0], builtin=builtin, inputs=inputs)
    with pytest.raises(NotFusableError):
        lower_all(graph, damaged, {}, lambda _: len(graph.tensors))
