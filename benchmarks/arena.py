"""Arena of every corpus model before and after, measured in real TFLM: the table in README.md.

``python -m benchmarks.arena`` prints it; ``--write`` puts it into README.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.pages import write_table
from testing.corpus import model_paths
from tflm_msf.arena import WHEEL64
from tflm_msf.errors import MsfError
from tflm_msf.request import Request
from tflm_msf.rewrite import rewrite_file
from tflm_msf.verify import verify

TABLE = "arena table"
"""What its place in README is called."""


def measured(path: Path, stream_input: bool) -> tuple[int, int] | None:
    """TFLM's totals for the original and the rewritten model, or None where it cannot be had."""
    original = path.read_bytes()
    try:
        rewritten = rewrite_file(original, path.name, Request(stream_input=stream_input, target=WHEEL64)).data
        report = verify(original, rewritten, runs=3)
    except MsfError:
        return None
    if not report.passed or report.arena_original is None:
        raise SystemExit(f"{path.name}: not bit-exact, or not as predicted")
    return report.arena_original.measured.total, report.arena_rewritten.measured.total


def row(path: Path) -> str | None:
    """One line of the table."""
    plain = measured(path, stream_input=False)
    if plain is None:
        return None
    streamed = measured(path, stream_input=True)
    before, after = plain
    last = f"{streamed[1]:,}" if streamed else "-"
    return f"| {path.stem} | {before:,} | **{after:,}** | {before / after:.1f} | {last} |"


def main() -> None:
    """Print the table, or write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="replace the table in README.md")
    write = parser.parse_args().write
    lines = ["| model | TFLM today | rewritten | times less | input streamed |", "| --- | ---: | ---: | ---: | ---: |"]
    lines += [line for path in model_paths() if (line := row(path))]
    table = "\n".join(lines)
    print(table)
    if write:
        write_table(TABLE, table)


if __name__ == "__main__":
    main()
