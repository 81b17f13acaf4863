"""Which changes of a network would make it take less: each is planned, so that what is said is what follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tflm_msf.choice import Choice
from tflm_msf.errors import LimitMissedError, MsfError
from tflm_msf.layers import Layer
from tflm_msf.layers.build import model_of
from tflm_msf.layers.changes import Change, changes
from tflm_msf.layers.read import layers_of
from tflm_msf.planner import Planner
from tflm_msf.request import Request
from tflm_msf.search.effort import Say, silent

WORTH_SAYING = 0.98
"""A change is told of if it brings the arena down to this share of what it is, or below."""

MOST_TRIED = 120
"""Changes that are planned."""


@dataclass(frozen=True)
class Outcome:
    """What a network takes: bytes of arena, MACs, and estimated instructions on the request's core.

    ``keeps_limits`` is False where limits are missed, and the least arena is what counts.
    """

    arena: int
    macs: int
    instructions: int
    keeps_limits: bool

    def to_json(self) -> dict[str, Any]:
        """In plain values."""
        return {
            "arena": self.arena,
            "macs": self.macs,
            "instructions": self.instructions,
            "keeps_limits": self.keeps_limits,
        }


@dataclass(frozen=True)
class Redesign:
    """A change, the operators of the file that it is about, and what the network takes then."""

    what: str
    operators: tuple[int, ...]
    layers: tuple[Layer, ...]
    outcome: Outcome

    def to_json(self) -> dict[str, Any]:
        """In plain values."""
        return {"change": self.what, "operators": list(self.operators), **self.outcome.to_json()}


@dataclass(frozen=True)
class Redesigns:
    """What a network takes ``now``, and its changes, what helps most first."""

    now: Outcome
    found: tuple[Redesign, ...]


def redesigns(planner: Planner, say: Say = silent) -> Redesigns:
    """Changes of a model's network that bring its arena down, within the request's limits.

    What a change does to accuracy only training tells.

    Args:
        planner: the model, and what is to be made of it.
        say: hears what is being done.

    Raises:
        MsfError: for a model with operators that no layer stands for.
    """
    plain = Planner.of_model(planner.original, planner.source)
    layers = layers_of(plain.model, planner.source)
    now = _outcome(planner)
    inputs = sum(layer.kind == "input" for layer in layers)
    operators = [plain.network.in_file(number) for number in range(len(layers) - inputs)]
    found = []
    tried = [*changes(layers, _near_the_peak(planner, inputs, len(layers)))][:MOST_TRIED]
    for number, change in enumerate(tried):
        say(f"{number + 1} of {len(tried)} changes planned")
        outcome = _planned(change, planner.request)
        if outcome is not None and _helps(outcome, now):
            about = tuple(operators[n - inputs] for n in change.numbers if n >= inputs)
            found.append(Redesign(change.what, about, change.layers, outcome))
    best = sorted(found, key=lambda each: (not each.outcome.keeps_limits, each.outcome.arena, each.outcome.macs))
    return Redesigns(now, tuple(best))


def _planned(change: Change, request: Request) -> Outcome | None:
    """None for a network that cannot be planned, or not so."""
    try:
        return _outcome(Planner.of_model(model_of(change.layers), "the changed network", request))
    except MsfError:
        return None


def _near_the_peak(planner: Planner, inputs: int, count: int) -> range:
    """The layers of the step that takes most, of the one before it and of the one behind it."""
    try:
        choice = planner.choose()
    except LimitMissedError:
        choice = min(planner.front, key=lambda choice: choice.needed)
    steps = choice.plan.steps
    peak = max(range(len(steps)), key=lambda number: steps[number].edge.head)
    around = steps[max(peak - 1, 0) : peak + 2]
    units = choice.network.units[around[0].edge.first : around[-1].edge.last + 1]
    ops = [op for unit in units for op in unit.ops]
    return range(min(ops) + inputs, min(max(ops) + inputs + 1, count))


def _outcome(planner: Planner) -> Outcome:
    try:
        choice, keeps_limits = planner.choose(), True
    except LimitMissedError:
        choice, keeps_limits = min(planner.front, key=lambda choice: choice.needed), False
    return _outcome_of(choice, planner, keeps_limits)


def _outcome_of(choice: Choice, planner: Planner, keeps_limits: bool) -> Outcome:
    core = planner.request.limits_there.timed_on
    return Outcome(choice.needed, choice.plan.macs, round(choice.instructions(core)), keeps_limits)


def _helps(outcome: Outcome, now: Outcome) -> bool:
    if outcome.keeps_limits != now.keeps_limits:
        return outcome.keeps_limits
    return outcome.arena <= now.arena * WORTH_SAYING
