"""The first look at a model, in one screen."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from tflm_msf.printable import printable
from tflm_msf.report.tables import Json, advice_text, plain_table, short_name
from tflm_msf.sizes import format_size

MOST_LISTED = 3
"""Tensors, reasons and boards that are named; `--json` has all of them."""


def analysis_screen(found: Json) -> RenderableType:
    """What it takes and why, what rewriting gives, where it fits, what is in the way, what to do next."""
    title = (
        f"{found['source']}: {found['operators']} operators, {found['macs'] / 1e6:.1f} M MACs, {found['flash']:,} bytes"
    )
    table = plain_table(title, "arena, bytes", "TFLM today", "rewritten", "")
    sizes = (found["original"]["arena"], found["rewritten"]["arena"])
    totals = [size["total"] if size else None for size in sizes]
    less = f"{totals[0] / totals[1]:.1f}x less" if totals[0] and totals[1] else ""
    table.add_row(found["target"]["about"], *map(format_size, totals), less)
    return Group(table, *(Text(printable(line)) for line in _lines(found)))


def _lines(found: Json) -> Iterator[str]:
    if found["original"]["peak"]:
        yield _peak(found["original"]["peak"])
    rewritten = found["rewritten"]
    yield f"Rewritten: {rewritten['blocks']} fusion blocks, MAC overhead F = {rewritten['overhead']:.3f}"
    yield time_text(rewritten["time"])
    for label, version in (("as it is", "original"), ("rewritten", "rewritten"), ("input streamed", "streamed")):
        names = found["boards"][version]
        more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
        yield f"Boards that hold it {label}: {', '.join(names[:MOST_LISTED]) or 'none'}{more}"
    for entry in found["in_the_way"][:MOST_LISTED]:
        yield f"In the way: {len(entry['indices'])} x {entry['operator']}, {entry['reason']}"
    yield from advice_text(found["advice"])
    yield f"Next: {found['next']}"


def time_text(time: Json) -> str:
    """Instructions, and cycles, lines from flash and energy where they are known; all are estimates."""
    parts = [f"{time['instructions'] / 1e6:.1f} M instructions"]
    if time["cycles"] is not None:
        parts.append(f"{time['cycles'] / 1e6:.1f} M cycles")
    if time["flash_lines"] is not None:
        parts.append(f"{time['flash_lines'] / 1e3:.0f} k lines from flash")
    if time["energy"] is not None:
        parts.append(f"{time['energy']['microjoules'] / 1e3:.2f} mJ ({time['energy']['chip']})")
    return f"Estimated on {time['core']}: {', '.join(parts)}"


def _peak(peak: Json) -> str:
    held = (f"{short_name(t['name'])} {_shape(t)} ({t['bytes']:,})" for t in peak["tensors"][:MOST_LISTED])
    return f"Peak: {peak['bytes']:,} bytes during operator {peak['operator']}: {', '.join(held)}"


def _shape(tensor: Json) -> str:
    return "x".join(map(str, tensor["shape"]))
