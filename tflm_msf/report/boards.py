"""Tables about boards, from the values that ``--json`` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from tflm_msf.report.tables import plain_table
from tflm_msf.sizes import format_size

Json = Mapping[str, Any]


def boards_table(boards: Sequence[Json]) -> Table:
    """One line per board."""
    table = plain_table("Boards; bytes left to an application", "name", "chip", "core", "RAM", "flash")
    for board in boards:
        sizes = (format_size(board["usable_ram"]), format_size(board["usable_flash"]))
        table.add_row(board["name"], board["mcu"], board["core"], *sizes)
    return table


def fits_table(model: str, fits: Sequence[Json]) -> Table:
    """One line per board: does the model fit as it is, rewritten, and with its input streamed besides."""
    columns = ("board", "RAM", "original", "rewritten", "F", "streamed", "F")
    table = plain_table(f"{model}: arena on each board, bytes", *columns)
    for fit in fits:
        row = [fit["board"], format_size(fit["usable_ram"]), *_cells(fit["original"])[:1]]
        row += [cell for version in ("rewritten", "streamed") for cell in _cells(fit[version])]
        gained = not fit["original"]["fits"] and any(fit[v] and fit[v]["fits"] for v in ("rewritten", "streamed"))
        table.add_row(*row, style="green" if gained else "")
        if fit["two_memories"]:
            table.add_row(_in_two(fit["two_memories"]))
    table.caption = "!r: too little RAM. !f: too little flash. Green: boards that hold the model only now."
    table.caption_justify = "left"
    return table


def _in_two(fit: Json) -> str:
    return (
        f" with {fit['psram'] >> 20} MB PSRAM: {fit['fast']:,} fast, {fit['slow']:,} slow, {fit['traffic']:,} bytes of "
        f"traffic, F = {fit['overhead']:.2f}"
    )


def _cells(version: Json | None) -> tuple[str, str]:
    """Arena and overhead; where it does not fit, what is lacking."""
    if version is None:
        return "-", ""
    arena = format_size(version["arena"])
    if version["fits"]:
        return arena, f"{version['overhead']:.2f}"
    return f"{arena}!{''.join(what[0] for what in version['lacking'])}", ""
