"""Does a rewritten file hold what its plan gives from the original? Every constant, program, record and offset."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import zip_longest
from typing import Any, NamedTuple

from tflm_msf import __version__
from tflm_msf.arena import OFFLINE_PLAN
from tflm_msf.format import CUSTOM_CODE
from tflm_msf.graph import NO_TENSOR, DType, Model, Op, Tensor
from tflm_msf.program.assemble import MADE_BY
from tflm_msf.program.decode import is_rewritten
from tflm_msf.tflite_io import read_model, write_model
from tflm_msf.verify.meaning import BlockMeaning, meaning_of
from tflm_msf.verify.placement import placement_problems
from tflm_msf.verify.recover import recover

AS_WRITTEN = "as this version writes the plan"
BY_MEANING = "by meaning, as another version wrote it"
AS_THE_ORIGINAL = "with the original itself"
NOTHING = "nothing"

MOST_PROBLEMS = 10
"""More of them tell nothing more."""


@dataclass(frozen=True)
class Held:
    """What of a file was compared, and how; ``problems`` are sentences, ``notes`` too, which are none.

    ``constants`` counts bytes of weights, biases, tables and parameters; ``offsets`` are those of the offline plan.
    ``hangs_on_libm``: it has tables with entries that hang on how a C library rounds, as was allowed.
    """

    how: str
    operators: int = 0
    tensors: int = 0
    constants: int = 0
    programs: int = 0
    offsets: int = 0
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    is_safe_to_run: bool = True
    hangs_on_libm: bool = False

    def to_json(self) -> dict[str, Any]:
        """In plain values; problems are reported elsewhere."""
        values = asdict(self)
        del values["problems"], values["is_safe_to_run"]
        return {**values, "notes": list(self.notes)}


class Difference(NamedTuple):
    """A sentence; and whether TFLM may use memory that is not its own if it runs the file all the same."""

    text: str
    may_stray: bool = True

    def at(self, where: str) -> Difference:
        """The same with the place in front."""
        return self._replace(text=f"{where}: {self.text}")


def compare_content(original: Model, found: Model, sources: tuple[str, str]) -> Held:
    """Encodes the plan that ``found`` was made by anew and compares the two.

    A file that this version wrote has to hold the same everywhere. In one of another version, how tensors are kept and
    placed may differ: blocks have to mean the same, and placed tensors must not overwrite each other.
    """
    unlike = differences(original, found)
    if not unlike:
        return _counted(found, AS_THE_ORIGINAL, ())
    recovered = recover(original, found, sources[0])
    if recovered is None:
        if not is_rewritten(found):
            return _counted(found, AS_THE_ORIGINAL, unlike)
        return Held(NOTHING, problems=(f"{sources[1]}: no plan of {sources[0]} has its operators.",))
    version = dict(found.metadata).get(MADE_BY)
    expected = read_model(write_model(_said_to_be_of(recovered.choice.model, version)), sources[1])
    problems = differences(expected, found)
    if not problems or version == __version__.encode():
        held = _counted(found, AS_WRITTEN, problems)
    else:
        held = _by_meaning(expected, found)
    return replace(held, hangs_on_libm=recovered.hangs_on_libm)


def _said_to_be_of(model: Model, version: bytes | None) -> Model:
    """The model as if another version had made it; None: one that did not say so yet."""
    entries = [(name, version if name == MADE_BY else content) for name, content in model.metadata]
    return replace(model, metadata=tuple((name, content) for name, content in entries if content is not None))


def _counted(model: Model, how: str, problems: Sequence[Difference], notes: Sequence[str] = ()) -> Held:
    graph = model.main
    return Held(
        how=how,
        operators=len(graph.ops),
        tensors=len(graph.tensors),
        constants=sum(len(tensor.data) for tensor in graph.tensors if tensor.data is not None),
        programs=sum(op.custom_code == CUSTOM_CODE for op in graph.ops),
        offsets=len(graph.tensors) if OFFLINE_PLAN in dict(model.metadata) else 0,
        problems=tuple(problem.text for problem in problems[:MOST_PROBLEMS]),
        notes=tuple(notes),
        is_safe_to_run=how == AS_THE_ORIGINAL or not any(problem.may_stray for problem in problems),
    )


def differences(expected: Model, found: Model) -> list[Difference]:
    """Where two models are not the same."""
    return [*_graph_differences(expected, found), *_model_differences(expected, found)]


def _graph_differences(expected: Model, found: Model) -> Iterator[Difference]:
    if len(expected.graphs) != len(found.graphs):
        yield Difference(f"it has {len(found.graphs)} subgraphs instead of {len(expected.graphs)}.")
    for ours, theirs in zip(expected.graphs, found.graphs, strict=False):
        if len(ours.tensors) != len(theirs.tensors) or len(ours.ops) != len(theirs.ops):
            yield Difference(
                f"it has {len(theirs.ops)} operators on {len(theirs.tensors)} tensors instead of "
                f"{len(ours.ops)} on {len(ours.tensors)}."
            )
        for index, (tensor, other) in enumerate(zip(ours.tensors, theirs.tensors, strict=False)):
            yield from (what.at(f"tensor {index} '{tensor.name}'") for what in _tensor_differences(tensor, other))
        for index, (op, other_op) in enumerate(zip(ours.ops, theirs.ops, strict=False)):
            yield from (what.at(f"operator {index} ({op.name})") for what in _op_differences(op, other_op))
        for name in ("inputs", "outputs", "name", "debug_metadata_index"):
            if getattr(ours, name) != getattr(theirs, name):
                yield Difference(f"its {name} are {getattr(theirs, name)!r} instead of {getattr(ours, name)!r}.")


def _tensor_differences(expected: Tensor, found: Tensor) -> Iterator[Difference]:
    for name in _unequal(expected, found):
        if name == "data" and expected.data is not None and found.data is not None:
            is_weights = expected.dtype is DType.INT8 and len(expected.data) == len(found.data)
            yield Difference(_bytes_differ("data", expected.data, found.data), may_stray=not is_weights)
        else:
            yield Difference(_value_differs(name, expected, found), may_stray=name not in ("name", "quantization"))


def _op_differences(expected: Op, found: Op) -> Iterator[Difference]:
    for name in _unequal(expected, found):
        if name == "custom_options":
            what = _bytes_differ("program", expected.custom_options, found.custom_options)
            yield Difference(what, may_stray=False)  # the kernels check it before anything runs
        else:
            yield Difference(_value_differs(name, expected, found))


def _model_differences(expected: Model, found: Model) -> Iterator[Difference]:
    for name in _unequal(expected, found):
        if name == "metadata":
            yield from _metadata_differences(dict(expected.metadata), dict(found.metadata))
        elif name != "graphs":
            yield Difference(_value_differs(name, expected, found), may_stray=False)


def _metadata_differences(expected: dict[str, bytes], found: dict[str, bytes]) -> Iterator[Difference]:
    for name in sorted({*expected, *found}):
        ours, theirs = expected.get(name), found.get(name)
        if ours is None or theirs is None:
            yield Difference(f"its metadata {'has' if ours is None else 'lacks'} {name!r}.", name == OFFLINE_PLAN)
        elif ours != theirs:
            yield Difference(_bytes_differ(f"metadata {name!r}", ours, theirs), name == OFFLINE_PLAN)


def _by_meaning(expected: Model, found: Model) -> Held:
    problems: list[Difference] = []
    for index, (op, other) in enumerate(zip_longest(expected.main.ops, found.main.ops)):
        if op is None or other is None or op.custom_code != other.custom_code:
            problems.append(Difference(f"operator {index} is another one than in this version's plan."))
            continue
        same_kind = _block_differences if op.custom_code == CUSTOM_CODE else _builtin_differences
        problems += (what.at(f"operator {index} ({op.name})") for what in same_kind(expected, op, found, other))
    problems += (Difference(text) for text in placement_problems(found))
    notes = [
        "another version wrote it: how blocks keep their tensors, and where tensors lie, may differ from this one's."
    ]
    return _counted(found, BY_MEANING, problems, notes)


def _meaning(model: Model, op: Op) -> BlockMeaning | None:
    try:
        params = next(data for index in op.inputs if (data := model.main.tensors[index].data) is not None)
        return meaning_of(op.custom_options, params)
    except (ArithmeticError, LookupError, ValueError, StopIteration, struct.error):
        return None


def _block_differences(expected: Model, op: Op, found: Model, other: Op) -> Iterator[Difference]:
    ours, theirs = _meaning(expected, op), _meaning(found, other)
    if ours is None or theirs is None:
        yield Difference("its program is damaged.", may_stray=False)
        return
    if ours.is_streamed != theirs.is_streamed or len(ours.stages) != len(theirs.stages):
        yield Difference(f"its program has {len(theirs.stages)} stages instead of {len(ours.stages)}.")
    for number, (stage, its) in enumerate(zip(ours.stages, theirs.stages, strict=False)):
        different = [name for name in stage if stage[name] != its.get(name)]
        if different:
            yield Difference(f"stage {number} ({stage['operator']}) has other {', '.join(different)}.", may_stray=False)
    for index, place in zip((*op.inputs[:-1], op.outputs[0]), (*other.inputs[:-1], other.outputs[0]), strict=False):
        yield from _tensor_differences(expected.main.tensors[index], found.main.tensors[place])


def _builtin_differences(expected: Model, op: Op, found: Model, other: Op) -> Iterator[Difference]:
    """Where an operator that stays a builtin, or its tensors, are not the same."""
    for name in _unequal(op, other):
        if name not in ("inputs", "outputs", "intermediates"):
            yield Difference(_value_differs(name, op, other))
    for ours, theirs in ((op.inputs, other.inputs), (op.outputs, other.outputs)):
        for index, its in zip_longest(ours, theirs, fillvalue=NO_TENSOR):
            if (index == NO_TENSOR) != (its == NO_TENSOR):
                yield Difference("it has other inputs or outputs.")
            elif index != NO_TENSOR:
                yield from _tensor_differences(expected.main.tensors[index], found.main.tensors[its])


def _unequal(expected: Any, found: Any) -> Iterator[str]:
    return (
        field.name
        for field in fields(expected)
        if not _is_same(getattr(expected, field.name), getattr(found, field.name))
    )


def _is_same(expected: Any, found: Any) -> bool:
    return bool(expected == found) or repr(expected) == repr(found)  # a NaN is the same as another


def _bytes_differ(what: str, expected: bytes, found: bytes) -> str:
    if len(expected) != len(found):
        return f"its {what} has {len(found):,} bytes instead of {len(expected):,}."
    differing = [at for at, (ours, theirs) in enumerate(zip(expected, found, strict=True)) if ours != theirs]
    return f"its {what} differs in {len(differing):,} of {len(expected):,} bytes, first at byte {differing[0]:,}."


def _value_differs(name: str, expected: Any, found: Any) -> str:
    return f"its {name} is {_short(getattr(found, name))} instead of {_short(getattr(expected, name))}."


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
