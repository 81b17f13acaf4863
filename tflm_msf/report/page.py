"""A model and its plan as one HTML page that needs nothing else: no network, no other file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import PurePath
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tflm_msf import __version__
from tflm_msf.endings import in_words
from tflm_msf.printable import ranges
from tflm_msf.report.pictures import NARROW, WIDE, Picture
from tflm_msf.report.pictures.front import draw_front
from tflm_msf.report.pictures.memory import draw_memory
from tflm_msf.report.pictures.network import draw_network
from tflm_msf.report.tables import arena_code, short_name
from tflm_msf.sizes import format_size

Json = Mapping[str, Any]

TEMPLATES = "templates"

WIDTHS = {"wide": WIDE, "narrow": NARROW}
"""Each picture is there for desks and for phones; the page shows the one that fits."""


def page(found: Json) -> str:
    """The page.

    Args:
        found: what :func:`tflm_msf.overview.overview` gives.
    """
    environment = Environment(
        loader=PackageLoader("tflm_msf.report", TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(size=format_size, short=short_name, ranges=ranges, words=in_words, shape=_shape)
    return environment.get_template("page.html").render(
        found=found,
        name=PurePath(found["source"]).name,
        version=__version__,
        pictures={kind: _elements(kind, found) for kind in _DRAWN},
        data=Markup(_script_safe(json.dumps(found, separators=(",", ":")))),  # noqa: S704 - made so that no tag can begin in it
        style=_text("page.css"),
        script=_text("page.js"),
        code=arena_code(found["plan"]["needed"], found["target"]["name"]) if found["plan"]["needed"] else None,
    )


def _text(name: str) -> Markup:
    """A file of our own, as it is."""
    return Markup((files("tflm_msf.report") / TEMPLATES / name).read_text(encoding="utf-8"))  # noqa: S704


def _script_safe(text: str) -> str:
    """JSON that cannot end the element that it stands in, or begin a comment."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


def _elements(kind: str, found: Json) -> list[dict[str, Any]]:
    drawn = {name: _DRAWN[kind](found, width) for name, width in WIDTHS.items()}
    return [
        {"width": name, "svg": Markup(picture.element(f"{kind}-{name}"))}  # noqa: S704 - matplotlib escapes texts, so do we
        for name, picture in drawn.items()
    ]


def _front(found: Json, width: float) -> Picture:
    point = found["front"][found["chosen"]]
    chosen = None if point["minimum"] is None else (point["overhead"], point["minimum"])
    return draw_front(
        "", found["presets"], found["today"], chosen=chosen, ram_limit=found["limits"]["ram"], width=width
    )


def _memory(found: Json, width: float) -> Picture:
    return draw_memory("", found["memory"]["before"], found["memory"]["after"], width)


def _network(found: Json, width: float) -> Picture:
    return draw_network("", found["layers"], width)


_DRAWN = {"front": _front, "memory": _memory, "network": _network}
