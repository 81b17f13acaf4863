"""docs/OPERATORS.md is what the code says today, and what it says is so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.arena.models import OPERATORS
from tflm_msf.cli import main
from tflm_msf.graph import DType, Model, Quantization, Table, Tensor
from tflm_msf.network.units import Unit, build_network
from tflm_msf.report.operators import BUILTIN, FUSED, operators, operators_markdown

FATES = {entry["operator"]: entry["fate"] for entry in operators()}
CONDITIONS = {entry["operator"]: entry["conditions"] for entry in operators()}
FUSED_MODELS = {name: model for name, model in OPERATORS.items() if FATES[name] == FUSED and name != "QUANTIZE"}
"""OPERATORS has the QUANTIZE of a float input, which is not fused."""


def units(model: Model) -> tuple[Unit, ...]:
    return build_network(model.main).units


def test_the_table_is_up_to_date() -> None:
    written = Path(__file__).parents[1] / "docs" / "OPERATORS.md"
    now = CliRunner().invoke(main, ["operators", "--markdown"]).output
    assert written.read_text() == now == operators_markdown(), "run tflm-msf operators --markdown > docs/OPERATORS.md"


def test_the_command_lists_each_operator_once() -> None:
    listed = json.loads(CliRunner().invoke(main, ["operators", "--json"]).output)
    names = [entry["operator"] for entry in listed["operators"]]
    assert len(names) == len(set(names)) > 200
    assert {"CONV_2D", "RESHAPE", "TRANSPOSE", "TILE"} < set(names)
    shown = CliRunner().invoke(main, ["operators"]).output
    assert "CONV_2D" in shown
    assert "TILE" in shown


@pytest.mark.parametrize("name", FUSED_MODELS)
def test_what_is_called_fused_is_fused(name: str) -> None:
    found = units(FUSED_MODELS[name])
    assert found
    assert all(unit.stage is not None for unit in found), [unit.reason for unit in found]


@pytest.mark.parametrize("name", [name for name in OPERATORS if FATES[name] == BUILTIN])
def test_what_is_called_passed_through_is(name: str) -> None:
    assert [unit.stage for unit in units(OPERATORS[name])] == [None]


@pytest.mark.parametrize("name", FUSED_MODELS)
def test_other_types_than_int8_are_passed_through(name: str) -> None:
    graph = FUSED_MODELS[name].main
    tensors = tuple(replace(t, dtype=DType.INT16) if t.dtype == DType.INT8 else t for t in graph.tensors)
    model = Model((replace(graph, tensors=tensors),))
    assert all(unit.stage is None for unit in units(model))


def with_options(name: str, **fields: object) -> Model:
    graph = OPERATORS[name].main
    (op,) = graph.ops
    options = op.options or Table("")
    return Model((replace(graph, ops=(replace(op, options=replace(options, fields={**options.fields, **fields})),)),))


def with_tensor(name: str, position: int, **changes: object) -> Model:
    """Another input, or for position -1 another output."""
    graph = OPERATORS[name].main
    index = graph.ops[0].outputs[0] if position < 0 else graph.ops[0].inputs[position]
    tensors: list[Tensor] = list(graph.tensors)
    tensors[index] = replace(tensors[index], **changes)  # type: ignore[arg-type]
    return Model((replace(graph, tensors=tuple(tensors)),))


FINEST = Quantization((1e-25,), (0,))
FINE, SHIFTED = Quantization((1e-12,), (0,)), Quantization((0.5,), (3,))
CORNERS_AND_CENTRES = {"align_corners": True, "half_pixel_centers": True}
BROKEN: Mapping[tuple[str, str], Model] = {
    ("ADD", "scales whose ratio"): with_tensor("ADD", -1, quantization=FINE),
    ("AVERAGE_POOL_2D", "on the input's scale"): with_tensor("AVERAGE_POOL_2D", -1, quantization=SHIFTED),
    ("CONCATENATION", "joins channels"): with_options("CONCATENATION", axis=2),
    ("CONCATENATION", "output's scale"): with_tensor("CONCATENATION", -1, quantization=SHIFTED),
    ("CONCATENATION", "no fused activation"): with_options("CONCATENATION", fused_activation_function=1),
    ("ARG_MAX", "over the last axis"): with_tensor("ARG_MAX", 1, data=None),
    ("ARG_MIN", "type int32"): with_tensor("ARG_MIN", -1, dtype=DType.INT64),
    ("DEQUANTIZE", "from int8"): with_tensor("DEQUANTIZE", 0, dtype=DType.UINT8),
    ("GATHER", "constant int32 positions"): with_tensor("GATHER", 1, data=None),
    ("CONV_2D", "dense constant int8 weights"): with_tensor("CONV_2D", 1, data=None),
    ("CONV_2D", "kernel, stride and dilation"): with_options("CONV_2D", stride_h=0),
    ("DEPTH_TO_SPACE", "a block from 1 to 16"): with_options("DEPTH_TO_SPACE", block_size=17),
    ("FULLY_CONNECTED", "without zero point"): with_tensor("FULLY_CONNECTED", 1, quantization=SHIFTED),
    ("FULLY_CONNECTED", "not shuffled"): with_options("FULLY_CONNECTED", weights_format=1),
    ("LEAKY_RELU", "a finite slope"): with_options("LEAKY_RELU", alpha=float("inf")),
    ("LOGISTIC", "zero point -128"): with_tensor("LOGISTIC", -1, quantization=SHIFTED),
    ("MAX_POOL_2D", "on the input's scale"): with_tensor("MAX_POOL_2D", -1, quantization=SHIFTED),
    ("MEAN", "constant axes"): with_tensor("MEAN", 1, data=None),
    ("PAD", "constant paddings"): with_tensor("PAD", 1, data=None),
    ("PADV2", "a constant int8 value"): with_tensor("PADV2", 2, data=None),
    ("RESIZE_BILINEAR", "corners and centres"): with_options("RESIZE_BILINEAR", **CORNERS_AND_CENTRES),
    ("RESIZE_NEAREST_NEIGHBOR", "corners and"): with_options("RESIZE_NEAREST_NEIGHBOR", **CORNERS_AND_CENTRES),
    ("REVERSE_V2", "a constant axis"): with_tensor("REVERSE_V2", 1, data=None),
    ("SLICE", "constants of type int32"): with_tensor("SLICE", 1, data=None),
    ("SOFTMAX", "scale 1/256"): with_tensor("SOFTMAX", -1, quantization=SHIFTED),
    ("SPACE_TO_DEPTH", "divides height and width"): with_options("SPACE_TO_DEPTH", block_size=4),
    ("SPLIT", "a constant axis"): with_tensor("SPLIT", 0, data=None),
    ("SQUARED_DIFFERENCE", "scales whose ratio"): with_tensor("SQUARED_DIFFERENCE", -1, quantization=FINEST),
    ("TRANSPOSE", "a constant permutation"): with_tensor("TRANSPOSE", 1, data=None),
    ("REDUCE_MIN", "on the input's scale"): with_tensor("REDUCE_MIN", -1, quantization=SHIFTED),
    ("SPLIT_V", "constant sizes"): with_tensor("SPLIT_V", 1, data=None),
    ("STRIDED_SLICE", "no ellipsis and no new axis"): with_options("STRIDED_SLICE", ellipsis_mask=1),
    ("TRANSPOSE_CONV", "strides from 1 to 16"): with_options("TRANSPOSE_CONV", stride_w=17),
}
"""(operator, part of a condition): a model that breaks it."""


@pytest.mark.parametrize(("name", "condition"), BROKEN)
def test_an_operator_that_breaks_a_condition_is_passed_through(name: str, condition: str) -> None:
    assert any(condition in declared for declared in CONDITIONS[name])
    assert all(unit.stage is None for unit in units(BROKEN[name, condition]))
