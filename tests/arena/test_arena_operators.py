from __future__ import annotations

import pytest

from tests.arena.loads import loads
from tests.arena.measured import MCU32_OPERATORS
from tests.arena.models import OPERATORS, VARIANTS
from tflm_msf.arena import MCU32, WHEEL64, ArenaSize, predict
from tflm_msf.arena.tflm.kernels import BUILTIN_KERNELS, Call, Persistent
from tflm_msf.graph import Model
from tflm_msf.runtime import MeasuredArena, measure_arena
from tflm_msf.tflite_io import write_model

MODELS = {**OPERATORS, **VARIANTS}

OF_VARIABLES = {"CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE"}
"""Tried together, in tests/runtime/test_state.py."""


def _reported(size: ArenaSize) -> MeasuredArena:
    return MeasuredArena(size.head, size.tail, size.total)


def _keeps_memory_while_preparing(model: Model) -> bool:
    """True if TFLM may overwrite its own temporaries in too small an arena instead of refusing it."""
    (op,) = model.main.ops
    requests = BUILTIN_KERNELS[op.builtin].requests(Call(op, model.main, WHEEL64))
    return any(isinstance(request, Persistent) for request in requests)


def test_every_row_of_the_table_is_tried() -> None:
    in_test_lstm = {"UNIDIRECTIONAL_SEQUENCE_LSTM"}
    assert set(OPERATORS) | OF_VARIABLES | in_test_lstm == set(BUILTIN_KERNELS)


@pytest.mark.parametrize("name", MODELS)
def test_size_is_that_of_the_wheel(name: str) -> None:
    assert _reported(predict(MODELS[name], WHEEL64)) == measure_arena(write_model(MODELS[name]))


@pytest.mark.parametrize("name", MODELS)
def test_size_is_that_of_a_cortex_m4(name: str) -> None:
    size = predict(MODELS[name], MCU32)
    assert (size.head, size.tail) == MCU32_OPERATORS[name]


def test_all_load_in_the_minimum() -> None:
    sizes = {name: predict(model, WHEEL64) for name, model in MODELS.items()}
    assert all(size.minimum >= size.total for size in sizes.values())
    answers = loads([(write_model(model), sizes[name].minimum) for name, model in MODELS.items()])
    assert [name for name, loaded in zip(MODELS, answers, strict=True) if not loaded] == []


def test_none_loads_in_less_than_the_minimum() -> None:
    models = {name: model for name, model in MODELS.items() if not _keeps_memory_while_preparing(model)}
    assert len(models) > len(MODELS) * 3 // 4
    answers = loads([(write_model(model), predict(model, WHEEL64).minimum - 16) for model in models.values()])
    assert [name for name, loaded in zip(models, answers, strict=True) if loaded] == []
