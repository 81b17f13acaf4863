"""Pictures of plans (matplotlib, the extra ``plot``): files of their own, and parts of a page that answers a pointer.

Each is drawn from plain values, like the tables, and says of each of its marks in words what it is.
"""

from __future__ import annotations

import html
import importlib.util
import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tflm_msf.errors import MsfError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")

INK, FAINT, PAPER = "#1b1b1f", "#d4d4dc", "#fefefe"
BEFORE, AFTER, EXTRA, ALARM = "#7a7a85", "#1f6fb4", "#b0650c", "#c2255c"
SHADES = ("#e3eefa", "#f6ebdc")
"""Of blocks beside one another."""

SERIES = ("#8a8a94", "#b0650c", "#7c4dbe", "#2b8a3e", AFTER)
"""Of up to five curves: dark enough on white and light enough on black."""

_VARIABLES = {INK: "--ink", FAINT: "--faint", PAPER: "--paper", SHADES[0]: "--shade-0", SHADES[1]: "--shade-1"}
"""Colours that a page gives other values in the dark, and what it calls them."""

NARROW, WIDE = 4.0, 9.0
"""Inches: a picture for a phone, and one for a desk."""


@dataclass(frozen=True)
class Picture:
    """A figure, and what each of its marks is, by the mark's gid."""

    figure: Figure
    marks: Mapping[str, str]

    def file(self, file_format: str) -> bytes:
        """The content of a .png, .svg or .pdf file, the same for the same picture.

        In SVG every mark has a title, which browsers show. Raises MsfError for another format.
        """
        check_format(file_format)
        undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(file_format, {})
        content = io.BytesIO()
        with drawing("tflm-msf"):
            self.figure.savefig(content, format=file_format, dpi=150, metadata=undated)
        if file_format != "svg":
            return content.getvalue()
        return self._marked(content.getvalue().decode(), _title).encode()

    def save(self, path: str | Path) -> Path:
        """Writes a .png, .svg or .pdf file, and says where. Raises MsfError for another suffix."""
        target = Path(path)
        content = self.file(target.suffix[1:])
        target.write_bytes(content)
        return target

    def _repr_svg_(self) -> str:
        return self.file("svg").decode()

    def element(self, name: str) -> str:
        """An ``<svg>`` element for a page; its marks can be focused and say what they are, its ids begin with ``name``.

        It is as wide as the page lets it be.
        """
        content = io.BytesIO()
        with drawing(name):
            self.figure.savefig(content, format="svg", transparent=True, metadata={"Date": None})
        svg = self._marked(_slim(content.getvalue().decode()), _focusable)
        svg = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{name}-", svg)
        for colour, variable in _VARIABLES.items():
            svg = svg.replace(colour, f"var({variable})")
        return svg

    def _marked(self, svg: str, changed: Callable[[str, str], str]) -> str:
        def mark(match: re.Match[str]) -> str:
            said = self.marks.get(match[1])
            return match[0] if said is None else changed(match[1], html.escape(said))

        return re.sub(r'<g id="([^"]*)">', mark, svg)


def _slim(svg: str) -> str:
    """The element of a file, without what a page has no use for: a size, metadata, fonts, digits, defaults, names that
    matplotlib counts, spaces in paths.
    """
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r' (?:width|height)="[\d.]+pt"', "", svg)
    svg = re.sub(r'="[^"]*"', lambda value: re.sub(r"(\d\.\d)\d+", r"\1", value[0]), re.sub(r"\s*\n\s*", " ", svg))
    svg = re.sub(r' transform="rotate\(-0 [^"]*"', "", svg)
    svg = re.sub(r"; stroke-linejoin: miter|text-anchor: start; ", "", svg)
    svg = re.sub(r"font-family: [^;]*;", "font-family: sans-serif;", svg)
    svg = re.sub(r'<g id="[A-Za-z\d]+_\d+">', "<g>", svg)
    return re.sub(r' d="[^"]*"', lambda path: slim_path(path[0]), svg).replace("> <", "><")


def slim_path(path: str) -> str:
    """The same path in fewer letters, rectangles by their corners."""
    path = re.sub(r"M (\S+) (\S+) L (\S+) \2 L \3 (\S+) L \1 \4 z", r"M\1 \2H\3V\4H\1z", path)
    return ' d="' + re.sub(r" ?([A-Za-z\"]) ?", r"\1", path.removeprefix(' d="'))


def _title(gid: str, said: str) -> str:
    return f'<g id="{gid}" pointer-events="all"><title>{said}</title>'


def _focusable(gid: str, said: str) -> str:
    return f'<g id="{gid}" class="mark" pointer-events="all" role="img" tabindex="-1" aria-label="{said}">'


@contextmanager
def drawing(salt: str) -> Iterator[None]:
    """How everything here is drawn; ids in SVG files depend on ``salt`` and what is drawn."""
    import matplotlib as mpl

    style: dict[Any, Any] = {
        "svg.hashsalt": salt,
        "svg.fonttype": "none",
        "font.size": 9.0,
        "font.family": "sans-serif",
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 10.0,
        "axes.titlelocation": "left",
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "legend.frameon": False,
        "figure.facecolor": PAPER,
        "axes.facecolor": PAPER,
    }
    with mpl.rc_context(style):
        yield


def check_format(file_format: str) -> None:
    """Asks whether a picture can be drawn at all. Raises MsfError for another format, or without matplotlib."""
    if file_format not in FORMATS:
        raise MsfError(f"A picture cannot be written as '.{file_format}'; use one of .{', .'.join(FORMATS)}.")
    require_matplotlib()


def require_matplotlib() -> None:
    """Raises MsfError where it is not installed."""
    if importlib.util.find_spec("matplotlib") is None:
        raise MsfError("Pictures need matplotlib, which is not installed; try pip install 'tflm-msf[plot]'.")


def kilobytes(nbytes: int) -> float:
    """Bytes as the axes count them."""
    return nbytes / 1000
