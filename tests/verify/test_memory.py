"""Originals that are not reproducible: declared shapes that do not follow, and bytes that nobody wrote."""

from __future__ import annotations

from io import StringIO
from random import Random

import pytest
from rich.console import Console

from testing.corpus import corpus_model, model_paths
from testing.layers import Geometry, Weighting
from testing.operators import MoreLayers
from tests.kinds import KINDS, network
from tflm_msf.graph import Model, Table
from tflm_msf.graph.shapes import stale_shapes
from tflm_msf.inputs import make_inputs
from tflm_msf.report.tables import verify_table
from tflm_msf.rewrite import rewrite_file
from tflm_msf.tflite_io import read_model, write_model
from tflm_msf.verify import verify
from tflm_msf.verify.memory import left_to_chance


class BatchLayers(MoreLayers):
    """With what a dilated convolution over time is exported as."""

    def space_to_batch(self, x: int, block: int, pads: list[int], shape: tuple[int, ...]) -> int:
        inputs = [x, self._int32([block]), self._int32([pads])]
        return self._op("SPACE_TO_BATCH_ND", inputs, self._like(x, shape), Table("SpaceToBatchNDOptions"))

    def batch_to_space(self, x: int, block: int, crops: list[int], shape: tuple[int, ...]) -> int:
        inputs = [x, self._int32([block]), self._int32([crops])]
        return self._op("BATCH_TO_SPACE_ND", inputs, self._like(x, shape), Table("BatchToSpaceNDOptions"))


def dilated(batch: int) -> Model:
    """A dilated convolution over 64 points in time; SPACE_TO_BATCH_ND declares ``batch``, and 2 follows."""
    layers = BatchLayers(Random(3))
    x = layers.conv(layers.input(1, 1, 64, 4), 8, Geometry((1, 1)), Weighting())
    x = layers.space_to_batch(layers.reshape(x, 1, 64, 8), 2, [1, 1], (batch, 33, 8))
    return layers.model([layers.relu(layers.batch_to_space(x, 2, [1, 1], (1, 64, 8)))])


def test_a_shape_that_does_not_follow_is_found() -> None:
    assert list(stale_shapes(dilated(2).main)) == []
    ((operator, follows),) = [found for found in stale_shapes(dilated(1).main) if found[0] == 2]
    assert dilated(1).main.ops[operator].builtin == "SPACE_TO_BATCH_ND"
    assert follows == (2, 33, 8)


@pytest.mark.parametrize("name", KINDS)
def test_shapes_of_usual_networks_follow(name: str) -> None:
    assert list(stale_shapes(network(name).main)) == []


def test_shapes_of_real_networks_follow() -> None:
    for path in model_paths():
        assert list(stale_shapes(read_model(path.read_bytes(), path.stem).main)) == [], path.stem


def test_rewrite_warns() -> None:
    (warning, *_) = rewrite_file(write_model(dilated(1)), "a.tflite").report["warnings"]
    assert warning.startswith("a.tflite: operator 2 (SPACE_TO_BATCH_ND) declares ")
    assert "as 1x33x8, but 2x33x8 follows from its inputs" in warning
    assert rewrite_file(write_model(dilated(2)), "a.tflite").report["warnings"] == []


def test_verify_says_that_the_original_is_not_reproducible() -> None:
    original = write_model(dilated(1))
    report = verify(original, rewrite_file(original, "it").data, runs=3)
    assert report.unreproducible
    assert not report.passed
    assert not report.to_json()["reproducible"]
    console = Console(width=500, record=True, file=StringIO())
    console.print(verify_table(report.to_json()))
    text = console.export_text()
    assert "Cannot be compared: the original itself is not reproducible." in text
    assert "NOT the same" not in text


def test_with_the_right_shape_it_is() -> None:
    original = write_model(dilated(2))
    report = verify(original, rewrite_file(original, "it").data, runs=3)
    assert report.unreproducible == ()
    assert report.passed, report.problems


def test_bytes_that_nobody_wrote_and_nobody_reads_do_not_matter() -> None:
    """TFLM leaves the padding of SPACE_TO_BATCH_ND unwritten here, and BATCH_TO_SPACE_ND crops it away."""
    model = write_model(dilated(2))
    chance = left_to_chance(model, make_inputs(dilated(2).main, 1, 0), "it")
    assert chance.tensors
    assert not chance.reaches_outputs


def test_reproducible_models_do_not_depend_on_memory() -> None:
    data = corpus_model("mlperf__ic_resnet8")
    for model in (data, rewrite_file(data, "it").data):
        inputs = make_inputs(read_model(model, "it").main, 1, 0)
        assert not left_to_chance(model, inputs, "it").reaches_outputs
