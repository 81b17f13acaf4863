"""The command that writes a page about a model."""

from __future__ import annotations

from pathlib import Path

import click

from tflm_msf.cli.files import MODEL, STANDARD_OUTPUT, as_json, busy, check_destination, tell, write_whole
from tflm_msf.cli.request import ENDS, requested
from tflm_msf.cli.values import print_json
from tflm_msf.files import read_bytes
from tflm_msf.overview import overview
from tflm_msf.report.page import page
from tflm_msf.report.pictures import require_matplotlib
from tflm_msf.request import Request


@click.command()
@click.argument("model", type=MODEL)
@click.option("-o", "--output", type=MODEL, help="The page, - for standard output. [default: MODEL_report.html]")
@requested("ram_limit", "max_overhead", "max_slowdown", "core", "board", "target", *ENDS, "preset", "time_limit")
@as_json
def report(request: Request, model: Path, output: Path | None, as_json: bool) -> None:
    """Write a page about MODEL: one HTML file to look at, pass on or print, which needs no network.

    It shows the trade-off with the presets and limits, what lies where in memory before and after, the network with
    its blocks, RAM and MACs of each layer, the boards, and the plan that `rewrite` would choose. --json prints what it
    shows.
    """
    data = read_bytes(model)  # first: a directory, `.` say, has no name to make the page's from
    output = output or model.with_name(f"{model.stem}_report.html")
    require_matplotlib()
    check_destination(output, model)
    with busy(f"Searching the fusions of {model.name}") as say:
        found = overview(data, str(model), request, say)
        say("the pictures")
        written = page(found)
    write_whole(output, written.encode())
    is_aside = output == STANDARD_OUTPUT
    if as_json:
        print_json("report", {"output": str(output), **found}, is_aside)
    else:
        tell(f"Wrote {'to standard output' if is_aside else output}", is_aside)
