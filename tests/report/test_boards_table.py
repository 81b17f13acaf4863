"""The table of boards keeps names and numbers whole in 80 columns, however large the model."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from tflm_msf.boards import load_boards
from tflm_msf.report.boards import fits_table


def test_a_model_of_megabytes_that_fits_nowhere_breaks_no_name_and_no_number() -> None:
    names = [board.name for board in load_boards()]
    missed, found = (
        {"arena": arena, "fits": False, "lacking": ["ram", "flash"], "overhead": 1.5} for arena in (1_234_567, 234_560)
    )
    fits = [
        {
            "board": name,
            "usable_ram": 999_424,
            "original": missed,
            "rewritten": found,
            "streamed": found,
            "two_memories": None,
        }
        for name in names
    ]
    console = Console(width=80, file=StringIO())
    console.print(fits_table("m.tflite", fits))
    assert isinstance(console.file, StringIO)
    shown = console.file.getvalue().splitlines()
    for name in names:
        (line,) = (line for line in shown if line.split()[:1] == [name])
        assert line.split()[2:] == ["1,234,567!rf", "234,560!rf", "234,560!rf"]
