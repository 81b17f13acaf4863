"""The result of `check` as a table."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from tflm_msf.printable import printable
from tflm_msf.report.tables import Json, plain_table


def checks_table(report: Json) -> RenderableType:
    """One line for each limit, then the verdict."""
    table = plain_table("Limits", "model", "where", "what", "limit", "found", "", texts=["where"])
    for entry in report["limits"]:
        found = "not known" if entry["value"] is None else _number(entry["value"])
        missed = "" if entry["kept"] else "MISSED"
        table.add_row(entry["source"], entry["place"], entry["what"], _number(entry["limit"]), found, missed)
    verdict = "All limits are kept." if report["kept"] else "NOT all limits are kept."
    parts: list[RenderableType] = [table, Text(verdict, style="green" if report["kept"] else "bold red")]
    if report["bit_exact"] is not None:
        parts += [
            Text(printable(line), style="green" if report["bit_exact"] else "bold red") for line in _verdict(report)
        ]
    return Group(*parts)


def _verdict(report: Json) -> list[str]:
    """Whether it is still the original's model; a changed file may have given the same outputs all the same."""
    if report["bit_exact"]:
        return ["The same bits as the original."]
    if report["outputs_equal"] and report["problems"]:
        said = "NOT what the original becomes, though outputs were the same in every run:"
        return [said, *(f"  {problem}" for problem in report["problems"])]
    return ["NOT the same bits as the original.", *(f"  {problem}" for problem in report["problems"])]


def _number(value: float) -> str:
    return f"{value:,.3f}".rstrip("0").rstrip(".")
