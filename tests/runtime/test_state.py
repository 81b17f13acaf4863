"""Blocks with a state in real TFLM: what models keep in resource variables is kept in rings, bit for bit the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from testing.corpus import corpus_model
from tests.export.test_export_c import load, run
from tests.kernels.library import aligned, invoke, reset_state
from tests.streaming_models import streaming_model, with_a_sum
from tflm_msf import format as fmt
from tflm_msf.arena import MCU32, WHEEL64, predict
from tflm_msf.errors import MsfError
from tflm_msf.export import export_c
from tflm_msf.graph import Model, Op, Table
from tflm_msf.planner import Planner
from tflm_msf.request import Request
from tflm_msf.rewrite import rewrite_file
from tflm_msf.runtime import Session
from tflm_msf.search.presets import Preset
from tflm_msf.tflite_io import read_model, write_model
from tflm_msf.verify import verify

Int8s = npt.NDArray[np.int8]
WAKE_WORDS = [("esphome__mww_okay_nabu", 5300, 4750), ("esphome__mww_vad", 2700, 2150)]
SEEDS = range(12)


def rewritten(data: bytes) -> Model:
    return Planner.of(data, "m").choose().model


def steps(model: Model, count: int, seed: int = 0) -> list[Int8s]:
    shape = model.main.tensors[model.main.inputs[0]].shape
    return list(np.random.default_rng(seed).integers(-128, 128, (count, *shape), np.int8))


def assert_same_steps(data: bytes, model: Model, count: int) -> int:
    """Runs both for so many steps, twice with a reset in between. Returns how many different outputs there were.

    The original is loaded anew: TFLM's reset fills variables with zeros and does not run CALL_ONCE again.
    """
    fused = Session(write_model(model))
    different = set()
    for _ in range(2):
        original = Session(data)
        for x in steps(original.model, count):
            (want,), (got,) = original.run([x]), fused.run([x])
            np.testing.assert_array_equal(got, want)
            different.add(want.tobytes())
        fused.reset()
    assert fused.arena().total == predict(model, WHEEL64).total
    return len(different)


@pytest.mark.parametrize(("name", "most", "most32"), WAKE_WORDS)
def test_wake_words_take_a_quarter(name: str, most: int, most32: int) -> None:
    data = corpus_model(f"stateful/{name}")
    model = rewritten(data)
    assert {op.name for op in model.main.ops} == {fmt.CUSTOM_CODE} and len(model.graphs) == 1
    assert predict(model, WHEEL64).total <= most
    assert predict(model, MCU32).total <= most32
    assert_same_steps(data, model, 1000)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_networks_keep_their_rows(seed: int) -> None:
    data = write_model(streaming_model(seed))
    model = rewritten(data)
    assert all(op.name == fmt.CUSTOM_CODE for op in model.main.ops)
    assert assert_same_steps(data, model, 40) > 1


class Blocks:
    """The blocks of a rewritten model on memory of the test's own, so that their states can be read."""

    def __init__(self, model: Model) -> None:
        self.model = model
        graph = model.main
        self.memory = [aligned(tensor.nbytes) for tensor in graph.tensors]
        for memory, tensor in zip(self.memory, graph.tensors, strict=True):
            if tensor.data is not None:
                memory[:] = np.frombuffer(tensor.data, np.uint8)
        self.states = [aligned(fmt.state_size(op.custom_options)) for op in graph.ops]

    def run(self, x: Int8s) -> None:
        graph = self.model.main
        self.memory[graph.inputs[0]][:] = x.reshape(-1).view(np.uint8)
        for op, state in zip(graph.ops, self.states, strict=True):
            operands = [self.memory[tensor] for tensor in (*op.inputs, *op.outputs)]
            assert invoke(op.custom_options, [*operands, state] if state.size else operands) == 0

    def kept_rows(self) -> list[Int8s]:
        """The rows in each ring that the next invocation starts with, the oldest first."""
        rows = []
        for op, state in zip(self.model.main.ops, self.states, strict=True):
            for t in fmt.Program.unpack(op.custom_options).tensors:
                if t.kind == fmt.TensorKind.KEPT:
                    ring = state[t.offset : t.offset + t.pixels * t.c].view(np.int8).reshape(t.pixels, t.c)
                    place = int(state[t.place : t.place + 4].view("<u4")[0])
                    rows.append(np.roll(ring, -place, axis=0)[: t.history * t.w])
        return rows


@pytest.mark.parametrize("name", [name for name, *_ in WAKE_WORDS])
def test_states_are_those_of_the_variables(name: str) -> None:
    data = corpus_model(f"stateful/{name}")
    original, blocks = Session(data, preserve_all=True), Blocks(rewritten(data))
    graph = original.model.main
    assigned = [op.inputs[1] for op in graph.ops if op.builtin == "ASSIGN_VARIABLE"]
    reset_state()
    for x in steps(original.model, 60):
        original.run([x])
        blocks.run(x)
        want = sorted(original.tensor(t).tobytes() for t in assigned)
        assert sorted(rows.tobytes() for rows in blocks.kept_rows()) == want


def test_two_interpreters_have_a_state_each() -> None:
    data = write_model(streaming_model(0))
    fused = write_model(rewritten(data))
    originals, sessions = [Session(data) for _ in range(2)], [Session(fused) for _ in range(2)]
    for one, other in zip(steps(read_model(data, "m"), 20, 1), steps(read_model(data, "m"), 20, 2), strict=True):
        for x, original, session in zip((one, other), originals, sessions, strict=True):
            np.testing.assert_array_equal(session.run([x])[0], original.run([x])[0])


def test_all_states_can_be_reset_at_once() -> None:
    data = write_model(streaming_model(1))
    fused = Session(write_model(rewritten(data)))
    first, *others = steps(fused.model, 10)
    want = fused.run([first])[0]
    for x in others:
        fused.run([x])
    reset_state()
    np.testing.assert_array_equal(fused.run([first])[0], want)


def test_exported_c_keeps_and_resets_its_state(tmp_path: Path) -> None:
    data = write_model(streaming_model(2))
    loaded = load(export_c(rewritten(data), "net"), tmp_path, "net")
    assert loaded.net_init() == 0
    for _ in range(2):
        session = Session(data)
        for x in steps(session.model, 20):
            assert run(loaded, "net", x.tobytes()) == session.run([x])[0].tobytes()
        loaded.net_reset()


def with_op(model: Model, builtin: str, **changes: object) -> Model:
    """The model with the first operator of that kind changed."""
    index = next(i for i, op in enumerate(model.main.ops) if op.builtin == builtin)
    ops = tuple(replace(op, **changes) if i == index else op for i, op in enumerate(model.main.ops))  # type: ignore[arg-type]
    return replace(model, graphs=(replace(model.main, ops=ops), *model.graphs[1:]))


@pytest.mark.parametrize("stream_input", [False, True])
@pytest.mark.parametrize("name", [name for name, *_ in WAKE_WORDS])
def test_verify_finds_the_plan_again(name: str, stream_input: bool) -> None:
    data = corpus_model(f"stateful/{name}")
    report = verify(data, rewrite_file(data, name, Request(stream_input=stream_input)).data, runs=3)
    assert report.passed, (report.mismatches, report.problems)
    assert report.held.programs == 2


@pytest.mark.parametrize("seed", range(6))
def test_variables_that_are_no_rings_stay(seed: int) -> None:
    data = write_model(with_a_sum(seed))
    model = rewritten(data)
    kinds = [op.name for op in model.main.ops]
    assert kinds.count("READ_VARIABLE") == kinds.count("ASSIGN_VARIABLE") == 1 and fmt.CUSTOM_CODE in kinds
    report = verify(data, write_model(model), 20)
    assert report.passed, (report.mismatches, report.problems)
    assert Session(write_model(model)).arena().total == predict(model, WHEEL64).total


@pytest.mark.parametrize("seed", range(8))
def test_the_arena_of_variables_is_predicted(seed: int) -> None:
    for model in (streaming_model(seed), with_a_sum(seed)):
        data, size = write_model(model), predict(model, WHEEL64)
        assert Session(data, size.minimum).arena().total == size.total


def test_a_slice_that_keeps_other_rows_is_no_ring() -> None:
    masks = Table("StridedSliceOptions", {"begin_mask": 15, "end_mask": 15})
    changed = with_op(streaming_model(3), "STRIDED_SLICE", options=masks)
    assert any(op.builtin == "READ_VARIABLE" for op in Planner.of_model(changed, "m").model.main.ops)


def test_rows_that_no_block_can_hold_are_refused_in_a_sentence() -> None:
    planner = Planner.of_model(streaming_model(3), "m")
    with pytest.raises(MsfError, match="keeps rows from one invocation to the next, and no block"):
        planner.within(Preset.LAYERWISE).choose()


def test_control_flow_is_named() -> None:
    model = streaming_model(3)
    flow = Op("WHILE", (0,), (0,), Table("WhileOptions", {"cond_subgraph_index": 1, "body_subgraph_index": 1}))
    changed = replace(model, graphs=(replace(model.main, ops=(*model.main.ops, flow)), *model.graphs[1:]))
    with pytest.raises(MsfError, match=r"control flow \(WHILE\)"):
        Planner.of_model(changed, "m")
