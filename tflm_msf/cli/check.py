"""The command that continuous integration calls: are limits kept, and is it still the same model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tflm_msf.check import Place, read_limits
from tflm_msf.check import check as check_limits
from tflm_msf.cli.files import MODEL, as_json, busy, show
from tflm_msf.cli.request import ENDS, requested
from tflm_msf.cli.values import print_json
from tflm_msf.errors import MsfError
from tflm_msf.files import read_bytes
from tflm_msf.report.checks import checks_table
from tflm_msf.request import Request
from tflm_msf.tflite_io import read_model
from tflm_msf.verify import VerifyReport, verify

UNREADABLE, LIMIT_MISSED, OTHER_BITS = 3, 4, 1
RUNS = 5


@click.command()
@click.argument("models", metavar="MODEL...", type=MODEL, nargs=-1, required=True)
@click.option("--limits", "limits_file", type=MODEL, required=True, help="A TOML file of limits; see above.")
@click.option("--original", type=MODEL, help="Compare MODEL, a rewritten one, with this in TFLM.")
@requested(*ENDS)
@as_json
def check(request: Request, models: tuple[Path, ...], limits_file: Path, original: Path | None, as_json: bool) -> None:
    """Check every MODEL against limits, for continuous integration.

    An original is taken as `rewrite` makes it within the limits, a rewritten model as it is. Each table of the TOML
    file is a place where the model has to run; every key is optional:

    \b
    [camera]
    board = "nucleo_f446re"   # its RAM, core and target
    target = "mcu32"          # whose arena counts; without: what suffices on any
    core = "m4"               # whose instructions are estimated
    arena = "64KiB"
    flash = "256KiB"          # of the model file
    overhead = 1.1            # MAC overhead factor F
    instructions = 20e6       # of one inference, estimated

    \b
    Exit status: 0 all limits are kept    3 a file cannot be read, or not rewritten
                 1 not the same bits      4 a limit is missed
                 2 wrong usage
    """  # noqa: D301 - \b is for click
    if original is not None and len(models) > 1:
        raise MsfError("--original is that of one model, and several were given.")
    places = read_limits(_text(limits_file), str(limits_file))
    try:
        found = [entry for model in models for entry in _check(model, places, request)]
        verified = None if original is None else _verified(original, models[0])
    except MsfError as error:
        error.status = UNREADABLE
        raise
    is_kept = all(entry["kept"] for entry in found)
    report = {
        "kept": is_kept,
        "bit_exact": verified.passed if verified else None,
        "outputs_equal": verified.bit_exact if verified else None,
        "problems": list(verified.problems) if verified else [],
        "limits": found,
    }
    if as_json:
        print_json("check", report)
    else:
        show(checks_table(report))
    if verified is not None and not verified.passed:
        raise SystemExit(OTHER_BITS)
    if not is_kept:
        raise SystemExit(LIMIT_MISSED)


def _check(model: Path, places: tuple[Place, ...], request: Request) -> list[dict[str, Any]]:
    data = read_bytes(model)
    with busy(f"Searching the fusions of {model.name}"):
        found = check_limits(read_model(data, str(model)), len(data), str(model), places, request)
    return [{"source": str(model), **checked.to_json()} for checked in found]


def _text(path: Path) -> str:
    try:
        return read_bytes(path).decode()
    except UnicodeDecodeError:
        raise MsfError(f"{path} is no TOML: it holds bytes that are no UTF-8.") from None


def _verified(original: Path, model: Path) -> VerifyReport:
    sources = (str(original), str(model))
    return verify(read_bytes(original), read_bytes(model), RUNS, sources=sources)
