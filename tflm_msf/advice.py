"""What else would help a model, and by how much: other requests, planned like the one that was made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from tflm_msf.choice import FREE_OVERHEAD, Choice
from tflm_msf.errors import LimitMissedError, MsfError
from tflm_msf.graph.edges import with_int8_ends
from tflm_msf.planner import Planner
from tflm_msf.request import Limits, Request

OVERHEADS = (1.1, 1.3)
"""MAC overheads that are tried, besides the least at which the least arena is reached."""

WORTH_SAYING = 0.98
"""Advice is given if it brings the arena (or else the overhead) down to this share of what it is, or below."""

MOST_SAID = 3
"""Pieces of advice that people are told; `--json` has all of them."""

MOST_UNITS = 150
"""Larger networks are not planned anew for advice: that takes as long as their planning, up to three times."""


@dataclass(frozen=True)
class Advice:
    """Options to add to the command, and what it then gives.

    ``arena`` is in bytes, and suffices on the request's targets; ``keeps_limits`` is False where those are still missed
    and ``arena`` is the least that can be reached.
    """

    options: tuple[str, ...]
    arena: int
    overhead: float
    keeps_limits: bool = True

    def to_json(self) -> dict[str, Any]:
        """In plain values."""
        return {
            "options": list(self.options),
            "arena": self.arena,
            "overhead": round(self.overhead, 6),
            "keeps_limits": self.keeps_limits,
        }

    def __str__(self) -> str:
        compute = "" if self.overhead <= 1 else f" at F = {self.overhead:.3f}"
        still = "" if self.keeps_limits else "still "
        return f"with {' '.join(self.options)} {still}{self.arena:,} bytes{compute}"


def advise(planner: Planner) -> tuple[Advice, ...]:
    """Everything that would help a request further, what helps most first.

    Returns:
        Options that the request does not have yet. Each, added to it, gives the arena and overhead that are said.
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


def choose_or_advise(planner: Planner) -> Choice:
    """The plan for the request's limits.

    Raises:
        LimitMissedError: if there is none; the message ends with what else would help.
    """
    try:
        return planner.choose()
    except LimitMissedError as missed:
        found = advise(planner)[:MOST_SAID]
        if not found:
            raise
        would = f"{str(missed).rstrip('.')}; {'; '.join(map(str, found))}."
        raise LimitMissedError(would, missed.arena, missed.overhead) from None
