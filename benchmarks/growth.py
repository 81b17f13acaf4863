"""How planning time grows with the number of operators: ``python -m benchmarks.growth [--picture FILE]``.

Six families of networks (:mod:`benchmarks.families`), each at several sizes. Time is user time of the whole front, in
*units*: calls of a function that adds squares 5,000,000 times, the least of five between the measurements.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click
from rich.console import Console
from rich.table import Table

from benchmarks.families import FAMILIES
from tflm_msf.planner import Planner

SIZES: Mapping[str, Sequence[int]] = {
    "chain": (25, 50, 100, 200, 400),
    "residual chain": (20, 40, 78, 160),
    "U-Net": (20, 40, 80, 160),
    "inception": (20, 40, 80, 160),
    "DenseNet": (20, 40, 80, 160),
    "one CONCATENATION": (38, 75, 150, 300),
}


class Timing(NamedTuple):
    """Units of user time for a network's front; ``megabytes``: the most that this process has taken so far."""

    family: str
    operators: int
    units: float
    proved: bool
    megabytes: int


def unit_seconds() -> float:
    """User time of one unit: the least of five calls."""
    return min(_unit_seconds() for _ in range(5))


def _unit_seconds() -> float:
    started, total = time.process_time(), 0
    for number in range(5_000_000):
        total += number * number
    return time.process_time() - started


def timings(largest: int) -> Iterator[Timing]:
    """Each family at each of its sizes up to ``largest`` operators."""
    for family, sizes in SIZES.items():
        for size in (size for size in sizes if size <= largest):
            model = FAMILIES[family](size)
            started = time.process_time()
            front = Planner.of_model(model, family).front
            seconds = time.process_time() - started
            proved = all(choice.plan.proved for choice in front)
            kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            yield Timing(family, len(model.main.ops), seconds / unit_seconds(), proved, kilobytes // 1024)


def draw(found: Sequence[Timing], path: Path) -> None:
    """A picture of time against operators, both logarithmic, with the slope of a square beside them."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "growth"
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.5))
    for family in dict.fromkeys(timing.family for timing in found):
        points = [(timing.operators, timing.units) for timing in found if timing.family == family]
        axes.plot(*zip(*points, strict=True), marker="o", markersize=4, label=family)
    sizes = [timing.operators for timing in found]
    ends = (min(sizes), max(sizes))
    axes.plot(ends, [0.02 * (size / ends[0]) ** 2 for size in ends], color="0.7", linestyle=":", label="square")
    axes.set(xscale="log", yscale="log", xlabel="operators", ylabel="planning time, units")
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None} if path.suffix == ".svg" else None)


@click.command(help=__doc__)
@click.option("--picture", type=click.Path(path_type=Path), help="Draw it: a .svg or .png file.")
@click.option("--largest", default=400, show_default=True, help="Leave larger networks out.")
def main(picture: Path | None, largest: int) -> None:
    """Measure, print, draw."""
    table = Table("family")
    for title in ("operators", "units", "proved", "MB"):
        table.add_column(title, justify="right")
    found = []
    for timing in timings(largest):
        print(f"{timing.family} {timing.operators}: {timing.units:.2f}", file=sys.stderr)
        found.append(timing)
        proved = "yes" if timing.proved else "no"
        table.add_row(timing.family, str(timing.operators), f"{timing.units:.1f}", proved, str(timing.megabytes))
    Console().print(table)
    if picture is not None:
        draw(found, picture)


if __name__ == "__main__":
    main()
