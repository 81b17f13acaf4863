"""Fits the time model: ``python -m benchmarks.time_model`` measures plans on all cores and writes the costs.

Takes some minutes. ``--core`` measures some cores only, those whose loops have changed, and keeps what was counted on
the others (``benchmarks/time_counts.json``). ``--stored`` fits to the counts of the last time, which takes seconds.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from benchmarks.emulator import EmulatorError
from benchmarks.time_counts import TIMED, Counted, is_random, measure_all, read_counts, write_counts
from tflm_msf import cost
from tflm_msf.cost.time_model import Costs, instructions
from tflm_msf.errors import MsfError

COSTS = Path(cost.__file__).parent / "time_model.toml"

HELD_BACK_MODELS = ("emza__ssd_slim_120x160", "mlperf__strm_ww_1d", "mlperf__vww_96", "sscma__fomo_mnv2_035")
"""Models of which the fit sees no plan."""

HELD_BACK_EVERY = 4
"""Of the other models of the corpus, the fit does not see every so many-th plan."""

RIDGE = 5e-4
"""Keeps costs small that only few plans tell apart, or they are fitted to those plans' peculiarities."""

RANDOM_WEIGHT = 0.25
"""What a random network counts, beside a model: its inference is short, and mostly overhead."""

SWEEPS = 20_000

Floats = npt.NDArray[np.float64]


def is_held_back(counted: Sequence[Counted]) -> list[bool]:
    """For each plan, whether it is there to check the fit with."""
    corpus = [entry for entry in counted if not is_random(entry) and entry.model not in HELD_BACK_MODELS]
    spared = {(entry.model, entry.plan) for entry in corpus[HELD_BACK_EVERY - 1 :: HELD_BACK_EVERY]}
    return [entry.model in HELD_BACK_MODELS or (entry.model, entry.plan) in spared for entry in counted]


def counted_on(core: str, counted: Sequence[Counted]) -> list[Counted]:
    """Those plans that ran on a core."""
    return [entry for entry in counted if core in entry.instructions]


def fit(counted: Sequence[Counted], core: str) -> Costs:
    """Nonnegative costs with the least squares of relative errors over all plans that are not held back."""
    known = counted_on(core, [entry for entry, held in zip(counted, is_held_back(counted), strict=True) if not held])
    kinds = sorted({kind for entry in known for kind in entry.work})
    shares = np.array(
        [[entry.work.get(kind, 0) / entry.instructions[core] for kind in kinds] for entry in known], np.float64
    )
    scale = np.sqrt((shares**2).sum(axis=0))
    weight = np.array([[RANDOM_WEIGHT if is_random(entry) else 1.0] for entry in known])
    costs = nonnegative_least_squares(shares / scale * weight, weight[:, 0]) / scale
    return {kind: float(f"{cost:.4g}") for kind, cost in zip(kinds, costs, strict=True)}


def nonnegative_least_squares(matrix: Floats, target: Floats) -> Floats:
    """X >= 0 with the least |matrix x - target|² + RIDGE |x|², by descent along one coordinate after the other."""
    squares = matrix.T @ matrix + RIDGE * np.eye(matrix.shape[1])
    gradient = -(matrix.T @ target)
    x = np.zeros(matrix.shape[1])
    for _ in range(SWEEPS):
        before = x.copy()
        for index in range(len(x)):
            moved = max(0.0, x[index] - gradient[index] / squares[index, index])
            if moved != x[index]:
                gradient += squares[:, index] * (moved - x[index])
                x[index] = moved
        if np.abs(x - before).max() < 1e-9:
            break
    return x


def errors(counted: Sequence[Counted], core: str, costs: Costs) -> list[float]:
    """For each plan, how far the estimate is from what was counted, relative to that."""
    return [instructions(entry.work, costs) / entry.instructions[core] - 1 for entry in counted]


def write_costs(fitted: Mapping[str, Costs], path: Path = COSTS) -> None:
    """The file that the tool reads."""
    lines = ["# Instructions for one of each kind of work. Written by `python -m benchmarks.time_model`."]
    for core, costs in fitted.items():
        lines += ["", f"[{core}]", *(f"{kind} = {cost!r}" for kind, cost in costs.items())]
    path.write_text("\n".join(lines) + "\n")


def show(counted: Sequence[Counted], fitted: Mapping[str, Costs], console: Console) -> None:
    """How well it fits, in per cent: what it was fitted to, and what was held back."""
    table = Table("core", "plans", title="errors of the time model, %")
    for title in ("number", "mean", "largest"):
        table.add_column(title, justify="right")
    held = is_held_back(counted)
    parts = {
        "fitted to": [e for e, is_held in zip(counted, held, strict=True) if not is_held and not is_random(e)],
        "fitted to, random": list(filter(is_random, counted)),
        "held back": [e for e, is_held in zip(counted, held, strict=True) if is_held],
    }
    for core, costs in fitted.items():
        for title, plans in parts.items():
            off = np.abs(errors(counted_on(core, plans), core, costs)) * 100
            table.add_row(core, title, f"{len(off)}", f"{off.mean():.1f}", f"{off.max():.1f}")
    console.print(table)


@click.command(help=__doc__)
@click.option("--core", "cores", multiple=True, type=click.Choice(TIMED), help="Measure it; may be repeated.")
@click.option("--stored", is_flag=True, help="Fit to what was measured last.")
def main(cores: Sequence[str], stored: bool) -> None:
    """Measure, fit, write, print."""
    try:
        counted = read_counts() if stored else measure_all(cores, read_counts()) if cores else measure_all()
    except (MsfError, EmulatorError) as error:
        click.echo(f"time_model: {error}", err=True)
        sys.exit(2)
    if not stored:
        write_counts(counted)
    fitted = {core: fit(counted, core) for core in TIMED}
    write_costs(fitted)
    show(counted, fitted, Console())


if __name__ == "__main__":
    main()
