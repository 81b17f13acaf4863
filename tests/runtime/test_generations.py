"""Older TFLM computes MEAN otherwise: values seen in a library of 2023, and what follows for models that hold it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt
import pytest
from click.testing import CliRunner, Result

from testing.layers import Geometry, Layers, Weighting
from tflm_msf.arena import TARGETS
from tflm_msf.cli import main
from tflm_msf.graph import DType, Graph, Model, Op, Quantization, Tensor
from tflm_msf.graph.model import Table
from tflm_msf.inputs import make_inputs
from tflm_msf.planner import Planner
from tflm_msf.request import Request
from tflm_msf.runtime import Session
from tflm_msf.runtime.generations import TargetSession
from tflm_msf.tflite_io import write_model

Values = npt.NDArray[np.int8]
OLD = TARGETS["arm-dynamic-2023"]
SAME, OTHER = (0.05, 3), (0.02, -7)

SEEN = {
    (0.05, 3): [9, 0, -4, 6, -5, 0, 0, 5, 3, -6, 4, -3],
    (0.02, -7): [10, -13, -26, 1, -28, -15, -15, -1, -5, -31, -3, -22],
    (0.0123, 5): [33, -4, -27, 17, -30, -9, -8, 15, 8, -35, 11, -20],
    (0.05, 4): [11, 2, -4, 7, -4, 1, 1, 6, 5, -6, 6, -2],
}
"""By the output's (scale, zero point): what Chirale_TensorFlowLite 2.0.0 on an emulated Cortex-M4 gave for the mean
over height and width of :func:`ramp`, whose scale and zero point are those of :data:`SAME`."""


def ramp() -> Values:
    b = np.arange(7 * 9 * 12)
    values: Values = (((b * 37 + 11 * (b >> 5)) ^ (b >> 3)) & 255).astype(np.uint8).view(np.int8)
    return values.reshape(1, 7, 9, 12)


def mean(quantization: tuple[float, int], keep_dims: bool = True) -> Model:
    def activation(name: str, shape: tuple[int, ...], scale: float, zero: int) -> Tensor:
        return Tensor(name, shape, DType.INT8, Quantization((float(np.float32(scale)),), (zero,)))

    axes = Tensor("axes", (2,), DType.INT32, data=np.array([1, 2], "<i4").tobytes())
    out = (1, 1, 1, 12) if keep_dims else (1, 12)
    tensors = (activation("x", (1, 7, 9, 12), *SAME), axes, activation("y", out, *quantization))
    op = Op("MEAN", (0, 1), (2,), Table("ReducerOptions", {"keep_dims": keep_dims}))
    return Model((Graph(tensors, (op,), (0,), (2,)),))


@pytest.mark.parametrize("keep_dims", [True, False])
@pytest.mark.parametrize("quantization", SEEN)
def test_mean_of_2023_is_what_was_seen_there(quantization: tuple[float, int], keep_dims: bool) -> None:
    data = write_model(mean(quantization, keep_dims))
    session = TargetSession(data, OLD)
    assert session.differs
    (there,) = session.run([ramp()])
    (here,) = Session(data).run([ramp()])
    assert there.reshape(-1).tolist() == SEEN[quantization]
    assert there.tobytes() != here.tobytes()


def test_mean_of_2021_over_height_and_width_is_rounded_twice() -> None:
    """By its definition: the sum, rescaled and rounded, then divided and rounded away from zero."""
    (there,) = TargetSession(write_model(mean(OTHER)), TARGETS["xtensa-dynamic-2021"]).run([ramp()])
    sums = (ramp().astype(np.int64) - SAME[1]).sum(axis=(1, 2)).reshape(-1)
    scaled = np.round(sums * (np.float32(SAME[0]).astype(float) / np.float32(OTHER[0]).astype(float)))
    rounded = np.sign(scaled) * ((np.abs(scaled) + 31) // 63) + OTHER[1]
    assert there.reshape(-1).tolist() == np.clip(rounded, -128, 127).astype(int).tolist()


@pytest.mark.parametrize("name", ["arm-static-2024", "arm-dynamic-2024", "c"])
def test_newer_targets_compute_as_the_wheel(name: str) -> None:
    assert not TargetSession(write_model(mean(SAME)), TARGETS[name]).differs


def test_a_model_in_pieces_gives_what_the_whole_gives() -> None:
    layers = Layers(Random(4))
    x = layers.conv(layers.input(1, 12, 12, 3), 8, Geometry(), Weighting())
    pooled = layers.mean(x, keep_dims=True)
    model = layers.model([layers.conv(pooled, 5, Geometry((1, 1)), Weighting()), layers.relu(x)])
    data = write_model(model)
    session = TargetSession(data, OLD)
    (values,) = make_inputs(model.main, 1, 3)
    assert session.differs
    outputs, whole = session.run(values), Session(data).run(values)
    assert outputs[1].tobytes() == whole[1].tobytes()
    assert outputs[0].shape == whole[0].shape


@pytest.fixture
def pooling(tmp_path: Path) -> Path:
    """A network that ends in MEAN, on its input's scale."""
    layers = Layers(Random(9))
    x = layers.conv(layers.input(1, 16, 16, 3), 12, Geometry(stride=(2, 2)), Weighting())
    path = tmp_path / "pooling.tflite"
    model = layers.model([layers.mean(x, keep_dims=True)])
    tensors = list(model.main.tensors)
    end = model.main.outputs[0]
    tensors[end] = replace(tensors[end], quantization=tensors[x].quantization)
    path.write_bytes(write_model(replace(model, graphs=(replace(model.main, tensors=tuple(tensors)),))))
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_mean_stays_a_builtin_for_old_tflm_and_only_there(pooling: Path) -> None:
    data = pooling.read_bytes()
    kept = [u.reason for u in Planner.of(data, "m", Request(target=OLD)).network.units if u.stage is None]
    assert kept == ["TFLM of 2023 computes it otherwise than blocks do"]
    assert all(unit.stage for unit in Planner.of(data, "m").network.units)


def test_verify_compares_what_the_target_gives_and_says_that_it_differs(pooling: Path, tmp_path: Path) -> None:
    ours, wrong = tmp_path / "ours.tflite", tmp_path / "wrong.tflite"
    assert run("rewrite", pooling, "--target", OLD.name, "-o", ours).exit_code == 0
    assert run("rewrite", pooling, "-o", wrong).exit_code == 0
    done = run("verify", pooling, ours, "--target", OLD.name, "--json")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["bit_exact"]
    (note,) = report["notes"]
    assert "where MEAN is computed otherwise" in note
    assert "in 0 of" not in note
    assert run("verify", pooling, wrong, "--runs", 3).exit_code == 0
    assert run("verify", pooling, wrong, "--board", "nano33ble").exit_code == 1


def test_an_exported_self_check_expects_what_the_library_gives(pooling: Path, tmp_path: Path) -> None:
    def case(out: Path, *arguments: str) -> str:
        done = run("export", pooling, "--format", "platformio", *arguments, "--name", "net", "-o", out)
        assert done.exit_code == 0, done.output
        return (out / "src" / "net_case.c").read_text()

    old = case(tmp_path / "old", "--board", "nano33ble")
    new = case(tmp_path / "new", "--board", "nano33ble", "--target", "arm-dynamic-2024")
    assert old != new
    assert "computes MEAN otherwise" in (tmp_path / "old" / "README.md").read_text()
    assert "computes MEAN otherwise" not in (tmp_path / "new" / "README.md").read_text()
