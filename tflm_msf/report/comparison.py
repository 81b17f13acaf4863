"""The presets side by side, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from tflm_msf.report.tables import plain_table
from tflm_msf.sizes import format_size


def comparison_table(compared: Mapping[str, Any]) -> Table:
    """One line per preset, one column per limit on the MAC overhead: arena total and F reached.

    Args:
        compared: what :func:`tflm_msf.compare.compare` gives.
    """
    presets = compared["presets"]
    title = f"{compared['source']}: arena total, bytes ({compared['target']['about']}), and MAC overhead"
    table = plain_table(title, "", *next(iter(presets.values())))
    original = compared["original"]["arena"] or {}
    table.add_row("TFLM today", format_size(original.get("total")), end_section=True)
    if compared["step"]:
        whole = format_size((compared["step"]["arena_of_window"] or {}).get("total"))
        table.add_row(f"the window as a whole ({compared['step']['macs_of_window']:,} MACs)", whole)
        table.add_row(f"a step ({compared['macs']:,} MACs)", end_section=True)
    for name, points in presets.items():
        table.add_row(name, *(_cell(point) for point in points.values()))
    return table


def _cell(point: Mapping[str, Any] | None) -> str:
    if point is None:
        return "no plan"
    size = format_size((point["arena"] or {}).get("total"))
    return f"{size}  {point['overhead']:.3f}"
