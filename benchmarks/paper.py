"""The msf-CNN paper reproduced, and our schedules beside it in the same accounting: ``python -m benchmarks.paper``.

RAM in bytes, analytic: the network's input and last output are not counted, residual ADDs are left out, as in the paper
(arXiv 2505.11483). *msf-CNN* is found by our search on the paper's space (*here*: the same to the byte, or what it
is instead). *Full, engine* is the whole space as the kernels run it, with their bookkeeping and their chunks of
several pixels; *full, analytic* counts line buffers only, as the paper does.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

import click
from rich.console import Console
from rich.table import Table

from benchmarks.chains import NAMES, Chain, load_chain
from benchmarks.full_accounting import full_edges
from benchmarks.paper_accounting import one_head, paper_edges
from tflm_msf.search.edge import Edge
from tflm_msf.search.front import pareto_front
from tflm_msf.search.shortest import Point

PAPER_SECONDS = (0.4, 7.0)
"""What the paper's published code takes for one constraint."""


class Reached(NamedTuple):
    """Peak RAM in bytes and MAC overhead factor F."""

    ram: int
    overhead: float


@dataclass(frozen=True)
class Line:
    """One constraint: the paper's number, ours for its space, and the full space counted in two ways."""

    constraint: str
    published: Reached
    msf_cnn: Reached
    engine: Reached | None
    analytic: Reached | None

    @property
    def is_reproduced(self) -> bool:
        """True if our search on the paper's space gives the paper's bytes, and its F to the last digit printed."""
        (ram, overhead), (own_ram, own_overhead) = self.published, self.msf_cnn
        return ram == own_ram and abs(overhead - own_overhead) < 0.0006


@dataclass(frozen=True)
class Reproduction:
    """A network's lines, and the seconds of one core that each whole front took."""

    network: str
    lines: tuple[Line, ...]
    msf_cnn_seconds: float
    full_seconds: float


def reproduce(chain: Chain) -> Reproduction:
    """Searches the paper's space and the full one and reads the fronts at each of the paper's constraints."""
    count = len(chain.layers)
    started = time.process_time()
    edges = paper_edges(chain)
    front = pareto_front(edges, count, tail_per_edge=0)
    searched = time.process_time()
    counted = full_edges(chain)
    engine = pareto_front(counted.engine, count, tail_per_edge=0)
    finished = time.process_time()
    analytic = pareto_front(counted.analytic, count, tail_per_edge=0)
    lines = []
    for published in chain.published:
        name = published.constraint
        unfused = name in UNFUSED
        lines.append(
            Line(
                constraint=name,
                published=Reached(published.ram, published.overhead),
                msf_cnn=UNFUSED[name](chain, edges) if unfused else read_front(chain, front, name),
                engine=None if unfused else read_front(chain, engine, name),
                analytic=None if unfused else read_front(chain, analytic, name),
            )
        )
    return Reproduction(chain.name, tuple(lines), searched - started, finished - searched)


def read_front(chain: Chain, front: Sequence[Point], constraint: str) -> Reached:
    """The least RAM within a limit on F (``F1.1``, ``Finf``), or the least MACs within one on RAM (``16kB``)."""
    if constraint.startswith("F"):
        limit = float(constraint[1:]) * chain.macs
        best = min((point for point in front if point.macs <= limit), key=lambda point: (point.head, point.macs))
    else:
        limit = int(constraint.removesuffix("kB")) * 1000
        best = min((point for point in front if point.head <= limit), key=lambda point: (point.macs, point.head))
    return Reached(best.head, best.macs / chain.macs)


def _layer_by_layer(_: Chain, edges: Sequence[Edge]) -> Reached:
    return Reached(max(edge.head for edge in edges if edge.first == edge.last), 1.0)


def _one_head(chain: Chain, edges: Sequence[Edge]) -> Reached:
    ram, macs = one_head(edges, len(chain.layers))
    return Reached(ram, macs / chain.macs)


UNFUSED: dict[str, Callable[[Chain, Sequence[Edge]], Reached]] = {"vanilla": _layer_by_layer, "heuristic": _one_head}
"""What the paper compares itself with."""


def show(done: Reproduction, console: Console) -> None:
    """Prints a network's table and what its search took."""
    table = Table("constraint", title=f"{done.network}: peak RAM in bytes, F", title_justify="left")
    for title in ("msf-CNN, paper", "here", "full, engine", "full, analytic"):
        table.add_column(title, justify="right", no_wrap=True)
    for line in done.lines:
        here = "the same" if line.is_reproduced else _cell(line.msf_cnn)
        table.add_row(line.constraint, _cell(line.published), here, _cell(line.engine), _cell(line.analytic))
    console.print(table)
    console.print(
        f"Whole front of the paper's space in {done.msf_cnn_seconds:.2f} s, of the full space in "
        f"{done.full_seconds:.2f} s of one core; the paper's code takes {PAPER_SECONDS[0]:g} to {PAPER_SECONDS[1]:g} s "
        "for one constraint."
    )
    console.print(f"{_moonshot(done)}\n")


def _moonshot(done: Reproduction) -> str:
    """Whether F = 1.1 is enough for the RAM that the paper needs any F for."""
    of = {line.constraint: line for line in done.lines}
    goal, engine = of["Finf"].published, of["F1.1"].engine
    assert engine is not None
    return (
        f"The paper's least RAM is {goal.ram:,} bytes at F = {goal.overhead:.3f}; the engine takes {engine.ram:,} at "
        f"F = {engine.overhead:.3f}, {engine.ram / goal.ram:.2f} times that."
    )


def _cell(reached: Reached | None) -> str:
    return f"{reached.ram:,}  {reached.overhead:.3f}" if reached else ""


@click.command(help=__doc__)
@click.option("--network", "names", multiple=True, default=NAMES, type=click.Choice(NAMES), help="May be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def main(names: Sequence[str], as_json: bool) -> None:
    """Search, print."""
    done = [reproduce(load_chain(name)) for name in names]
    if as_json:
        click.echo(json.dumps([asdict(one) for one in done], indent=1))
        return
    for one in done:
        show(one, Console())


if __name__ == "__main__":
    main()
