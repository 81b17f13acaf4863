"""How long the whole Pareto front takes: ``python -m benchmarks.search_times``.

Seconds of one core for each network of the msf-CNN paper and each model of the corpus: *search* finds all edges of the
fusion DAG and the front on it; *all* also places every tensor of every plan on the front and makes its model.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
from rich.console import Console
from rich.table import Table

from benchmarks.chains import NAMES, load_chain
from benchmarks.paper import PAPER_SECONDS
from testing.corpus import DIRECTORY
from tflm_msf.arena import MCU32
from tflm_msf.errors import MsfError
from tflm_msf.network.units import Network
from tflm_msf.planner import Planner
from tflm_msf.search.dag import find_edges
from tflm_msf.search.front import pareto_front


class Timing(NamedTuple):
    """What a search found and took; ``all_seconds`` is None where there is no model to make."""

    name: str
    units: int
    edges: int
    plans: int
    search_seconds: float
    all_seconds: float | None


def time_network(name: str, network: Network) -> Timing:
    """Searches a network's whole front."""
    started = time.process_time()
    edges = find_edges(network)
    front = pareto_front(edges, len(network.units), MCU32.block_bytes)
    return Timing(name, len(network.units), len(edges), len(front), time.process_time() - started, None)


def time_model(name: str, data: bytes) -> Timing:
    """Searches a model's front, and again as ``tflm-msf plan`` does. Raises MsfError if it cannot be rewritten."""
    planner = Planner.of(data, name)
    searched = time_network(name, planner.network)
    started = time.process_time()
    plans = len(planner.front)
    return searched._replace(plans=plans, all_seconds=time.process_time() - started)


def timings() -> Iterator[Timing]:
    """The paper's networks, then the corpus as far as it is there and can be rewritten."""
    yield from (time_network(name, load_chain(name).network) for name in NAMES)
    found = (_time_file(path) for path in sorted(DIRECTORY.glob("*.tflite")))
    yield from (timing for timing in found if timing is not None)


def _time_file(path: Path) -> Timing | None:
    try:
        return time_model(path.stem, path.read_bytes())
    except MsfError as error:
        click.echo(f"search_times: left out: {error}", err=True)
        return None


@click.command(help=__doc__)
def main() -> None:
    """Measure, print."""
    table = Table("network")
    for title in ("units", "edges", "plans", "search, s", "all, s"):
        table.add_column(title, justify="right", no_wrap=True)
    for timing in timings():
        whole = "" if timing.all_seconds is None else f"{timing.all_seconds:.2f}"
        counts = (f"{timing.units}", f"{timing.edges:,}", f"{timing.plans}")
        table.add_row(timing.name, *counts, f"{timing.search_seconds:.2f}", whole)
    console = Console()
    console.print(table)
    console.print(f"The paper's code takes {PAPER_SECONDS[0]:g} to {PAPER_SECONDS[1]:g} s for one constraint.")


if __name__ == "__main__":
    main()
