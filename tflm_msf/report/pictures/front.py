"""The trade-off between arena and compute: fronts as staircases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tflm_msf.report.pictures import AFTER, ALARM, INK, SERIES, WIDE, Picture, drawing, kilobytes

Curve = Sequence[tuple[float, int]]
"""(MAC overhead factor F, bytes of arena) of each plan of a front."""


def draw_front(
    title: str,
    curves: Mapping[str, Curve],
    original: int | None,
    *,
    chosen: tuple[float, int] | None = None,
    ram_limit: int | None = None,
    width: float = WIDE,
) -> Picture:
    """At a given F, what the least arena is.

    Args:
        title: what stands above the picture.
        curves: a name and a front for each staircase; those drawn later lie on top.
        original: bytes of arena that the model takes in TFLM today, drawn as a line, or None if not known.
        chosen: the point that gets a ring.
        ram_limit: bytes of arena that shall suffice, drawn as a line.
        width: inches.
    """
    from matplotlib.figure import Figure

    overheads = [overhead for curve in curves.values() for overhead, _ in curve]
    left, right = min(0.98, *overheads), max(1.05, *overheads) * 1.02
    marks = {}
    with drawing("tflm-msf"):
        figure = Figure(figsize=(width, 4.2), layout="constrained")
        axes = figure.add_subplot(title=title, xlabel="MAC overhead factor F", ylabel="arena, kB (1000 bytes)")
        if original is not None:
            axes.axhline(kilobytes(original), color=INK, linestyle="--", linewidth=1, label="TFLM today")
        if ram_limit is not None:
            axes.axhline(kilobytes(ram_limit), color=ALARM, linestyle=":", linewidth=1.5, label="limit")
        for number, ((name, curve), colour) in enumerate(zip(curves.items(), SERIES, strict=False)):
            points = sorted(curve)
            xs, ys = [overhead for overhead, _ in points], [kilobytes(size) for _, size in points]
            axes.step([*xs, right], [*ys, ys[-1]], where="post", label=name, color=colour)
            for index, (overhead, size) in enumerate(points):
                gid = f"curve-{number}-{index}"
                axes.plot([overhead], [kilobytes(size)], "o", markersize=5, color=colour, gid=gid)
                marks[gid] = f"{name}: F = {overhead:.3f}, {size:,} bytes of arena"
        if chosen is not None:
            (ring,) = axes.plot([chosen[0]], [kilobytes(chosen[1])], "o", label="chosen", zorder=1, color=AFTER)
            ring.set(markersize=12, markeredgewidth=2, fillstyle="none")
        axes.set_xlim(left, right)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        figure.legend(loc="outside lower left", ncols=4 if width < WIDE else 8, fontsize=8, columnspacing=1.2)
    return Picture(figure, marks)
