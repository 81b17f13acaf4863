from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.small_models import PLAN, plan_bytes, small_model
from tests.test_cli import network as residual_network
from tflm_msf.arena import MCU32, PLANNED_BY_TFLM, WHEEL64, Buffer, head_plan, lifetimes, live_bytes, predict
from tflm_msf.arena.tflm.head import NEVER, offline_offsets, place
from tflm_msf.errors import MsfError
from tflm_msf.graph import DType, Graph, Model, Op, Quantization, Tensor
from tflm_msf.planner import Planner
from tflm_msf.runtime import measure_arena
from tflm_msf.tflite_io import write_model


def _tensor(size: int) -> Tensor:
    return Tensor("t", (size,), DType.INT8, Quantization((0.5,), (0,)))


@st.composite
def _models(draw: st.DrawFn) -> Model:
    """A random graph of CONCATENATION and MEAN (which needs scratch), some tensors with an offset of their own.

    TFLM plans without looking whether the shapes make sense.
    """
    tensors = [_tensor(draw(st.integers(1, 200))) for _ in range(draw(st.integers(1, 3)))]
    inputs = range(len(tensors))
    ops = []
    axis = Tensor("axis", (1,), DType.INT32, data=struct.pack("<i", 0))
    for _ in range(draw(st.integers(1, 12))):
        readable = st.sampled_from([index for index, tensor in enumerate(tensors) if not tensor.is_constant])
        if draw(st.booleans()):
            operands = tuple(draw(st.lists(readable, min_size=1, max_size=4)))
            name = "CONCATENATION"
        else:
            operands = (draw(readable), len(tensors))
            tensors.append(axis)
            name = "MEAN"
        tensors.append(_tensor(draw(st.integers(1, 200))))
        ops.append(Op(name, operands, (len(tensors) - 1,)))
    if draw(st.booleans()):
        tensors.append(_tensor(draw(st.integers(1, 500))))  # that nothing uses
    made = [op.outputs[0] for op in ops]
    outputs = (*draw(st.lists(st.sampled_from(made), max_size=2, unique=True)), made[-1])
    graph = Graph(tuple(tensors), tuple(ops), tuple(inputs), tuple(dict.fromkeys(outputs)))
    offset = st.one_of(st.just(PLANNED_BY_TFLM), st.integers(0, 40).map(lambda step: 16 * step))
    if not draw(st.booleans()):
        return Model((graph,))
    return Model((graph,), metadata=((PLAN, plan_bytes([draw(offset) for _ in tensors])),))


@settings(max_examples=150, deadline=None)
@given(_models())
def test_random_graphs_and_plans_take_what_the_wheel_says(model: Model) -> None:
    size, measured = predict(model, WHEEL64), measure_arena(write_model(model))
    assert (size.head, size.tail) == (measured.head, measured.tail)


@settings(max_examples=60, deadline=None)
@given(_models())
def test_no_two_buffers_that_tflm_places_overlap(model: Model) -> None:
    plan = head_plan(Model(model.graphs), MCU32)
    for index, one in enumerate(plan):
        for other in plan[:index]:
            in_time = one.first <= other.last and other.first <= one.last
            assert not in_time or one.end <= other.offset or other.end <= one.offset


def test_lifetimes_of_a_chain() -> None:
    graph = small_model("xaby").main
    assert lifetimes(graph) == ((0, 1), (1, 2), (2, 3), (3, 3))
    assert live_bytes(small_model("xaby")) == (32, 32, 32)


def test_outputs_live_to_the_end_and_inputs_from_the_start() -> None:
    tensors = tuple(_tensor(16) for _ in range(5))
    graph = Graph(tensors, (Op("RELU", (0,), (2,)), Op("RELU", (1,), (3,))), (0, 1), (2, 3))
    assert lifetimes(graph) == ((0, 1), (0, 2), (1, 2), (2, 2), (NEVER, NEVER))
    assert live_bytes(Model((graph,))) == (48, 48)


def test_what_lies_over_what_it_is_made_from_counts_once() -> None:
    """A plan may put an output over a dying input: no operator then takes more than there is of the head."""
    rewritten = Planner.of(write_model(residual_network()), "net").choose().model
    head = predict(rewritten, WHEEL64).head
    assert max(live_bytes(rewritten)) == head
    sizes = [tensor.nbytes for tensor in rewritten.main.tensors if not tensor.is_constant]
    assert sum(sorted(sizes)[-2:]) > head, "nothing overlaps"


def test_a_gap_is_used_and_the_larger_goes_first() -> None:
    buffers = [
        Buffer((0, 0), 16, 0, 9, 0),
        Buffer((0, 1), 16, 0, 9, 48),
        Buffer((0, 2), 16, 0, 9),
        Buffer((0, 3), 32, 0, 9),
    ]
    assert [buffer.offset for buffer in place(buffers)] == [0, 48, 64, 16]


def test_of_equal_sizes_the_later_goes_first() -> None:
    assert [buffer.offset for buffer in place([Buffer((0, 0), 16, 0, 1), Buffer((0, 1), 16, 1, 2)])] == [16, 0]


@pytest.mark.parametrize(
    ("offsets", "head"),
    [((0, 0, 0, 0, 0), 16), ((0, 256, 0, 256, 0), 272), ((64, -1, 64, -1, -1), 80), ((3, 3, 3, 3, 3), 19)],
)
def test_an_offline_plan_is_kept_overlaps_included(offsets: tuple[int, ...], head: int) -> None:
    model = small_model(offsets=offsets)
    assert offline_offsets(model) == offsets
    assert predict(model, WHEEL64).head == predict(model, MCU32).head == measure_arena(write_model(model)).head == head


@pytest.mark.parametrize(
    "content", [b"", b"\1\0\0\0", plan_bytes([0, 16]), plan_bytes([0] * 5)[:-4], plan_bytes([0, -2, 0, 0, 0])]
)
def test_a_plan_that_tflm_refuses_is_refused(content: bytes) -> None:
    with pytest.raises(MsfError, match="is no plan for its 5 tensors"):
        predict(Model(small_model().graphs, metadata=((PLAN, content),)), MCU32)
