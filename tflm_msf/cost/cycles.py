"""Cycles and energy of an inference, estimated from its instructions.

Instructions become cycles, and cycles lines of 32 bytes that a cache of 16 KiB fetches from flash, by what whole models
took of them on a core (``benchmarks/cycles.py`` writes ``cycles.toml``), with memory that never waits. Cycles, and
those for which a chip waits for such lines, become energy by its data sheet and manual (``energy.toml``).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Energy:
    """What an inference is estimated to take of a supply, on which chip."""

    chip: str
    microjoules: float


@cache
def _table(name: str) -> Mapping[str, Mapping[str, Any]]:
    table: Mapping[str, Mapping[str, Any]] = tomllib.loads(
        resources.files(__package__).joinpath(name).read_text("utf-8")
    )
    return table


def cycles_of(instructions: float, core: str) -> float | None:
    """Estimated cycles of so many instructions; None for a core whose cycles nobody counted."""
    known = _table("cycles.toml").get(core)
    return None if known is None else instructions * float(known["cycles_per_instruction"])


def lines_of(cycles: float | None, core: str) -> float | None:
    """Lines that a cache is estimated to fetch from flash in so many cycles; None for a core where nobody counted."""
    known = _table("cycles.toml").get(core, {}).get("lines_per_cycle")
    return None if known is None or cycles is None else cycles * float(known)


def energy_of(cycles: float | None, lines: float | None, core: str) -> Energy | None:
    """Estimated energy of so many cycles, and of waiting for so many lines from flash.

    None for a core without a chip whose figures are known.
    """
    known = _table("energy.toml").get(core)
    if known is None or cycles is None or lines is None:
        return None
    picojoules = known["microampere_per_mhz"] * known["volt"]
    return Energy(known["chip"], (cycles + lines * known["cycles_per_line"]) * picojoules * 1e-6)
