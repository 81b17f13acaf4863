"""Compares what two files hold, runs both in the real TFLM interpreter and compares every bit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tflm_msf.arena import WHEEL64, NotPredictedError, Refusal, Target, predict, refusals
from tflm_msf.camera import Camera
from tflm_msf.errors import MsfError
from tflm_msf.graph import Graph, Model, Quantization
from tflm_msf.graph.step import Step
from tflm_msf.inputs import Array, load_input, make_inputs
from tflm_msf.int8_ends import Int8Ends
from tflm_msf.program.decode import is_streamed
from tflm_msf.runtime import DEFAULT_ARENA_BYTES, MeasuredArena, Session
from tflm_msf.runtime.generations import TargetSession
from tflm_msf.tflite_io import read_model
from tflm_msf.verify.frames import frame_inputs, load_frame, make_frames
from tflm_msf.verify.holds import Held, compare_content
from tflm_msf.verify.interface import interface_problems
from tflm_msf.verify.memory import left_to_chance
from tflm_msf.verify.recover import recover
from tflm_msf.verify.sequence import goes_on, play, turns

INNER_RUNS = 3
"""Runs for which inner tensors are compared too: they hold far more values than the outputs do."""

MAX_MISMATCHES = 10
"""Differing values that a report names; more of them tell nothing more."""

MAX_MISMATCHES_PER_TENSOR = 3
"""The same per tensor and run, to leave room for inner tensors, which tell where it went wrong."""


@dataclass(frozen=True)
class Mismatch:
    """One value that differs: ``index`` into the tensor's values in memory order, ``run`` counted from 0."""

    tensor: str
    index: int
    run: int
    expected: float
    got: float


@dataclass(frozen=True)
class VerifiedArena:
    """The arena of one model: as TFLM reports it, and the number of bytes that it was seen to run in."""

    measured: MeasuredArena
    ran_in: int

    def to_json(self) -> dict[str, int]:
        """In plain values."""
        return {**asdict(self.measured), "ran_in": self.ran_in}


NOT_RUN = VerifiedArena(MeasuredArena(0, 0, 0), 0)


@dataclass(frozen=True)
class VerifyReport:
    """What :func:`verify` compared and found.

    ``held`` says what of the rewritten file was compared with what its plan gives. ``mismatches`` are the first few
    only. ``unreproducible`` are tensors that the original itself computes otherwise depending on what was in memory;
    with any of them, outputs cannot be compared. ``runs`` is 0, and the rewritten model's arena is not known, where
    running it was not safe.

    ``bit_exact`` and ``arena_original`` are None for an original that TFLM refuses: there is nothing to compare with.
    """

    bit_exact: bool | None
    runs: int
    tensors_compared: int
    values_compared: int
    mismatches: tuple[Mismatch, ...]
    arena_original: VerifiedArena | None
    arena_rewritten: VerifiedArena
    held: Held
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unreproducible: tuple[str, ...] = ()
    values_differing: int = 0

    @property
    def passed(self) -> bool:
        """True if all bits were compared and agree, the file holds what it should, the arena is what was predicted.

        Bits may differ in a file whose tables hang on the C library; it holds nothing but what it should all the same.
        """
        agree = self.bit_exact is True or (self.bit_exact is False and self.runs > 0 and self.held.hangs_on_libm)
        return agree and not self.problems and not self.unreproducible

    def but(self, *problems: str) -> VerifyReport:
        """With more problems, if there are any."""
        return replace(self, problems=(*self.problems, *problems))

    def to_json(self) -> dict[str, Any]:
        """The report in plain values, for scripts and tables."""
        return {
            "passed": self.passed,
            "bit_exact": self.bit_exact,
            "reproducible": not self.unreproducible,
            "unreproducible": list(self.unreproducible),
            "runs": self.runs,
            "tensors_compared": self.tensors_compared,
            "values_compared": self.values_compared,
            "values_differing": self.values_differing,
            "content": self.held.to_json(),
            "mismatches": [asdict(mismatch) for mismatch in self.mismatches],
            "problems": list(self.problems),
            "notes": list(self.notes),
            "arena": {
                "original": self.arena_original.to_json() if self.arena_original else None,
                "rewritten": self.arena_rewritten.to_json() if self.runs else None,
            },
        }


def verify(
    original: bytes,
    rewritten: bytes,
    runs: int = 20,
    input_files: Sequence[Path] = (),
    seed: int = 0,
    sources: tuple[str, str] = ("the original model", "the rewritten model"),
    target: Target | None = None,
    camera: Camera | None = None,
) -> VerifyReport:
    """Compare two models: what they hold, and what they compute.

    The interfaces are compared, and the content of the rewritten file with what its plan gives from the original (see
    :func:`tflm_msf.verify.holds.compare_content`). Then both run on ``runs`` made-up inputs and on every file of
    ``input_files``. All outputs are compared with each model in the least arena that it was predicted to start in, so
    that memory is reused just as on a device. On the first few inputs, every inner tensor that both models have by
    name is compared as well, and both models are run on memory that holds other bytes.
    Where the rewritten model keeps a state, all inputs are one long sequence: what it keeps is compared after every
    step, and all of it again after a reset (see :mod:`tflm_msf.verify.sequence`).
    The same ``seed`` gives the same inputs. ``sources`` name the two models in messages.
    With a ``target`` whose TFLM computes an operator of either model otherwise, outputs are those that both models give
    there; inner tensors are not compared then. Arenas are measured here, whatever the target.
    With a ``camera``, runs and files are its frames: the original gets the image that they become by definition, the
    rewritten model the rows that the kernels make of them.

    Raises :class:`MsfError` if a model does not load or run, if their inputs or outputs are of different shape or
    type, if nothing is to be run, or for an input file of the wrong size.
    """
    before = read_model(original, sources[0])
    refused = refusals(before.main)
    if refused:
        return _rewritten_alone(before, rewritten, runs, seed, refused[0], sources)
    session, arena = _in_least_arena(original, sources[0])
    pair = _Pair.of((original, rewritten), before, sources)
    if runs + len(input_files) == 0:
        raise MsfError("there is nothing to verify with: ask for at least one run or give an input file.")
    goes = goes_on(pair.models[1])
    if camera is not None and goes:
        raise MsfError(f"{sources[1]} keeps a state, and a camera's frames are no sequence: leave --camera out.")
    held = compare_content(*pair.models, sources)
    problems = [*interface_problems(*pair.models, pair.ends, sources), *held.problems]
    report = VerifyReport(False, 0, 0, 0, (), arena, NOT_RUN, held, tuple(problems))
    if not held.is_safe_to_run:
        return report.but(f"{sources[1]} was not run: TFLM would use memory that is not its own, or may.")
    if camera is not None:
        frames = [*(load_frame(camera, path) for path in input_files), *make_frames(camera, runs, seed)]
        return _run_both(
            report, pair, session, frame_inputs(before.main, pair.models[1], pair.ends, camera, frames), target
        )
    inputs = [*(load_input(before.main, path) for path in input_files), *make_inputs(before.main, runs, seed)]
    if goes:
        return _play_both(report, pair, inputs, target)
    return _run_both(report, pair, session, [pair.ends.split(values) for values in inputs], target)


@dataclass(frozen=True)
class _Pair:
    """The models that are compared, the original first: as files, as read, as messages call them; how ends differ."""

    files: tuple[bytes, bytes]
    models: tuple[Model, Model]
    sources: tuple[str, str]
    ends: Int8Ends

    @classmethod
    def of(cls, files: tuple[bytes, bytes], original: Model, sources: tuple[str, str]) -> _Pair:
        """Raises MsfError if the second is no rewrite of the first, as far as one sees from outside."""
        rewritten = read_model(files[1], sources[1])
        ends = Int8Ends.between(original.main, rewritten)
        _require_same_ends(original, rewritten, ends, sources)
        return cls(files, (original, rewritten), sources, ends)


_Inputs = tuple[list[Array], list[Array]]
"""Of one run: for the original, and for the rewritten model."""


def _run_both(
    report: VerifyReport, pair: _Pair, before: Session, inputs: Sequence[_Inputs], target: Target | None
) -> VerifyReport:
    """The report with what both models compute. ``before`` is the original in its least arena."""
    after, arena = _in_least_arena(pair.files[1], pair.sources[1])
    here = [(before.run(ours), pair.ends.as_original(after.run(theirs))) for ours, theirs in inputs]
    there = _run_there(pair, inputs, target)
    graph, comparison = pair.models[0].main, _Comparison()
    names = [graph.tensors[index].name for index in graph.outputs]
    for run, (expected, got) in enumerate(there or here):
        comparison.add(run, zip(names, expected, got, strict=True))
    few = inputs[:INNER_RUNS]
    chance = left_to_chance(pair.files[0], [ours for ours, _ in few], pair.sources[0])
    if not there:
        _compare_inner(comparison, pair, few, set(chance.tensors))
    if not chance.reaches_outputs:
        report = report.but(*_left_to_chance_by_rewriting(pair, few))
    return replace(
        report.but(*_prediction_problems(after.model, arena, pair.sources[1])),
        bit_exact=not comparison.mismatches,
        runs=len(inputs),
        tensors_compared=len(comparison.tensors),
        values_compared=comparison.values,
        values_differing=comparison.differing,
        mismatches=tuple(comparison.mismatches),
        arena_rewritten=arena,
        notes=tuple(_unlike_here(here, there, target)),
        unreproducible=chance.tensors if chance.reaches_outputs else (),
    )


def _play_both(report: VerifyReport, pair: _Pair, inputs: Sequence[list[Array]], target: Target | None) -> VerifyReport:
    """The report with what both models say of one long sequence, and what the rewritten one keeps of it."""
    after, arena = _in_least_arena(pair.files[1], pair.sources[1])
    step = Step.of(pair.models[1])
    sequence = turns(inputs, pair.ends, step)
    recovered = recover(*pair.models, pair.sources[0])
    choice = recovered.choice if recovered else None
    comparison, runs = _Comparison(), 0
    for number, seen in play(pair.files, arena.ran_in, choice, sequence, pair.ends, pair.sources):
        comparison.add(number, seen)
        runs += 1
    few = [turn for turn in sequence if turn.ours is not None][:INNER_RUNS]
    chance = left_to_chance(pair.files[0], [turn.ours or [] for turn in few], pair.sources[0])
    if not chance.reaches_outputs:
        report = report.but(*_left_to_chance_by_rewriting(pair, [(turn.ours or [], turn.theirs) for turn in few]))
    return replace(
        report.but(*_prediction_problems(after.model, arena, pair.sources[1])),
        bit_exact=not comparison.mismatches,
        runs=runs,
        tensors_compared=len(comparison.tensors),
        values_compared=comparison.values,
        values_differing=comparison.differing,
        mismatches=tuple(comparison.mismatches),
        arena_rewritten=arena,
        notes=tuple(_as_here(pair, target)),
        unreproducible=chance.tensors if chance.reaches_outputs else (),
    )


def _as_here(pair: _Pair, target: Target | None) -> Iterator[str]:
    """Says that a target computes something otherwise, and that this was not compared."""
    sessions = (TargetSession(model, target, source) for model, source in zip(pair.files, pair.sources, strict=True))
    if target is not None and any(session.differs for session in sessions):
        yield f"compared is what TFLM gives on this computer; {target.about} computes MEAN otherwise."


def _left_to_chance_by_rewriting(pair: _Pair, inputs: Sequence[_Inputs]) -> Iterator[str]:
    if left_to_chance(pair.files[1], [theirs for _, theirs in inputs], pair.sources[1]).reaches_outputs:
        yield f"{pair.sources[1]}: its outputs depend on what was in memory before."


def _compare_inner(comparison: _Comparison, pair: _Pair, inputs: Sequence[_Inputs], left_out: Collection[str]) -> None:
    """Compares the inner tensors that both models have, but for some."""
    before, after = (
        Session(file, preserve_all=True, source=source) for file, source in zip(pair.files, pair.sources, strict=True)
    )
    pairs = [pair for pair in _common_tensors(before.model.main, after.model.main) if pair[0] not in left_out]
    for run, (ours, theirs) in enumerate(inputs):
        if pairs:
            before.run(ours)
            after.run(theirs)
            comparison.add(run, ((name, before.tensor(one), after.tensor(other)) for name, one, other in pairs))


def _rewritten_alone(
    original: Model, rewritten: bytes, runs: int, seed: int, refusal: Refusal, sources: tuple[str, str]
) -> VerifyReport:
    """Runs a model whose original TFLM refuses, which says that it runs, and in how much."""
    session, arena = _in_least_arena(rewritten, sources[1])
    if not is_streamed(session.model):
        for values in make_inputs(session.model.main, runs, seed):
            session.run(values)
    nothing = f"No output could be compared: {refusal}. {sources[1]} itself runs."
    problems = (nothing, *_prediction_problems(session.model, arena, sources[1]))
    held = compare_content(original, session.model, sources)
    return VerifyReport(None, runs, 0, 0, (), None, arena, held, (*problems, *held.problems))


_Outputs = tuple[list[Array], list[Array]]
"""Of the original and of the rewritten model, the latter as the original has them."""


def _run_there(pair: _Pair, inputs: Sequence[_Inputs], target: Target | None) -> list[_Outputs]:
    """What both models give on ``target``; nothing if that is what they give here."""
    before, after = (TargetSession(file, target, source) for file, source in zip(pair.files, pair.sources, strict=True))
    if not before.differs and not after.differs:
        return []
    return [(before.run(ours), pair.ends.as_original(after.run(theirs))) for ours, theirs in inputs]


def _unlike_here(here: Sequence[_Outputs], there: Sequence[_Outputs], target: Target | None) -> Iterator[str]:
    """Says that a target gives other values than this computer does."""
    if there and target is not None:
        pairs = zip(here, there, strict=True)
        unlike = sum(any(a.tobytes() != b.tobytes() for a, b in zip(x[0], y[0], strict=True)) for x, y in pairs)
        yield (
            f"compared is what {target.about} gives, where MEAN is computed otherwise: other outputs of the original "
            f"than TFLM gives on this computer in {unlike} of {len(here)} runs."
        )


def _prediction_problems(model: Model, arena: VerifiedArena, source: str) -> Iterator[str]:
    """Where the measured arena is not the predicted one; nothing if an operator's allocations are not known."""
    try:
        expected = predict(model, WHEEL64)
    except NotPredictedError:
        return
    figures = (
        ("head", expected.head, arena.measured.head),
        ("tail", expected.tail, arena.measured.tail),
    )
    for what, predicted, measured in figures:
        if predicted != measured:
            yield f"{source}: the {what} is {measured:,} bytes in TFLM, but {predicted:,} were predicted."


def _in_least_arena(model: bytes, source: str) -> tuple[Session, VerifiedArena]:
    """The model in an arena of just the predicted size; in a large one where it is not known.

    TFLM is never asked to try an arena that may be too small: where its own checks end, it would write past it.
    """
    try:
        size = predict(read_model(model, source), WHEEL64).minimum
    except NotPredictedError:
        size = DEFAULT_ARENA_BYTES
    session = Session(model, size, source=source)
    return session, VerifiedArena(session.arena(), size)


def _require_same_ends(original: Model, rewritten: Model, int8: Int8Ends, sources: tuple[str, str]) -> None:
    """Of a step model, the input has other rows; what it has to be is compared with its plan."""
    ours, theirs = original.main, rewritten.main
    has_same_inputs = not is_streamed(rewritten) and Step.of(rewritten) is None
    checks = [("inputs", ours.inputs, theirs.inputs, int8.inputs)] if has_same_inputs else []
    checks.append(("outputs", ours.outputs, theirs.outputs, int8.outputs))
    for what, before, after, quantized in checks:
        expected, got = _signature(ours, before, quantized), _signature(theirs, after)
        if expected != got:
            raise MsfError(
                f"{sources[1]} is no rewrite of {sources[0]}: its {what} are {got or 'none'} instead of {expected}."
            )


def _signature(graph: Graph, tensors: Sequence[int], quantized: Sequence[Quantization | None] = ()) -> str:
    ends = [graph.tensors[index] for index in tensors]
    types = ["int8" if as_int8 else end.dtype.name.lower() for end, as_int8 in zip_longest(ends, quantized) if end]
    return ", ".join(f"{name} {'x'.join(map(str, end.shape))}" for name, end in zip(types, ends, strict=True))


def _common_tensors(original: Graph, rewritten: Graph) -> list[tuple[str, int, int]]:
    """(name, index in original, index in rewritten) of inner tensors that mean the same in both."""
    ours, theirs = _written_inside(original), _written_inside(rewritten)
    pairs = ((name, ours[name], theirs[name]) for name in ours if name in theirs)
    return [
        (name, index, other)
        for name, index, other in pairs
        if _signature(original, [index]) == _signature(rewritten, [other])
    ]


def _written_inside(graph: Graph) -> dict[str, int]:
    """Tensors that operators write and that are no outputs, by name; names that are not unique are left out."""
    names = [tensor.name for tensor in graph.tensors]
    written = {index for op in graph.ops for index in op.outputs} - set(graph.outputs)
    return {names[index]: index for index in sorted(written) if index >= 0 and names.count(names[index]) == 1}


class _Comparison:
    """Counts what was compared and keeps the first differences."""

    def __init__(self) -> None:
        self.values = 0
        self.differing = 0
        self.tensors: set[str] = set()
        self.mismatches: list[Mismatch] = []

    def add(self, run: int, pairs: Iterable[tuple[str, npt.NDArray[Any], npt.NDArray[Any]]]) -> None:
        """Compare (name, expected, got) triples of one run."""
        for name, expected, got in pairs:
            self.tensors.add(name)
            self.values += expected.size
            places = _differing(expected, got)
            self.differing += len(places)
            room = min(MAX_MISMATCHES_PER_TENSOR, MAX_MISMATCHES - len(self.mismatches))
            for index in places[:room].tolist():
                self.mismatches.append(Mismatch(name, index, run, _at(expected, index), _at(got, index)))


def _differing(expected: npt.NDArray[Any], got: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Indices of values whose bits differ; equal NaNs are equal, and 0.0 differs from -0.0."""
    if expected.nbytes != got.nbytes or expected.dtype != got.dtype:
        raise MsfError(f"an output of shape {expected.shape} became one of {got.shape}: these cannot be compared.")
    bits = f"u{expected.dtype.itemsize}"
    differs = np.ascontiguousarray(expected).view(bits) != np.ascontiguousarray(got).view(bits)
    return np.flatnonzero(differs)


def _at(values: npt.NDArray[Any], index: int) -> float:
    value: float = values.reshape(-1)[index].item()
    return value
