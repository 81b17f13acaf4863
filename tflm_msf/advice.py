"""What else would help a model, and by how much: other requests and models, planned like the one that was made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from tflm_msf.choice import FREE_OVERHEAD, Choice
from tflm_msf.endings import endings_json
from tflm_msf.errors import LimitMissedError, MsfError
from tflm_msf.graph import Graph
from tflm_msf.graph.edges import with_int8_ends
from tflm_msf.network.changes import padding_themselves, without
from tflm_msf.planner import Planner
from tflm_msf.printable import ranges
from tflm_msf.request import Limits, Request

OVERHEADS = (1.1, 1.3)
"""MAC overheads that are tried, besides the least at which the least arena is reached."""

WORTH_SAYING = 0.98
"""Advice is given if it brings the arena (or else the overhead) down to this share of what it is, or below."""

MOST_SAID = 3
"""Pieces of advice that people are told; `--json` has all of them."""

MOST_UNITS = 150
"""Larger networks are not planned anew for advice: that takes as long as their planning, up to three times."""


MOST_CHANGES = 3
"""Kinds of operators without which a model is planned: those that keep the most bytes whole."""


@dataclass(frozen=True)
class Advice:
    """Options to add to the command, or a change of the model that is not ours to make, and what it then gives.

    A change is said in words, and ``operators`` are those of the file that it is about. ``arena`` is in bytes, and
    suffices on the request's targets; ``keeps_limits`` is False where those are still missed and ``arena`` is the least
    that can be reached.
    """

    options: tuple[str, ...]
    arena: int
    overhead: float
    keeps_limits: bool = True
    change: str = ""
    operators: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """In plain values."""
        return {
            "options": list(self.options),
            "arena": self.arena,
            "overhead": round(self.overhead, 6),
            "keeps_limits": self.keeps_limits,
            "change": self.change or None,
            "operators": list(self.operators),
        }

    def __str__(self) -> str:
        compute = "" if self.overhead <= 1 else f" at F = {self.overhead:.3f}"
        still = "" if self.keeps_limits else "still "
        return f"{self.change or 'with ' + ' '.join(self.options)} {still}{self.arena:,} bytes{compute}"


def advise(planner: Planner) -> tuple[Advice, ...]:
    """Everything that would help a request further, what helps most first.

    Returns:
        Options that the request does not have yet, and changes of the model. Each gives the arena and overhead that
        are said.
    """
    if len(planner.network.units) > MOST_UNITS:
        return ()
    now = _outcome(planner, ())
    found = [advice for advice in _all(planner, now) if _helps(advice, now, planner.request.limits_there)]
    return tuple(sorted(found, key=lambda advice: (not advice.keeps_limits, advice.arena, len(advice.options))))


def _all(planner: Planner, now: Advice) -> Iterator[Advice]:
    if now.keeps_limits:
        yield from _more_compute(planner)
    for options, request in _other_ends(planner):
        other = _prepared(planner, request)
        if other is not None:
            yield _outcome(other, options)
    if not now.keeps_limits:
        yield from _second_memory(planner)
    yield from _other_models(planner)


def _second_memory(planner: Planner) -> Iterator[Advice]:
    """The arena in a board's PSRAM, its RAM for what is read and written most; if nobody says what may be used."""
    request, board = planner.request, planner.request.board
    if board is None or board.psram is None or (request.limits.ram, request.fast_ram) != (None, None):
        return
    with suppress(MsfError):
        other = _prepared(planner, replace(request, fast_ram=board.usable_ram))
        if other is not None:
            yield _outcome(other, ("--fast-ram", str(board.usable_ram)))


def _prepared(planner: Planner, request: Request) -> Planner | None:
    """The same model for another request; None for one that it cannot have, such as input that cannot be streamed."""
    try:
        return Planner.of_model(planner.original, planner.source, request)
    except MsfError:
        return None


def _more_compute(planner: Planner) -> Iterator[Advice]:
    """The same front at more MACs; only where nothing is limited, so that the user has not said what he wants."""
    limits = planner.request.limits
    if (limits.ram, limits.max_overhead, limits.max_slowdown, planner.request.board) != (None, None, None, None):
        return
    least = planner.choose(replace(limits, max_overhead=float("inf")))
    if least.plan.overhead <= FREE_OVERHEAD:
        return  # folded operators may have taken MACs away
    least_overhead = -int(-least.plan.overhead * 1000 - 1) / 1000
    for overhead in (*(o for o in OVERHEADS if o < least.plan.overhead), least_overhead):
        choice = planner.choose(replace(limits, max_overhead=overhead))
        yield Advice(("--max-overhead", f"{overhead:g}"), choice.needed, choice.plan.overhead)


def _other_ends(planner: Planner) -> Iterator[tuple[tuple[str, ...], Request]]:
    """Requests with other inputs and outputs, and the options that ask for them."""
    request, model = planner.request, planner.original
    can_be_int8 = not request.int8_io and with_int8_ends(model).main.ops != model.main.ops
    if can_be_int8:
        yield ("--int8-io",), replace(request, int8_io=True)
    if not request.stream_input:
        yield ("--stream-input",), replace(request, stream_input=True)
    if can_be_int8 and not request.stream_input:
        yield ("--stream-input", "--int8-io"), replace(request, stream_input=True, int8_io=True)


def _other_models(planner: Planner) -> Iterator[Advice]:
    """The model without what ends blocks, and with paddings where they cost nothing."""
    graph, network = planner.original.main, planner.network
    builtins = {network.in_file(unit.ops[0]) for unit in network.units if unit.stage is None}
    endings = [entry for entry in endings_json(network) if builtins.issuperset(entry["indices"])]
    for ending in endings[:MOST_CHANGES]:
        reduced = without(graph, ending["indices"])
        if reduced is not None:
            yield from _of_other_model(planner, reduced, ending["operator"], tuple(ending["indices"]))
    padded, pads = padding_themselves(network)
    if pads:
        operators = tuple(network.in_file(op) for op in pads)
        change = f"with the padding of {_named('PAD', operators)} in what reads it"
        yield replace(_outcome(replace(planner, network=padded), ()), change=change, operators=operators)


def _of_other_model(planner: Planner, graph: Graph, name: str, operators: tuple[int, ...]) -> Iterator[Advice]:
    original = replace(planner.original, graphs=(graph, *planner.original.graphs[1:]))
    other = _prepared(replace(planner, original=original), planner.request)
    if other is not None:
        yield replace(_outcome(other, ()), change=f"without {_named(name, operators)}", operators=operators)


def _named(name: str, operators: Sequence[int]) -> str:
    return f"{name} ({ranges(operators)})"


def _outcome(planner: Planner, options: tuple[str, ...]) -> Advice:
    try:
        choice = planner.choose()
        return Advice(options, choice.needed, choice.plan.overhead)
    except LimitMissedError as missed:
        return Advice(options, missed.arena, missed.overhead, keeps_limits=False)


def _helps(advice: Advice, now: Advice, limits: Limits) -> bool:
    if advice.keeps_limits != now.keeps_limits:
        return advice.keeps_limits
    is_smaller = advice.arena <= now.arena * WORTH_SAYING
    is_faster = advice.overhead <= now.overhead * WORTH_SAYING
    return is_smaller or (limits.ram is not None and now.keeps_limits and is_faster)


def choose_or_advise(planner: Planner, with_advice: bool = True) -> Choice:
    """The plan for the request's limits.

    Raises:
        LimitMissedError: if there is none; the message ends with what else would help, unless nobody wants advice.
    """
    try:
        return planner.choose()
    except LimitMissedError as missed:
        found = advise(planner)[:MOST_SAID] if with_advice else ()
        if not found:
            raise
        would = f"{str(missed).rstrip('.')}; {'; '.join(map(str, found))}."
        raise LimitMissedError(would, missed.arena, missed.overhead) from None
