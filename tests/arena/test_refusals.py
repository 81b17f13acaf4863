"""What TFLM is said to refuse, it refuses; and then there is no figure and no file, but one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from testing.corpus import model_paths
from tests.arena.models import FLOAT, INT32, MAP, OPERATORS, VARIANTS, X, ints, one_op, tensor, weights
from tests.test_cli import assert_refused, run, run_json
from tflm_msf.arena import MCU32, NotPredictedError, predict, refusals
from tflm_msf.arena.tflm.refusals import CONSTANTS, INT32_ONLY, REFUSED_TYPES, WITHOUT_KERNEL
from tflm_msf.errors import MsfError
from tflm_msf.graph import DType, Model, Quantization, Tensor
from tflm_msf.planner import Planner
from tflm_msf.runtime import Session
from tflm_msf.tflite_io import write_model

NUMPY = {
    DType.FLOAT32: np.float32,
    DType.FLOAT16: np.float16,
    DType.UINT8: np.uint8,
    DType.INT8: np.int8,
    DType.INT32: np.int32,
    DType.INT64: np.int64,
    DType.BOOL: np.bool_,
    DType.INT16: np.int16,
}


def runs(model: Model) -> bool:
    """True if TFLM loads and runs a model."""
    graph = model.main
    try:
        session = Session(write_model(model), 1 << 20)
        session.run([np.zeros(graph.tensors[i].shape, NUMPY[graph.tensors[i].dtype]) for i in graph.inputs])
    except MsfError:
        return False
    return True


def retyped(value: Tensor, dtype: DType) -> Tensor:
    """A tensor of another type, with zeros for its data."""
    quantization = Quantization((0.5,), (0,)) if dtype is DType.UINT8 else None
    changed = replace(value, dtype=dtype, quantization=quantization)
    return changed if value.data is None else replace(changed, data=bytes(changed.nbytes))


def changed(model: Model, change: dict[int, Tensor], inputs: Sequence[int] = ()) -> Model:
    graph = model.main
    tensors = tuple(change.get(index, value) for index, value in enumerate(graph.tensors))
    return replace(model, graphs=(replace(graph, tensors=tensors, inputs=(*graph.inputs, *inputs)),))


def of_type(name: str, dtype: DType) -> Model:
    """An operator with all tensors of its main type turned into another one."""
    model = OPERATORS[name]
    main = next(t.dtype for t in model.main.tensors if t.data is None and not t.is_variable)
    same = {i: retyped(t, dtype) for i, t in enumerate(model.main.tensors) if t.dtype is main and not t.is_variable}
    return changed(model, same)


def test_every_type_that_is_said_to_be_refused_is() -> None:
    tried = 0
    for name, types in REFUSED_TYPES.items():
        for dtype in map(DType.__getitem__, types.upper().split()):
            model = of_type(name, dtype)
            (refusal,) = refusals(model.main)
            assert dtype.name.lower() in refusal.why
            assert not runs(model), (name, dtype)
            with pytest.raises(NotPredictedError, match=f"TFLM refuses operator 0 .{name}."):
                predict(model, MCU32)
            tried += 1
    assert tried > 100


def test_operators_without_a_kernel_have_none() -> None:
    for name in sorted(WITHOUT_KERNEL):
        model = one_op(name, [X], [X])
        assert len(refusals(model.main)) == 1
        with pytest.raises(MsfError, match="Didn't find op for builtin opcode"):
            Session(write_model(model))


def test_what_has_to_be_constant_or_int32() -> None:
    for name, position in CONSTANTS.items():
        model = OPERATORS[name]
        index = model.main.ops[0].inputs[position]
        computed = changed(model, {index: replace(model.main.tensors[index], data=None)}, [index])
        assert "is computed while the model runs" in refusals(computed.main)[0].why
        assert not runs(computed), name
    for name, position in INT32_ONLY.items():
        model = OPERATORS[name]
        index = model.main.ops[0].inputs[position]
        wide = changed(model, {index: retyped(model.main.tensors[index], DType.INT64)})
        assert "is int64, not int32" in refusals(wide.main)[0].why
        assert not runs(wide), name


def test_nothing_that_runs_is_refused() -> None:
    for name, model in {**OPERATORS, **VARIANTS}.items():
        assert refusals(model.main) == (), name


@pytest.mark.slow
@pytest.mark.parametrize("path", model_paths(), ids=lambda path: path.stem)
def test_no_real_model_that_runs_is_refused(path: Path) -> None:
    try:
        Session(path.read_bytes())
    except MsfError:
        return
    Planner.of(path.read_bytes(), path.stem)


def hybrid() -> Model:
    source = tensor(*MAP, dtype=FLOAT)
    bias = Tensor("b", (5,), FLOAT, data=bytes(20))
    options = {"": "Conv2DOptions", "stride_h": 1, "stride_w": 1}
    return one_op("CONV_2D", [source, weights(5, 3, 3, 3), bias], [tensor(1, 6, 10, 5, dtype=FLOAT)], options)


def joined(count: int) -> Model:
    """A CONCATENATION of so many inputs, which a block joins as well."""
    options = {"": "ConcatenationOptions", "axis": 3}
    return one_op("CONCATENATION", [tensor(*MAP) for _ in range(count)], [tensor(1, 6, 10, 3 * count)], options)


REFUSED: dict[str, tuple[Model, str]] = {
    "hybrid": (hybrid(), "activations are float32 and its weights int8 (dynamic range quantisation); convert with a "),
    "uint8": (of_type("CONV_2D", DType.UINT8), "is uint8, which its kernel does not take"),
    "tile": (one_op("TILE", [X, ints(1, 2, 1, 1)], [tensor(1, 12, 10, 3)]), "it has no kernel for it"),
    "fill": (
        one_op("FILL", [tensor(4, dtype=INT32), Tensor("v", (), FLOAT, data=bytes(4))], [tensor(*MAP, dtype=FLOAT)]),
        "is computed while the model runs; fix the batch",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("command", ["rewrite", "plan", "fits", "analyze"])
def test_one_sentence_says_what_why_and_how_to_convert(tmp_path: Path, name: str, command: str) -> None:
    model, said = REFUSED[name]
    path = tmp_path / "m.tflite"
    path.write_bytes(write_model(model))
    assert_refused(run(command, path, "--json"), str(path), "TFLM refuses operator 0", said)
    assert list(tmp_path.iterdir()) == [path]
    found: dict[str, Any] = run_json("inspect", path)
    assert found["arena"] is None
    assert "TFLM refuses it" in found["operators"][0]["note"]


def test_a_model_that_runs_only_rewritten_is_rewritten_and_exported(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(write_model(joined(11)))
    assert not runs(joined(11))
    assert runs(joined(10))
    report = run_json("rewrite", path)
    (refused,) = report["refused"]
    assert refused["why"] == "it joins 11 tensors, and 10 are the most"
    assert report["arena"]["original"] is None
    assert report["arena"]["plan"] is not None
    assert any("TFLM refuses operator 0 (CONCATENATION)" in note for note in report["notes"])
    done = run("verify", path, report["output"], "--runs", "2")
    assert done.returncode == 1
    assert "NOT compared." in done.stdout
    assert "No output could be compared: TFLM refuses operator 0" in " ".join(done.stdout.split())
    assert run("export", path, "--format", "c", "-o", tmp_path / "out").returncode == 0
