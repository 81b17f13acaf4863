"""The command for a first look at a model."""

from __future__ import annotations

from pathlib import Path

import click

from tflm_msf.analyze import analyze as analyze_model
from tflm_msf.cli.files import MODEL, as_json, busy, show
from tflm_msf.cli.request import ENDS, requested
from tflm_msf.cli.values import print_json
from tflm_msf.files import read_bytes
from tflm_msf.report.analysis import analysis_screen
from tflm_msf.request import Request


@click.command()
@click.argument("model", type=MODEL)
@requested(*ENDS, "board", "target")
@as_json
def analyze(request: Request, model: Path, as_json: bool) -> None:
    """Show on one screen what MODEL takes in TFLM and why, what rewriting gives, which boards hold it, what is in the
    way, what else would help, and the next command.
    """
    data = read_bytes(model)
    with busy(f"Searching the fusions of {model.name}"):
        found = analyze_model(data, str(model), request)
    if as_json:
        print_json("analyze", found)
    else:
        show(analysis_screen(found))
