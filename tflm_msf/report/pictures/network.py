"""The network: its operators with what they read, the blocks that they are in, and bytes and MACs of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from tflm_msf.report.pictures import AFTER, BEFORE, INK, SHADES, WIDE, Picture, drawing, kilobytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Json = Mapping[str, Any]

ROW = 0.17
"""Inches for each operator."""

HALF = 0.38
"""Of a row, that a bar takes."""


def draw_network(title: str, layers: Sequence[Json], width: float = WIDE) -> Picture:
    """A line for each operator, top to bottom: the graph, bytes in use before and after, MACs.

    Args:
        title: what stands above the picture.
        layers: what :func:`tflm_msf.overview.layers_json` gives.
        width: inches.
    """
    from matplotlib.figure import Figure

    marks: dict[str, str] = {}
    with drawing("tflm-msf"):
        figure = Figure(figsize=(width, 1.3 + ROW * len(layers)), layout="constrained")
        figure.suptitle(title, x=0.01, ha="left", fontsize=10)
        ratios = (1.6, 2, 1.4) if width >= WIDE else (2, 1.3, 1)
        graph, memory, compute = figure.subplots(1, 3, sharey=True, width_ratios=ratios)
        for axes in (graph, memory, compute):
            _shade_blocks(axes, layers)
        _draw_graph(graph, layers, 6.5 if width >= WIDE else 5.5)
        _draw_memory(memory, layers, marks)
        _bars(compute, [(layer["macs"] or 0) / 1e6 for layer in layers], 0, 2 * HALF, AFTER)
        compute.set_title("M MACs")
        graph.set_ylim(len(layers) - 0.5, -0.5)
        figure.legend(loc="outside lower left", ncols=2, fontsize=8)
    return Picture(figure, marks)


def _shade_blocks(axes: Axes, layers: Sequence[Json]) -> None:
    for block, run in groupby(enumerate(layers), lambda entry: entry[1]["block"]):
        rows = [index for index, _ in run]
        if block is not None:
            axes.axhspan(rows[0] - 0.5, rows[-1] + 0.5, color=SHADES[block % len(SHADES)], zorder=0)


def _draw_graph(axes: Axes, layers: Sequence[Json], size: float) -> None:
    """Names in a column, in letters of that size, and what is read from further away as arcs left of them."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path
    from matplotlib.ticker import MultipleLocator

    row_of = {layer["index"]: row for row, layer in enumerate(layers)}
    curves: list[tuple[float, float]] = []
    for row, layer in enumerate(layers):
        axes.text(0.12, row, layer["operator"].lower(), va="center", fontsize=size, clip_on=True)
        for above in (row_of[source] for source in layer["reads"]):
            bend = 0.0 if row - above == 1 else -min(1.1, 0.3 + 0.05 * (row - above))
            curves += [(0, above), (bend, above), (bend, row), (0, row)]
    if curves:
        codes = [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4] * (len(curves) // 4)
        axes.add_patch(PathPatch(Path(curves, codes), facecolor="none", edgecolor=INK, linewidth=0.7))
    axes.plot([0] * len(layers), range(len(layers)), "o", markersize=3, color=INK)
    axes.set_xlim(-0.9 if any(bend < 0 for bend, _ in curves) else -0.1, 1.5)
    axes.set_xticks([])
    axes.yaxis.set_major_locator(MultipleLocator(5))
    axes.set_title("operators")
    axes.set_ylabel("index in the original")


def _draw_memory(axes: Axes, layers: Sequence[Json], marks: dict[str, str]) -> None:
    from matplotlib.patches import Rectangle

    for shift, key, colour in ((-HALF / 2, "before", BEFORE), (HALF / 2, "after", AFTER)):
        _bars(axes, [kilobytes(layer[key] or 0) for layer in layers], shift, HALF, colour, key)
    axes.set_title("kB in use")
    right = axes.get_xlim()[1]
    for row, layer in enumerate(layers):
        gid = f"layer-{row}"
        style: dict[str, Any] = {"facecolor": INK, "alpha": 0.0, "edgecolor": "none", "clip_on": False}
        axes.add_artist(Rectangle((0, row - 0.5), right, 1, gid=gid, **style))
        marks[gid] = _said(layer)


def _bars(
    axes: Axes, sizes: Sequence[float], shift: float, height: float, colour: str, label: str | None = None
) -> None:
    """A bar for each row, all of them one path: files stay small."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    edges = [(row + shift - height / 2, row + shift + height / 2) for row in range(len(sizes))]
    corners = [
        corner
        for size, (top, bottom) in zip(sizes, edges, strict=True)
        for corner in ((0, top), (size, top), (size, bottom), (0, bottom), (0, top))
    ]
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * len(sizes)
    axes.add_artist(PathPatch(Path(corners, codes), facecolor=colour, edgecolor="none", label=label))
    axes.set_xlim(0, max(axes.get_xlim()[1] if label else 0, 1.05 * max(sizes), 1e-6))


def _said(layer: Json) -> str:
    shape = "x".join(map(str, layer["shape"]))
    block = "no block" if layer["block"] is None else f"block {layer['block']}"
    sizes = " and ".join(f"{layer[key]:,} bytes {key}" for key in ("before", "after") if layer[key] is not None)
    macs = f", {layer['macs']:,} MACs" if layer["macs"] else ""
    return f"{layer['index']} {layer['operator']} to {shape}, {block}: {sizes}{macs}"
