"""What a model would take under each preset, side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tflm_msf.choice import Choice, predicted
from tflm_msf.errors import MsfError
from tflm_msf.planner import DEFAULT_REQUEST, Planner
from tflm_msf.report.values import arena_json, size_json, step_json
from tflm_msf.request import Limits, Request
from tflm_msf.search.presets import Preset

LIMITS: Mapping[str, float] = {"F=1": 1.0, "F<=1.1": 1.1, "F<=1.3": 1.3, "least RAM": math.inf}
"""The points that are compared: the least RAM for at most that MAC overhead."""


def compare(data: bytes, source: str, request: Request = DEFAULT_REQUEST) -> dict[str, Any]:
    """The least arena of a model at a few limits on the MAC overhead, for every preset.

    Args:
        data: a ``.tflite`` file.
        source: what to call it in messages.
        request: what to make of it; its preset and limits do not matter.

    Returns:
        Plain values: ``original`` (its arena in bytes on ``target``, None where not predicted) and ``presets``, which
        gives each preset's point for each of :data:`LIMITS`, or None where the preset has no plan of the model.
        ``step`` says of a step model what its window takes as a whole.

    Raises:
        MsfError: if the model cannot be read or rewritten.
    """
    planner = Planner.of(data, source, request)
    return {
        "source": source,
        "macs": planner.network.macs,
        "target": request.shown.to_json(),
        "original": {"arena": arena_json(planner.original, request.shown)},
        "step": step_json(planner, planner.within(Preset.FULL).choose(Limits())),
        "presets": {preset.value: _points(planner.within(preset)) for preset in Preset},
    }


def front_curves(planner: Planner) -> dict[str, list[tuple[float, int]]]:
    """The fronts of all presets that have one, each as (MAC overhead factor, bytes of arena) of its plans.

    As staircases, down to the right: plans that are there for their time alone are left out.
    """
    fronts = {preset.value: front_within(planner, preset) for preset in Preset}
    return {name: _staircase(front) for name, front in fronts.items() if front}


def _staircase(front: Sequence[Choice]) -> list[tuple[float, int]]:
    steps: list[tuple[float, int]] = []
    for choice in sorted(front, key=lambda choice: (choice.plan.macs, -choice.needed)):
        if not steps or choice.needed < steps[-1][1]:
            steps.append((choice.plan.overhead, choice.needed))
    return steps


def front_within(planner: Planner, preset: Preset) -> tuple[Choice, ...]:
    """A preset's front; empty where it has no plan of the model.

    Rows that a streaming model keeps are in blocks, and those of `layerwise`, one operator each, may not hold them.
    """
    try:
        return planner.within(preset).front
    except MsfError:
        if preset is Preset.FULL:
            raise
        return ()


def tflm_today(planner: Planner) -> int | None:
    """Bytes of arena with which the original model starts, or None if not predicted."""
    sizes = [predicted(planner.original, target) for target in planner.request.targets]
    return max((size.minimum for size in sizes if size), default=None)


def _points(planner: Planner) -> dict[str, Any]:
    has_plans = bool(front_within(planner, planner.request.preset))
    return {name: _point(planner, limit) if has_plans else None for name, limit in LIMITS.items()}


def _point(planner: Planner, max_overhead: float) -> dict[str, Any]:
    choice = planner.choose(Limits(max_overhead=max_overhead))
    return {
        "overhead": round(choice.plan.overhead, 6),
        "macs": choice.plan.macs,
        "head": choice.plan.head,
        "blocks": len(choice.plan.blocks),
        "arena": size_json(choice.arena_on(planner.request.shown)),
    }
