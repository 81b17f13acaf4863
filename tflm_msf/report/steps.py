"""How many rows a step takes: what each number of them costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rich.table import Table

from tflm_msf.cost.time_model import load_costs
from tflm_msf.errors import LimitMissedError
from tflm_msf.network.time_axis import fitting_hops
from tflm_msf.planner import Planner
from tflm_msf.report.tables import plain_table
from tflm_msf.report.values import state_bytes
from tflm_msf.sizes import format_size

MOST_HOPS = 12
"""Hops that are planned for a front, spread over what there is."""


def hops_json(planner: Planner) -> list[dict[str, Any]]:
    """The least arena at no extra compute, or within the request's limits, for steps of different hops."""
    points = []
    network = Planner.of_model(planner.original, planner.source, replace(planner.request, stateful=None)).network
    for hop in _spread(fitting_hops(network, planner.source)):
        other = planner.with_hop(hop)
        try:
            choice = other.choose()
        except LimitMissedError:
            continue
        arena = choice.arena_on(other.request.shown)
        step = other.step
        assert step is not None
        points.append(
            {
                "hop": hop,
                "warm_up": step.warm_up,
                "macs": choice.plan.macs,
                "macs_per_row": round(choice.plan.macs / hop, 3),
                "instructions": {core: round(choice.instructions(core)) for core in load_costs()},
                "state": state_bytes(choice.model),
                "total": arena.total if arena else None,
                "minimum": choice.needed if arena else None,
            }
        )
    return points


def _spread(hops: Sequence[int]) -> list[int]:
    """At most :data:`MOST_HOPS` of them, the first and the last among them, the more the smaller they are."""
    if len(hops) <= MOST_HOPS:
        return list(hops)
    ratio = len(hops) ** (1 / (MOST_HOPS - 1))
    places = {0, len(hops) - 1, *(min(round(ratio**k) - 1, len(hops) - 1) for k in range(MOST_HOPS))}
    return [hops[place] for place in sorted(places)]


def hops_table(points: Sequence[Mapping[str, Any]], core: str) -> Table:
    """What a step takes, by the rows that it takes."""
    title = f"Steps by new rows; {core}: estimated instructions of a step"
    table = plain_table(title, "rows", "MACs", "MACs a row", core, "arena", "limit", "state", "warm-up")
    for point in points:
        table.add_row(
            str(point["hop"]),
            f"{point['macs']:,}",
            f"{point['macs_per_row']:,.0f}",
            f"{point['instructions'][core]:,}",
            format_size(point["total"]),
            format_size(point["minimum"]),
            format_size(point["state"]),
            f"{point['warm_up']} steps",
        )
    return table
