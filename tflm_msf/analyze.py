"""The first look at a model: what it takes and why, what rewriting gives, where it fits, what stands in the way."""

from __future__ import annotations

from typing import Any

from tflm_msf.advice import advise, choose_or_advise
from tflm_msf.boards import load_boards
from tflm_msf.endings import endings_json
from tflm_msf.fits import Fit, find_fits
from tflm_msf.inspect import peak
from tflm_msf.planner import DEFAULT_REQUEST, Planner
from tflm_msf.report.values import arena_json, need_json, size_json, time_json
from tflm_msf.request import Request
from tflm_msf.tflite_io import read_model


def analyze(data: bytes, source: str, request: Request = DEFAULT_REQUEST) -> dict[str, Any]:
    """Everything that the first screen says, in plain values; sizes in bytes.

    Args:
        data: an original ``.tflite`` file.
        source: what to call it in messages.
        request: what to make of it; without limits that it cannot keep.

    Raises:
        MsfError: if the model cannot be read or rewritten.
    """
    model = read_model(data, source)
    planner = Planner.of_model(model, source, request)
    choice = choose_or_advise(planner)
    target = request.shown
    return {
        "source": source,
        "operators": len(model.main.ops),
        "macs": planner.network.macs,
        "flash": len(data),
        "target": target.to_json(),
        "original": {"arena": arena_json(model, target), "peak": peak(model)},
        "rewritten": {
            "arena": size_json(choice.arena_on(target)),
            "needed": need_json(choice.arena_on, request.targets),
            "overhead": round(choice.plan.overhead, 6),
            "blocks": len(choice.plan.blocks),
            "time": time_json(planner, choice),
        },
        "boards": boards_that_hold(find_fits(data, source, load_boards(), request)),
        "in_the_way": endings_json(planner.network),
        "advice": [advice.to_json() for advice in advise(planner)],
        "next": f"tflm-msf rewrite {source}",
    }


def boards_that_hold(fits: list[Fit]) -> dict[str, list[str]]:
    """Boards that hold each version of the model, those with the least RAM first."""
    ordered = sorted(fits, key=lambda fit: fit.board.usable_ram)
    versions = ("original", "rewritten", "streamed")
    return {
        version: [fit.board.name for fit in ordered if (held := getattr(fit, version)) and held.fits(fit.board)]
        for version in versions
    }
