"""The command that rewrites a model."""

from __future__ import annotations

from pathlib import Path

import click

from tflm_msf.advice import advise
from tflm_msf.cli.files import MODEL, STANDARD_OUTPUT, as_json, busy, check_destination, show, tell, write_whole
from tflm_msf.cli.request import EVERYTHING, requested
from tflm_msf.cli.values import print_json
from tflm_msf.errors import MsfError
from tflm_msf.files import read_bytes
from tflm_msf.report.tables import rewrite_table
from tflm_msf.request import Request
from tflm_msf.rewrite import rewrite_file


@click.command()
@click.argument("model", type=MODEL)
@click.option(
    "-o",
    "--output",
    type=MODEL,
    help="The rewritten model, - for standard output. [default: MODEL_msf.tflite]",
)
@click.option("--in-place", is_flag=True, help="Put the rewritten model in MODEL's place, which is then lost.")
@click.option("--advice/--no-advice", "with_advice", default=True, help="Plan what else would help, and say it.")
@requested(*EVERYTHING)
@as_json
def rewrite(
    request: Request, model: Path, output: Path | None, in_place: bool, with_advice: bool, as_json: bool
) -> None:
    """Rewrite MODEL so that it takes less arena.

    Without a limit: the least RAM at no extra compute (F = 1), for at most 1.1 times the estimated time on --core.
    --ram-limit: the fastest that fits.
    --max-overhead: the least RAM for at most F times the multiply-accumulates, and 1.1 F times the time of the fastest
    such plan. Both: what fits, if it stays below F.
    --max-slowdown: the least RAM for at most so many times the estimated time of the fastest plan; with --ram-limit,
    the fastest that fits, if it stays below.
    --board: as --ram-limit, with what the board has, by what TFLM allocates on it; --ram-limit may lower it.
    """
    data = read_bytes(model)
    output = _destination(model, output, in_place)
    with busy(f"Searching the fusions of {model.name}") as say:
        result = rewrite_file(data, str(model), request, say, with_advice)
        advice = advise(result.planner) if result.planner and with_advice else ()
    write_whole(output, result.data)
    report = {"output": str(output), **result.report, "advice": [found.to_json() for found in advice]}
    is_aside = output == STANDARD_OUTPUT
    if as_json:
        print_json("rewrite", report, is_aside)
        return
    if report["already_rewritten"]:
        tell(f"{model} was rewritten by tflm-msf already and stays as it is.", is_aside)
    else:
        show(rewrite_table(report), is_aside)
    tell(f"Wrote {'to standard output' if is_aside else output}", is_aside)


def _destination(model: Path, output: Path | None, in_place: bool) -> Path:
    """Where the rewritten model goes. Raises MsfError if it may not go there."""
    if in_place:
        if output is not None:
            raise MsfError("--in-place and -o name two places for the rewritten model: give one of them.")
        check_destination(model)
        return model
    chosen = output or model.with_name(f"{model.stem}_msf.tflite")
    check_destination(chosen, model)
    return chosen
