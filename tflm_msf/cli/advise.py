"""The command that says which changes of a network would pay."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Group, RenderableType
from rich.text import Text

from tflm_msf.cli.files import MODEL, as_json, busy, show
from tflm_msf.cli.request import EVERYTHING, requested
from tflm_msf.cli.values import print_json
from tflm_msf.files import read_bytes
from tflm_msf.planner import Planner
from tflm_msf.redesign import Redesign, Redesigns, redesigns
from tflm_msf.report.tables import plain_table
from tflm_msf.request import Request

MOST_SHOWN = 12
"""Changes in the table; `--json` has all."""


@click.command()
@click.argument("model", type=MODEL)
@requested(*EVERYTHING)
@as_json
def advise(request: Request, model: Path, as_json: bool) -> None:
    """Show which changes of MODEL's network would bring its arena down, and by how much.

    For people who can still train it. Each changed network is planned within the same limits: a smaller input, smaller
    windows, fewer channels and strides taken earlier where memory peaks, a block moved from an early stage to a later
    one, no padding along time. What a change does to accuracy, only training tells.
    """
    with busy(f"Planning changes of {model.name}") as say:
        found = redesigns(Planner.of(read_bytes(model), str(model), request), say)
    if as_json:
        changes = [each.to_json() for each in found.found]
        print_json("advise", {"source": str(model), "now": found.now.to_json(), "changes": changes})
    else:
        show(_table(model.name, request, found))


def _table(name: str, request: Request, redesigns: Redesigns) -> RenderableType:
    core = request.limits_there.timed_on
    table = plain_table(
        f"{name}: changes of the network", "operators", "arena", "MACs", f"instr. {core}", texts=("operators", "change")
    )
    table.add_column("change")
    now = redesigns.now
    table.add_row("", f"{now.arena:,}", f"{now.macs:,}", f"{now.instructions:,}", "as it is")
    for each in redesigns.found[:MOST_SHOWN]:
        table.add_row(*_row(each))
    if not redesigns.found:
        return Group(table, Text("No change that was tried brings the arena down."))
    return Group(table, Text("Accuracy is for training to tell."))


def _row(each: Redesign) -> tuple[str, ...]:
    outcome = each.outcome
    arena = f"{outcome.arena:,}" if outcome.keeps_limits else f"{outcome.arena:,} (too much)"
    where = ", ".join(map(str, each.operators)) or "input"
    return where, arena, f"{outcome.macs:,}", f"{outcome.instructions:,}", each.what
