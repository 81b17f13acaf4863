"""The commands about boards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tflm_msf.boards import Board, load_boards
from tflm_msf.cli.files import MODEL, as_json, busy, show
from tflm_msf.cli.request import requested
from tflm_msf.cli.values import print_json
from tflm_msf.files import read_bytes
from tflm_msf.fits import find_fits
from tflm_msf.report.boards import boards_table, fits_table
from tflm_msf.request import Request


def _to_json(board: Board) -> dict[str, Any]:
    place = board.platformio
    return {
        "name": board.name,
        "title": board.title,
        "mcu": board.mcu,
        "core": board.core,
        "flags": list(board.flags),
        "ram": board.ram,
        "usable_ram": board.usable_ram,
        "flash": board.flash,
        "usable_flash": board.usable_flash,
        "psram": None if board.psram is None else {"size": board.psram.size, "speed": board.psram.speed},
        "tflm": board.tflm,
        "target": board.target.to_json(),
        "platformio": {"platform": place.platform, "board": place.board, "framework": place.framework},
    }


@click.command()
@as_json
def boards(as_json: bool) -> None:
    """List the boards that --board takes, and what they leave to an application.

    RAM is the largest piece that a program can have as one array, less an estimate of what core, RTOS and stack take.
    """
    listed = [_to_json(board) for board in load_boards()]
    if as_json:
        print_json("boards", {"boards": listed})
    else:
        show(boards_table(listed))


@click.command()
@click.argument("model", type=MODEL)
@requested("int8_io")
@as_json
def fits(request: Request, model: Path, as_json: bool) -> None:
    """Show which boards hold MODEL: as it is, rewritten, and rewritten with streamed input; at what MAC overhead F.

    Arena sizes are those that TFLM will allocate on the board. Flash is counted with an estimate of TFLM's code.
    """
    with busy(f"Searching the fusions of {model.name}"):
        found = [fit.to_json() for fit in find_fits(read_bytes(model), str(model), load_boards(), request)]
    if as_json:
        print_json("fits", {"source": str(model), "boards": found})
    else:
        show(fits_table(model.name, found))
