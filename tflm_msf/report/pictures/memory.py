"""Memory over time: each tensor a bar from its first to its last use, at its place in the arena."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tflm_msf.report.memory import shared
from tflm_msf.report.pictures import AFTER, ALARM, BEFORE, EXTRA, INK, PAPER, WIDE, Picture, drawing, kilobytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Json = Mapping[str, Any]

COLOURS = {"workspace": EXTRA, "scratch": EXTRA}


def draw_memory(title: str, before: Json | None, after: Json | None, width: float = WIDE) -> Picture:
    """TFLM's plan of the original, and the plan of the rewritten model, to one scale; what overlaps is hatched.

    Args:
        title: what stands above the picture.
        before: what :func:`tflm_msf.report.memory.memory_json` says of the original; None: not known.
        after: of the rewritten model.
        width: inches.
    """
    from matplotlib.figure import Figure

    marks: dict[str, str] = {}
    top = kilobytes(max(memory["head"] for memory in (before, after) if memory) if before or after else 1)
    with drawing("tflm-msf"):
        shape = (1, 2) if width >= WIDE else (2, 1)
        figure = Figure(figsize=(width, 3.8 * shape[0]), layout="constrained")
        figure.suptitle(title, x=0.01, ha="left", fontsize=10)
        panels = figure.subplots(*shape, sharey=shape[0] == 1, squeeze=False).flatten()
        for axes, memory, name in zip(panels, (before, after), ("before", "after"), strict=True):
            axes.set_ylim(0, top * 1.03)
            _draw(axes, memory, name, marks)
        panels[0].set_ylabel("offset in the arena's head, kB")
        _explain(figure)
    return Picture(figure, marks)


def _explain(figure: Figure) -> None:
    from matplotlib.patches import Patch

    kinds = {"tensor before": BEFORE, "tensor after": AFTER, "workspace, scratch": EXTRA}
    handles = [Patch(facecolor=colour, label=name) for name, colour in kinds.items()]
    handles.append(Patch(facecolor="none", edgecolor=ALARM, hatch="////", label="shared: written over"))
    figure.legend(handles=handles, loc="outside lower left", ncols=2, fontsize=8)


def _draw(axes: Axes, memory: Json | None, name: str, marks: dict[str, str]) -> None:
    if memory is None:
        axes.set_title(f"{name}: TFLM's plan is not known")
        return
    starts = _starts(memory)
    axes.set_title(f"{name}: {memory['head']:,} bytes")
    axes.set_xlabel("operators of the original, in blocks" if name == "after" else "operators")
    axes.set_xlim(0, starts[-1])
    if name == "after" and len(starts) <= 60:
        axes.set_xticks(starts, minor=True)
        axes.grid(visible=True, axis="x", which="minor", color=INK, alpha=0.25, linewidth=0.5)
    for index, piece in enumerate(memory["pieces"]):
        gid = f"{name}-{index}"
        colour = COLOURS.get(piece["kind"], BEFORE if name == "before" else AFTER)
        box = starts[piece["first"]], starts[piece["last"] + 1], piece["offset"], piece["offset"] + piece["bytes"]
        _bar(axes, *box, facecolor=colour, edgecolor=PAPER, linewidth=0.6, gid=gid)
        marks[gid] = _said(piece, name)
    for first, second in memory["overlaps"]:
        common = shared(memory["pieces"][first], memory["pieces"][second])
        assert common is not None
        box = starts[common[0]], starts[common[1] + 1], common[2], common[3]
        _bar(axes, *box, facecolor="none", edgecolor=ALARM, linewidth=0.8, hatch="////", gid=None)


def _bar(axes: Axes, left: float, right: float, start: int, end: int, **style: Any) -> None:
    from matplotlib.patches import Rectangle

    axes.add_artist(Rectangle((left, kilobytes(start)), right - left, kilobytes(end - start), clip_on=False, **style))


def _starts(memory: Json) -> list[int]:
    """Where each step begins, and the last one ends: a block is as wide as the operators that it computes."""
    starts = [0]
    for step in memory["steps"]:
        starts.append(starts[-1] + max(1, len(step["computes"])))
    return starts


def _said(piece: Json, name: str) -> str:
    until = f"to step {piece['last']}" if piece["last"] > piece["first"] else "only"
    what = piece["name"].split(";")[0] or piece["kind"]
    return f"{name}, {what}: {piece['bytes']:,} bytes at {piece['offset']:,}, from step {piece['first']} {until}"
