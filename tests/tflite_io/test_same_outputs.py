from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from testing.corpus import corpus_model
from tests.tflite_io.samples import CORPUS
from tflm_msf.graph import Graph
from tflm_msf.tflite_io import read_model, write_model

ARENA_BYTES = 2 * 1024 * 1024
NOT_FOR_TFLM = {"coral__person_detect_legacy_u8", "sscma__fomo_efficientnet_b0"}
"""Hybrid uint8 weights, and TILE, which TFLM has no kernel for."""


def outputs(runtime: Any, model: bytes, graph: Graph) -> list[Any]:
    random = np.random.default_rng(0)
    interpreter = runtime.Interpreter.from_bytes(model, arena_size=ARENA_BYTES)
    for position in range(len(graph.inputs)):
        details = interpreter.get_input_details(position)
        dtype, shape = np.dtype(details["dtype"]), details["shape"]
        floating = dtype.kind == "f"
        noise = random.uniform(-1, 1, shape) if floating else random.integers(0, 256, shape, np.uint8).view(dtype)
        interpreter.set_input(noise.astype(dtype), position)
    interpreter.invoke()
    return [interpreter.get_output(position) for position in range(len(graph.outputs))]


@pytest.mark.parametrize("name", [name for name in CORPUS if name not in NOT_FOR_TFLM])
def test_a_rewritten_file_computes_the_same(name: str) -> None:
    runtime = pytest.importorskip("tflite_micro.python.tflite_micro.runtime")
    original = corpus_model(name)
    model = read_model(original, name)
    expected = outputs(runtime, original, model.main)
    actual = outputs(runtime, write_model(model), model.main)
    assert len(actual) == len(expected) > 0
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(one, other)
