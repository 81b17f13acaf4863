"""Whether fronts are as good as they were: ``python -m benchmarks.fronts [--write]``.

Plans every corpus model, with its input in a tensor and streamed, and compares the front with the one that is kept in
``fronts.json``: the same points, or some that are better and none that is worse. ``--write`` keeps today's.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click
from rich.console import Console
from rich.table import Table

from testing.corpus import model_paths
from tflm_msf.errors import MsfError
from tflm_msf.planner import Planner
from tflm_msf.request import Request

KEPT = Path(__file__).parent / "fronts.json"

SECONDS = 600
"""Time limit for a search: a computer that is slow, or busy, finds the same plans."""


class Plan(NamedTuple):
    """A point of a front: MACs, bytes of arena, and whether nothing beats it for certain."""

    macs: int
    needed: int
    proved: bool


def front_of(data: bytes, name: str, is_streamed: bool) -> list[Plan]:
    """The front of a model. Raises MsfError if it cannot be planned so."""
    planner = Planner.of(data, name, Request(stream_input=is_streamed, time_limit=SECONDS))
    return [Plan(choice.plan.macs, choice.needed, choice.plan.proved) for choice in planner.front]


def fronts() -> Iterator[tuple[str, list[Plan]]]:
    """Each corpus model that can be planned, as it is and streamed."""
    for path in model_paths():
        for is_streamed, name in ((False, path.stem), (True, f"{path.stem}, streamed")):
            plans = _front_of_file(path, is_streamed)
            if plans is not None:
                yield name, plans


def _front_of_file(path: Path, is_streamed: bool) -> list[Plan] | None:
    try:
        return front_of(path.read_bytes(), path.name, is_streamed)
    except MsfError as error:
        click.echo(f"fronts: left out: {error}", err=True)
        return None


def verdict(before: Sequence[Plan], now: Sequence[Plan]) -> str:
    """How a front compares with what it was: ``equal``, ``better`` or ``worse``, or ``new`` if there was none.

    Worse is a point that is met by none, or that was proved and is met only by its equal, unproved. A proved point that
    is beaten is not lost: more kinds of block are searched than when it was proved.
    """
    if not before:
        return "new"
    if not all(any(new.macs <= old.macs and new.needed <= old.needed for new in now) for old in before):
        return "worse"
    if any(old.proved and not _is_proved_or_beaten(old, now) for old in before):
        return "worse"
    return "equal" if [plan[:2] for plan in before] == [plan[:2] for plan in now] else "better"


def _is_proved_or_beaten(old: Plan, now: Sequence[Plan]) -> bool:
    met = [new for new in now if new.macs <= old.macs and new.needed <= old.needed]
    return any(new.proved or new[:2] != old[:2] for new in met)


def load() -> Mapping[str, list[Plan]]:
    """The fronts that are kept."""
    if not KEPT.exists():
        return {}
    return {name: [Plan(*plan) for plan in plans] for name, plans in json.loads(KEPT.read_text()).items()}


def _store(found: Mapping[str, Sequence[Plan]]) -> None:
    lines = (f"  {json.dumps(name)}: {json.dumps(plans)}" for name, plans in sorted(found.items()))
    KEPT.write_text("{\n" + ",\n".join(lines) + "\n}\n")


@click.command(help=__doc__)
@click.option("--write", is_flag=True, help="Keep today's fronts.")
def main(write: bool) -> None:
    """Plan, compare, print, and end with 1 if a front is worse."""
    table = Table("model")
    for title in ("plans", "proved", "least arena", "verdict"):
        table.add_column(title, justify="right")
    before, found, verdicts = load(), {}, []
    for name, plans in fronts():
        found[name] = plans
        verdicts.append(verdict(before.get(name, ()), plans))
        proved = sum(plan.proved for plan in plans)
        table.add_row(name, f"{len(plans)}", f"{proved}", f"{min(plan.needed for plan in plans):,}", verdicts[-1])
    Console().print(table)
    if write:
        _store(found)
    sys.exit("worse" in verdicts and not write)


if __name__ == "__main__":
    main()
