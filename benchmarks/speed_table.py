"""The README's performance table, from ``benchmarks/results.json``: ``python -m benchmarks.speed_table [--write]``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks.pages import write_table

RESULTS = Path(__file__).parent / "results.json"
TABLE = "speed table"
"""What its place in README is called."""
VARIANTS = ("F1.0", "F1.1", "F1.3", "min-ram", "layerwise", "reference")


def table() -> str:
    """Instructions per MAC of the original for every model, core and variant."""
    rows = json.loads(RESULTS.read_text())
    cells = {(row["model"], row["core"], row["variant"]): row["instructions_per_mac"] for row in rows}
    lines = [
        "| instructions per MAC | core | " + " | ".join(VARIANTS) + " |",
        "| --- | --- |" + " ---: |" * len(VARIANTS),
    ]
    for model, core in dict.fromkeys((row["model"], row["core"]) for row in rows):
        values = (cells.get((model, core, variant)) for variant in VARIANTS)
        shown = " | ".join("-" if value is None else f"{value:.2f}" for value in values)
        lines.append(f"| {model} | {core} | {shown} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table, or write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="replace the table in README.md")
    write = parser.parse_args().write
    print(table())
    if write:
        write_table(TABLE, table())


if __name__ == "__main__":
    main()
