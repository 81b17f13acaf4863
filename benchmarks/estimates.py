"""How long ``tflm_msf.estimate`` takes: ``python -m benchmarks.estimates``.

Milliseconds of one core for six networks of the corpus, from their layers alone: *first* with nothing known of them,
*a variant* with a quarter fewer channels in one convolution after that (the median of some), *again*
the same network once more.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

import click
from rich.console import Console
from rich.table import Table

from testing.corpus import corpus_model
from tflm_msf.estimation import estimate_layers
from tflm_msf.layers import Layer
from tflm_msf.layers.changes import changes
from tflm_msf.layers.read import layers_of
from tflm_msf.planner import Planner

NETWORKS = (
    "mlperf__kws_dscnn",
    "mlperf__ic_resnet8",
    "mlperf__vww_96",
    "tflm__person_detect",
    "sscma__fomo_mnv2_035",
    "cfu__mnv2_160_035",
)

MOST_VARIANTS = 8


def variants(layers: Sequence[Layer]) -> list[Sequence[Layer]]:
    """The network with fewer channels in a convolution, and in those that are added to it."""
    found = [change.layers for change in changes(layers, range(len(layers))) if "channels instead" in change.what]
    return list(found[:: -(-len(found) // MOST_VARIANTS)])


def milliseconds(layers: Sequence[Layer]) -> float:
    """Of one core, for one estimate."""
    started = time.process_time()
    _ = estimate_layers(layers).arena
    return 1000 * (time.process_time() - started)


def row(name: str) -> tuple[str, ...]:
    """A network, its operators, and its three times."""
    layers = layers_of(Planner.of(corpus_model(name), name).model, name)
    first = milliseconds(layers)
    changed = statistics.median(map(milliseconds, variants(layers)))
    times = first, changed, milliseconds(layers)
    return name, f"{len(layers) - 1}", *(f"{ms:.0f}" for ms in times)


@click.command(help=__doc__)
def main() -> None:
    """Measure, print."""
    table = Table("network", title="tflm_msf.estimate, ms")
    for title in ("operators", "first", "a variant", "again"):
        table.add_column(title, justify="right", no_wrap=True)
    for name in NETWORKS:
        table.add_row(*row(name))
    Console().print(table)


if __name__ == "__main__":
    main()
