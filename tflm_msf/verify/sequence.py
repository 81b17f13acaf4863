"""Models with a state: both get the same long sequence, twice, and what they keep is compared with what they say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tflm_msf import format as fmt
from tflm_msf.choice import Choice
from tflm_msf.format import TensorKind, limits
from tflm_msf.graph import Model
from tflm_msf.graph.step import Step
from tflm_msf.inputs import Array
from tflm_msf.int8_ends import Int8Ends
from tflm_msf.network.units import WindowRows
from tflm_msf.runtime import Session

MOST_STEPS = 500
"""Windows that are compared, each time: the original computes every one of them anew."""

TIMES = 2
"""How often the sequence is played: the second time after a reset."""


class Turn(NamedTuple):
    """What the rewritten model gets in one step, and the original, which gets nothing until its window is full."""

    ours: list[Array] | None
    theirs: list[Array]


class Seen(NamedTuple):
    """What is the same in both after a step: its name, what the original has, what the rewritten model has."""

    name: str
    expected: Array
    got: Array


@dataclass(frozen=True)
class _KeptRows:
    """Where the rows of a tensor are kept: which state, the record of its ring, and what the original calls it."""

    state: int
    record: fmt.Tensor
    shows: WindowRows


def turns(inputs: Sequence[list[Array]], ends: Int8Ends, step: Step | None) -> list[Turn]:
    """The steps of a sequence.

    Args:
        inputs: sets of inputs that the original takes. For a step model their rows, one set's after the other's, are
            the sequence.
        ends: how the rewritten model takes them.
        step: what the rewritten model is; None if the original has a state itself.
    """
    if step is None:
        return [Turn(*ends.split(values)) for values in inputs]
    axis = next(axis for axis, size in enumerate(inputs[0][0].shape) if size > 1)
    per_row = inputs[0][0].shape[axis] // step.window
    rows = np.concatenate([values[0] for values in inputs], axis)
    most = (max(step.warm_up, -(-step.window // step.hop)) + MOST_STEPS) * step.hop * per_row
    (ours,), (theirs,) = ends.split([np.take(rows, range(min(rows.shape[axis], most)), axis)])
    count = ours.shape[axis] // per_row
    return [
        Turn(
            [_part(ours, axis, end - step.window, end, count)] if end >= step.window else None,
            [_part(theirs, axis, end - step.hop, end, count)],
        )
        for end in range(step.hop, count + 1, step.hop)
    ]


def _part(values: Array, axis: int, first: int, end: int, rows: int) -> Array:
    """Some of so many rows, which lie along an axis or are packed bytes."""
    if values.ndim == 1:
        size = len(values) // rows
        return values[first * size : end * size]
    per_row = values.shape[axis] // rows
    return np.take(values, range(first * per_row, end * per_row), axis)


def play(
    models: tuple[bytes, bytes],
    arena_size: int,
    choice: Choice | None,
    sequence: Sequence[Turn],
    ends: Int8Ends,
    sources: tuple[str, str],
) -> Iterator[tuple[int, list[Seen]]]:
    """Plays a sequence to both models, and once more after a reset of the rewritten one. The original is loaded anew,
    as TFLM's reset does not run CALL_ONCE again.

    Args:
        models: the original and the rewritten file.
        arena_size: what the rewritten one gets.
        choice: the plan that it was made by, which says what it keeps; None: only outputs are seen.
        sequence: the steps.
        ends: how the rewritten model gives outputs.
        sources: what messages call the models.

    Yields:
        The number of each step after which the original has said something, and what is to be compared.
    """
    after = Session(models[1], arena_size, source=sources[1])
    kept = [] if choice is None else list(_kept_rows(choice, after.model))
    step = Step.of(after.model)
    warm_up = 0 if step is None else step.warm_up - 1
    times = 1 if len(after.model.graphs) > 1 else TIMES  # TFLM's reset does not set variables to what they start as
    for time in range(times):
        before = Session(models[0], preserve_all=True, source=sources[0])
        names = [before.model.main.tensors[index].name for index in before.model.main.outputs]
        for number, turn in enumerate(sequence):
            got = ends.as_original(after.run(turn.theirs))
            if turn.ours is None:
                continue
            expected = before.run(turn.ours)
            outputs = map(Seen, names, expected, got) if number >= warm_up else ()
            states = _states(before, after, kept, turn.ours)
            yield time * len(sequence) + number, [*outputs, *states]
        after.reset()


def _kept_rows(choice: Choice, model: Model) -> Iterator[_KeptRows]:
    """Everything that the blocks of a model keep and that the original has as well."""
    programs = (op.custom_options for op in model.main.ops if op.custom_code == fmt.CUSTOM_CODE)
    blocks = zip(choice.plan.blocks, programs, strict=True)
    with_state = ((block, program) for block, program in blocks if fmt.state_size(program))
    for state, (block, program) in enumerate(with_state):
        for record in fmt.Program.unpack(program).tensors:
            if record.kind == TensorKind.KEPT:
                tensor = block.state[(record.place - limits.STATE_MARK_BYTES) // 4][0]
                rows = record.rows + record.history
                yield _KeptRows(state, record, choice.network.shows.get(tensor, WindowRows(tensor, rows)))


def _states(before: Session, after: Session, kept: Sequence[_KeptRows], inputs: Sequence[Array]) -> Iterator[Seen]:
    """Rows that were kept, beside those of the original's tensor."""
    states, graph = after.states(), before.model.main
    for each in kept:
        tensor, end = each.shows
        if tensor in graph.inputs:
            whole = inputs[graph.inputs.index(tensor)]
        elif any(tensor in op.outputs for op in graph.ops):
            whole = before.tensor(tensor)
        else:
            continue
        size = each.record.w * each.record.c
        values = np.ascontiguousarray(whole).reshape(-1).view(np.int8)
        expected = values[(end - each.record.history) * size : end * size]
        name = f"rows kept of {graph.tensors[tensor].name}"
        yield Seen(name, expected, _rows_in(states[each.state], each.record))


def _rows_in(state: bytes, record: fmt.Tensor) -> Array:
    """The rows in a ring that the next step begins with, the oldest first."""
    ring = np.frombuffer(state, np.int8, record.pixels * record.c, record.offset).reshape(record.pixels, record.c)
    place = int.from_bytes(state[record.place : record.place + 4], "little")
    return np.roll(ring, -place, axis=0)[: record.history * record.w].reshape(-1)


def goes_on(model: Model) -> bool:
    """True for a rewritten model that takes one step of a sequence at a time."""
    programs = (op.custom_options for op in model.main.ops if op.custom_code == fmt.CUSTOM_CODE)
    return Step.of(model) is not None or len(model.graphs) > 1 or any(fmt.state_size(program) for program in programs)
