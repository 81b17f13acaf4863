"""What a model would take under each preset, side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tflm_msf.arena import MCU32, WHEEL64
from tflm_msf.choice import Limits, predicted
from tflm_msf.fusion.presets import Preset
from tflm_msf.rewrite import Planner, arena_json

LIMITS: Mapping[str, float] = {"F=1": 1.0, "F<=1.1": 1.1, "F<=1.3": 1.3, "least RAM": math.inf}
"""The points that are compared: the least RAM for at most that MAC overhead."""


def compare(data: bytes, source: str, stream_input: bool = False, int8_io: bool = False) -> dict[str, Any]:
    """The least arena of a model at a few limits on the MAC overhead, for every preset.

    Args:
        data: a ``.tflite`` file.
        source: what to call it in messages.
        stream_input: see :meth:`tflm_msf.rewrite.Planner.of`.
        int8_io: see :meth:`tflm_msf.rewrite.Planner.of`.

    Returns:
        Plain values: ``original`` (arena in bytes, ``arena`` on this computer and ``arena32`` on a 32-bit MCU, None
        where not predicted) and ``presets``, which gives each preset's point for each of :data:`LIMITS`.

    Raises:
        MsfError: if the model cannot be read or rewritten.
    """
    planner = Planner.of(data, source, stream_input, int8_io)
    return {
        "source": source,
        "macs": planner.network.macs,
        "original": {"arena": arena_json(planner.model, WHEEL64), "arena32": arena_json(planner.model, MCU32)},
        "presets": {preset.value: _points(replace(planner, preset=preset)) for preset in Preset},
    }


def front_curves(planner: Planner) -> dict[str, list[tuple[float, int]]]:
    """The fronts of all presets, each as (MAC overhead factor, bytes of arena) of its plans."""
    return {
        preset.value: [(choice.plan.overhead, choice.needed) for choice in replace(planner, preset=preset).front]
        for preset in Preset
    }


def tflm_today(planner: Planner) -> int | None:
    """Bytes of arena with which the original model starts, or None if not predicted."""
    size = predicted(planner.model, WHEEL64)
    return size.minimum if size else None


def _points(planner: Planner) -> dict[str, Any]:
    return {name: _point(planner, limit) for name, limit in LIMITS.items()}


def _point(planner: Planner, max_overhead: float) -> dict[str, Any]:
    choice = planner.choose(Limits(max_overhead=max_overhead))
    return {
        "overhead": round(choice.plan.overhead, 6),
        "macs": choice.plan.macs,
        "head": choice.plan.head,
        "blocks": len(choice.plan.blocks),
        "arena": arena_json(choice.model, WHEEL64),
        "arena32": arena_json(choice.model, MCU32),
    }
