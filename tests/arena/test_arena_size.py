from __future__ import annotations

from dataclasses import replace

import pytest

from tests.arena.models import OPERATORS
from tests.small_models import activation, small_model
from tflm_msf.arena import MCU32, MCU32_INT_ENUMS, WHEEL64, NotPredictedError, Target, predict
from tflm_msf.arena.tflm import target as structs
from tflm_msf.arena.tflm.target import layout
from tflm_msf.graph import DType, Graph, Model, Op, Tensor
from tflm_msf.runtime import measure_arena
from tflm_msf.tflite_io import write_model


@pytest.mark.parametrize(
    ("fields", "wheel", "arm", "int_enums"),
    [
        (structs.EVAL_TENSOR, (24, 8), (12, 4), (12, 4)),
        (structs.TENSOR, (64, 8), (32, 4), (40, 4)),
        (structs.AFFINE_QUANTIZATION, (24, 8), (12, 4), (12, 4)),
        (structs.NODE_AND_REGISTRATION, (64, 8), (32, 4), (32, 4)),
        (structs.ALLOCATION_INFO, (32, 8), (24, 4), (24, 4)),
        (structs.SCRATCH_REQUEST, (16, 8), (12, 4), (12, 4)),
        (structs.SUBGRAPH_ALLOCATIONS, (24, 8), (8, 4), (8, 4)),
        (structs.PLANNED_BUFFER, (40, 4), (40, 4), (40, 4)),
        ("eb", (8, 4), (2, 1), (8, 4)),
        ("2e2be[ep]", (32, 8), (5, 1), (16, 4)),
        ("q7i5p", (80, 8), (56, 8), (56, 8)),
    ],
)
def test_layouts_are_those_of_the_compilers(
    fields: str, wheel: tuple[int, int], arm: tuple[int, int], int_enums: tuple[int, int]
) -> None:
    assert [layout(fields, target) for target in (WHEEL64, MCU32, MCU32_INT_ENUMS)] == [wheel, arm, int_enums]


def test_int_enums_cost_at_most_sixteen_bytes_for_each_input_and_output_and_operator() -> None:
    for model in OPERATORS.values():
        arm, other = predict(model, MCU32), predict(model, MCU32_INT_ENUMS)
        assert other.head == arm.head
        assert 0 <= other.tail - arm.tail <= 16 * (len(model.main.inputs) + len(model.main.outputs) + 1)


@pytest.mark.parametrize("letters", ["xy", "xaby", "xabcdefghijklmnopqrstuvwy"])
def test_chains_to_the_byte(letters: str) -> None:
    model = small_model(letters)
    size, measured = predict(model, WHEEL64), measure_arena(write_model(model))
    assert (size.head, size.tail, size.total) == (measured.head, measured.tail, measured.total)


def test_variables_go_to_the_tail_unless_they_are_planned() -> None:
    model = OPERATORS["SVDF"]
    count = len(model.main.tensors)
    state = next(index for index, tensor in enumerate(model.main.tensors) if tensor.is_variable)
    offsets = [-1] * count
    offsets[state] = 512
    planned = small_model(offsets=offsets).metadata
    moved = predict(Model(model.graphs, metadata=planned), WHEEL64)
    measured = measure_arena(write_model(Model(model.graphs, metadata=planned)))
    assert (moved.head, moved.tail) == (measured.head, measured.tail) == (512 + 64, predict(model, WHEEL64).tail - 64)


def test_subgraphs_that_nothing_calls_cost_what_the_wheel_says() -> None:
    model = Model((small_model("xay").main, small_model("xaby").main))
    size, measured = predict(model, WHEEL64), measure_arena(write_model(model))
    assert (size.head, size.tail) == (measured.head, measured.tail)


def test_a_model_without_input() -> None:
    constant = replace(activation("c"), data=bytes(16))
    model = Model((Graph((constant, activation("y")), (Op("RELU", (0,), (1,)),), (), (1,)),))
    size, measured = predict(model, WHEEL64), measure_arena(write_model(model))
    assert (size.head, size.tail) == (measured.head, measured.tail)


@pytest.mark.parametrize("target", [WHEEL64, MCU32, MCU32_INT_ENUMS])
def test_a_fused_block_costs_what_the_simplest_kernel_costs(target: Target) -> None:
    tensors = (activation("x"), activation("y"))
    block, floor = Op("CUSTOM", (0,), (1,), custom_code="MSF_BLOCK"), Op("FLOOR", (0,), (1,))
    of_block, of_floor = (predict(Model((Graph(tensors, (op,), (0,), (1,)),)), target) for op in (block, floor))
    assert of_block == of_floor


@pytest.mark.parametrize(
    ("op", "reason"),
    [
        (Op("WHILE", (0,), (1,)), r"operator 0 \(WHILE\)"),
        (Op("CUSTOM", (0,), (1,), custom_code="Mine"), r"operator 0 \(Mine\)"),
    ],
)
def test_unknown_operators_are_named(op: Op, reason: str) -> None:
    graph = Graph((activation("x"), activation("y")), (op,), (0,), (1,))
    with pytest.raises(NotPredictedError, match=f"cannot be predicted because of {reason}"):
        predict(Model((graph,)), MCU32)


@pytest.mark.parametrize("tensor", [Tensor("y", (1, -1), DType.INT8), Tensor("y", (1,), DType.STRING)])
def test_tensors_without_a_fixed_size_are_named(tensor: Tensor) -> None:
    graph = Graph((activation("x"), tensor), (Op("RELU", (0,), (1,)),), (0,), (1,))
    with pytest.raises(NotPredictedError, match="tensor 'y', whose size is not fixed"):
        predict(Model((graph,)), WHEEL64)
