"""A network of MCUNetV2 under its own way of patching and under ours: ``python -m benchmarks.mcunetv2 MODEL``.

MODEL is one of the int8 networks that MCUNetV2's authors publish (``assets/mcunetv2_large.tflite`` of their
TinyEngine, say). The table is in their accounting: bytes of activations at the peak, inputs and buffers of patches
included, nothing for what stays in the arena. ``layerwise`` is every layer on its own, ``mcunetv2`` one patched head
(in strips, which are the kinder side of patches); both never write an output over an input. The paper (arXiv
2110.15352) says 4 to 8 times less than layer by layer, of networks that were searched together with their patches. A
float input or output counts as the int8 values that it is quantised to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from tflm_msf.compare import LIMITS, compare
from tflm_msf.request import Request

SPACES = ("layerwise", "mcunetv2", "streamnet", "msf-cnn", "full")


def heads(data: bytes, source: str, streamed: bool) -> Mapping[str, Mapping[str, Any]]:
    """For each space and each limit on MACs the point that takes least; None where there is none."""
    request = Request(stream_input=streamed, int8_io=True)
    found: Mapping[str, Mapping[str, Any]] = compare(data, source, request)["presets"]
    return found


def rows(found: Mapping[str, Mapping[str, Any]], layerwise: int) -> list[Sequence[str]]:
    """A row for each space: head and how many times less than ``layerwise`` that is, for each limit."""
    return [(space, *(_cell(found[space], limit, layerwise) for limit in LIMITS)) for space in SPACES]


def _cell(points: Mapping[str, Any] | None, limit: str, layerwise: int) -> str:
    point = points[limit] if points else None
    return "-" if point is None else f"{point['head']:,} ({layerwise / point['head']:.1f}x, F {point['overhead']:.2f})"


@click.command(help=__doc__)
@click.argument("model", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(model: Path, as_json: bool) -> None:
    """Plan, print."""
    data = model.read_bytes()
    both = {title: heads(data, model.name, streamed) for title, streamed in (("in place", False), ("streamed", True))}
    if as_json:
        click.echo(json.dumps(both, indent=1))
        return
    layerwise = both["in place"]["layerwise"]["F=1"]["head"]
    for title, found in both.items():
        table = Table("space", *LIMITS, title=f"{model.name}, input {title}: peak activations, bytes")
        for row in rows(found, layerwise):
            table.add_row(*row)
        Console().print(table)


if __name__ == "__main__":
    main()
