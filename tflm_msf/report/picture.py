"""The trade-off between arena and compute as a picture (needs matplotlib, the extra ``plot``)."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Mapping, Sequence

from tflm_msf.errors import MsfError

FORMATS = ("png", "svg", "pdf")

Curve = Sequence[tuple[float, int]]
"""(MAC overhead factor F, bytes of arena) of each plan of a front."""


def draw_fronts(title: str, curves: Mapping[str, Curve], original: int | None, file_format: str) -> bytes:
    """Draws fronts as staircases: at a given F, what the least arena is.

    Args:
        title: what stands above the picture.
        curves: a name and a front for each staircase; those drawn later lie on top.
        original: bytes of arena that the model takes in TFLM today, drawn as a line, or None if not known.
        file_format: one of :data:`FORMATS`.

    Returns:
        The picture's file content; the same for the same arguments.

    Raises:
        MsfError: if matplotlib is not installed or the format is not one of :data:`FORMATS`.
    """
    check_format(file_format)
    import matplotlib as mpl
    from matplotlib.figure import Figure

    right = max(1.05, *(overhead for curve in curves.values() for overhead, _ in curve)) * 1.02
    with mpl.rc_context({"svg.hashsalt": "tflm-msf", "svg.fonttype": "none"}):
        figure = Figure(figsize=(7.0, 4.5), layout="constrained")
        axes = figure.add_subplot(title=title, xlabel="MAC overhead factor F", ylabel="arena, kB (1000 bytes)")
        if original is not None:
            axes.axhline(original / 1000, color="gray", linestyle="--", label="TFLM today")
        for name, curve in curves.items():
            points = sorted(curve)
            overheads, sizes = [overhead for overhead, _ in points], [size / 1000 for _, size in points]
            (line,) = axes.step([*overheads, right], [*sizes, sizes[-1]], where="post", label=name)
            axes.plot(overheads, sizes, "o", markersize=3, color=line.get_color())
        axes.set_xlim(min(0.98, *(overhead for curve in curves.values() for overhead, _ in curve)), right)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend()
        content = io.BytesIO()
        undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(file_format, {})
        figure.savefig(content, format=file_format, dpi=150, metadata=undated)
    return content.getvalue()


def check_format(file_format: str) -> None:
    """Asks whether a picture can be drawn at all. Raises MsfError for another format, or without matplotlib."""
    if file_format not in FORMATS:
        raise MsfError(f"A picture cannot be written as '.{file_format}'; use one of .{', .'.join(FORMATS)}.")
    if importlib.util.find_spec("matplotlib") is None:
        raise MsfError("Pictures need matplotlib, which is not installed; try pip install 'tflm-msf[plot]'.")
