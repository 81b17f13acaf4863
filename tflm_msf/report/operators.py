"""Which operators are fused, and on what conditions: ``docs/OPERATORS.md`` and ``tflm-msf operators``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.table import Table

from tflm_msf.arena.tflm.kernels import BUILTIN_KERNELS
from tflm_msf.network.units import VIEWS
from tflm_msf.ops import LOWERINGS, SEVERAL_STAGES
from tflm_msf.ops.conditions import ALWAYS_REQUIRED, conditions_of
from tflm_msf.report.tables import plain_table
from tflm_msf.tflite_io.schema import enum_names

FUSED = "fused"
VANISHES = "vanishes"
BUILTIN = "passed through"
UNPREDICTED = "passed through, arena not predicted"

MEANINGS = {
    FUSED: "runs inside fusion blocks where the conditions hold, else it is passed through",
    VANISHES: "moves no bytes, so that nothing is left of it; passed through where both of its tensors have to exist",
    BUILTIN: "stays a TFLM builtin and ends a block; the model's arena is predicted to the byte",
    UNPREDICTED: "stays as it is and ends a block, for TFLM to run or refuse; no arena is predicted",
}


def operators() -> list[dict[str, Any]]:
    """Every builtin operator of the TFLite schema: its name, what becomes of it (see ``MEANINGS``), conditions."""
    names = sorted(set(enum_names("BuiltinOperator").values()) - {"CUSTOM", "PLACEHOLDER_FOR_GREATER_OP_CODES"})
    return [{"operator": name, **_fate(name)} for name in names]


def _fate(name: str) -> dict[str, Any]:
    lowerings: dict[str, Callable[..., object]] = {**LOWERINGS, **SEVERAL_STAGES}
    if name in lowerings:
        return {"fate": FUSED, "conditions": list(conditions_of(lowerings[name]))}
    if name in VIEWS:
        return {"fate": VANISHES, "conditions": []}
    return {"fate": BUILTIN if name in BUILTIN_KERNELS else UNPREDICTED, "conditions": []}


def operators_markdown() -> str:
    """The content of ``docs/OPERATORS.md``."""
    fused = [entry for entry in operators() if entry["fate"] == FUSED]
    lines = [
        "# Operators",
        "",
        "<!-- `tflm-msf operators --markdown` writes this file, from the conditions declared beside each lowering. -->",
        "",
        "Every builtin operator of the TFLite schema. An operator that cannot be fused is no error: it stays as it is,",
        "and `rewrite` and `inspect` say why. Every fused operator gives the bits of TFLM's reference kernel.",
        "",
        *(f"- **{fate}**: {meaning}." for fate, meaning in MEANINGS.items()),
        "",
        f"## {FUSED.capitalize()}",
        "",
        "For all of them, unless said otherwise:",
        "",
        *(f"- {condition};" for condition in ALWAYS_REQUIRED),
        "",
        "and besides",
        "",
        "| operator | conditions |",
        "| --- | --- |",
        *(f"| {entry['operator']} | {'; '.join(entry['conditions']) or 'none'} |" for entry in fused),
    ]
    for fate in (VANISHES, BUILTIN, UNPREDICTED):
        names = ", ".join(entry["operator"] for entry in operators() if entry["fate"] == fate)
        lines += ["", f"## {fate.capitalize()}", "", f"{names}."]
    lines += [
        "",
        "Custom operators are passed through, their arena not predicted. Models with control flow (IF, WHILE, CALL)",
        "are refused; variables (CALL_ONCE, VAR_HANDLE, READ_VARIABLE, ASSIGN_VARIABLE) are fused where they keep the",
        "last rows of a map. A float input's QUANTIZE is left out if the input is streamed or with `--int8-io`, which",
        "also leaves out the DEQUANTIZE of a float output.",
        "",
        "Models with int16 activations and int8 weights (16x8) pass through, their arena predicted to the byte; none",
        "of their operators is fused. Blocks hold maps of one byte a value: the format keeps a type for others free,",
        "but pixels, rings, chunks and all inner loops count bytes, and sums would be of 64 bits. Of a batch, class",
        "numbers (ARG_MAX) at the end are joined by no block: such a network stays TFLM's.",
    ]
    return "\n".join(lines) + "\n"


def operators_list() -> Table:
    """All of it for a terminal."""
    table = plain_table("Operators", "operator", "in a rewritten model", "if", texts=["in a rewritten model", "if"])
    for entry in operators():
        table.add_row(entry["operator"], entry["fate"], "; ".join(entry["conditions"]))
    return table
