"""The command that rewrites a model."""

from __future__ import annotations

from pathlib import Path

import click

from tflm_msf.cli.files import MODEL, as_json, busy, print_json, read_file, write_whole
from tflm_msf.cli.request import EVERYTHING, requested
from tflm_msf.report.tables import rewrite_table, show
from tflm_msf.request import Request
from tflm_msf.rewrite import rewrite_file


@click.command()
@click.argument("model", type=MODEL)
@click.option("-o", "--output", type=MODEL, help="The rewritten model. [default: MODEL_msf.tflite beside MODEL]")
@requested(*EVERYTHING)
@as_json
def rewrite(request: Request, model: Path, output: Path | None, as_json: bool) -> None:
    """Rewrite MODEL so that it takes less arena.

    Without a limit: the least RAM at no extra compute (F = 1). --ram-limit: the least compute that fits.
    --max-overhead: the least RAM for at most F times the multiply-accumulates. Both: what fits, if it stays below F.
    --max-slowdown: the least RAM for at most so many times the estimated time of the fastest plan on --core; with
    --ram-limit, the fastest that fits, if it stays below.
    --board: as --ram-limit, with what the board has, by what TFLM allocates on it; --ram-limit may lower it.
    """
    output = output or model.with_name(f"{model.stem}_msf.tflite")
    with busy(f"Searching the fusions of {model.name}") as say:
        result = rewrite_file(read_file(model), str(model), request, say)
    write_whole(output, result.data)
    report = {"output": str(output), **result.report}
    if as_json:
        print_json(report)
        return
    if report["already_rewritten"]:
        click.echo(f"{model} was rewritten by tflm-msf already and stays as it is.")
    else:
        show(rewrite_table(report))
    click.echo(f"Wrote {output}")
