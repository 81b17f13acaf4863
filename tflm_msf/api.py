"""The Python interface, for notebooks and scripts: ``import tflm_msf``, then :func:`load`."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tflm_msf.advice import choose_or_advise
from tflm_msf.arena import find_target
from tflm_msf.boards import find_board
from tflm_msf.camera import Camera
from tflm_msf.choice import Choice
from tflm_msf.compare import front_curves, tflm_today
from tflm_msf.errors import MsfError
from tflm_msf.estimation import Estimate, estimate_layers
from tflm_msf.files import read_bytes
from tflm_msf.graph import Model as Graphs
from tflm_msf.graph.pixels import make_pixels
from tflm_msf.keras_models import convert
from tflm_msf.layers import Layer
from tflm_msf.layers.from_keras import is_keras, layers_of_keras
from tflm_msf.overview import overview, picture_values
from tflm_msf.planner import Planner
from tflm_msf.report.page import page
from tflm_msf.report.pictures import Picture, require_matplotlib
from tflm_msf.report.pictures.front import draw_front
from tflm_msf.report.pictures.memory import draw_memory
from tflm_msf.report.pictures.network import draw_network
from tflm_msf.report.values import front_json, rewrite_json
from tflm_msf.request import Limits, Request
from tflm_msf.search.presets import Preset
from tflm_msf.sizes import parse_size
from tflm_msf.tflite_io import read_model, write_model
from tflm_msf.verify import VerifyReport
from tflm_msf.verify import verify as verify_models

if TYPE_CHECKING:
    import pandas as pd

LAYER_COLUMNS = ("index", "operator", "shape", "block", "before", "after", "macs")
"""Of a result as a table: an operator a line, bytes of the arena's head in use while it runs."""

COLUMNS = ("overhead", "macs", "total", "minimum", "head", "proved")
"""Of a front as a table: MAC overhead factor F, MACs, and bytes of arena."""


@dataclass(frozen=True)
class Front:
    """The trade-off between arena and compute: a plan for each point, least MACs first; see ``docs/JSON.md``.

    Each point has ``overhead`` (F, a factor), ``macs``, and bytes: ``minimum`` (the least arena), ``total``, ``head``.
    """

    source: str
    points: tuple[Mapping[str, Any], ...]
    _planner: Planner = field(repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.points)

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return iter(self.points)

    def to_dataframe(self) -> pd.DataFrame:
        """The points as a pandas table with :data:`COLUMNS`. Raises ImportError without pandas."""
        import pandas as pd

        return pd.DataFrame([{name: point[name] for name in COLUMNS} for point in self.points])

    def plot(self, *, presets: bool = False) -> Picture:
        """Draws it: MAC overhead factor F against arena in kB, with what TFLM takes today.

        Args:
            presets: draw what earlier methods reach as well; each is searched for.

        Returns:
            A picture that notebooks show; ``figure`` is matplotlib's, ``file("png")`` its bytes.

        Raises:
            MsfError: if matplotlib is not installed.
        """
        require_matplotlib()
        full = [(float(point["overhead"]), int(point["minimum"] or point["head"])) for point in self.points]
        curves = front_curves(self._planner) if presets else {self._planner.request.preset.value: full}
        return draw_front(self.source, curves, tflm_today(self._planner))

    def _repr_html_(self) -> str:
        return _table(COLUMNS, [[point[name] for name in COLUMNS] for point in self.points])


@dataclass(frozen=True)
class Result:
    """A rewritten model: ``data`` is the ``.tflite`` file, ``report`` what `rewrite --json` prints of it."""

    original: Model
    data: bytes
    report: Mapping[str, Any]
    _planned: tuple[Planner, Choice] = field(repr=False, compare=False)

    def plot(self) -> Picture:
        """Draws what lies where in the arena's head, and when, before and after; kB over operators.

        Raises:
            MsfError: if matplotlib is not installed.
        """
        require_matplotlib()
        memories, _ = picture_values(*self._planned)
        return draw_memory(self.original.source, memories["before"], memories["after"])

    def plot_network(self) -> Picture:
        """Draws the network: each operator with its block, the bytes in use before and after, its MACs.

        Raises:
            MsfError: if matplotlib is not installed.
        """
        require_matplotlib()
        _, layers = picture_values(*self._planned)
        return draw_network(self.original.source, layers)

    def to_dataframe(self) -> pd.DataFrame:
        """A line for each operator of the original: block, bytes in use ``before`` and ``after``, MACs, output shape.

        Raises ImportError without pandas.
        """
        import pandas as pd

        _, layers = picture_values(*self._planned)
        return pd.DataFrame([{name: layer[name] for name in LAYER_COLUMNS} for layer in layers])

    def save(self, path: str | Path) -> Path:
        """Writes the file, and says where."""
        target = Path(path)
        target.write_bytes(self.data)
        return target

    def verify(self, runs: int = 20, seed: int = 0) -> VerifyReport:
        """Compares it with the original in TFLM, bit by bit, on frames of the camera that it was rewritten for, if any;
        see :func:`tflm_msf.verify.verify`.
        """
        sources = (self.original.source, "the result")
        camera = self._planned[0].request.camera
        return verify_models(self.original.data, self.data, runs, seed=seed, sources=sources, camera=camera)

    def _repr_html_(self) -> str:
        sizes = [(name, self.report["arena"][name] or {}) for name in ("original", "plan")]
        parts = ("head", "tail", "total", "minimum")
        return _table(("arena, bytes", *parts), [[name, *(size.get(part) for part in parts)] for name, size in sizes])


@dataclass(frozen=True)
class Model:
    """An original ``.tflite`` model. ``source`` is what messages call it."""

    source: str
    data: bytes

    @cached_property
    def _graphs(self) -> Graphs:
        return read_model(self.data, self.source)

    def plan(
        self,
        *,
        target: str | None = None,
        board: str | None = None,
        stream_input: bool = False,
        stateful: int | None = None,
        int8_io: bool = False,
        fast_ram: int | str | None = None,
    ) -> Front:
        """All plans that no other beats in both arena and compute; with ``fast_ram``, in traffic and compute.

        Args:
            target: whose arena counts, as in ``--target``.
            board: where it is to run, as in ``--board``.
            stream_input: get the input row by row from a callback.
            stateful: make a step model of so many new rows (0: as few as can be), as in ``--stateful``.
            int8_io: make float inputs and outputs int8.
            fast_ram: bytes of a fast memory beside a slow one that holds the arena, as in ``--fast-ram``. Points then
                have ``fast`` (bytes) and ``traffic`` (bytes read and written in slow memory) besides.

        Raises:
            MsfError: if the model cannot be rewritten, or not so.
        """
        asked = _request(target, board, stream_input, int8_io)
        request = replace(asked, stateful=stateful, fast_ram=_bytes(fast_ram))
        planner = Planner.of_model(self._graphs, self.source, request)
        return Front(self.source, tuple(front_json(planner)), planner)

    def rewrite(
        self,
        *,
        ram: int | str | None = None,
        max_overhead: float | None = None,
        target: str | None = None,
        board: str | None = None,
        stream_input: bool = False,
        stateful: int | None = None,
        int8_io: bool = False,
        camera: Camera | str | None = None,
        pixel_range: tuple[float, float] | None = None,
        fast_ram: int | str | None = None,
    ) -> Result:
        """Rewrites the model: least arena at no extra compute, or the fastest plan in a limit on RAM.

        Args:
            ram: bytes of arena that have to suffice, as a number or as text: "64KiB".
            max_overhead: MAC overhead factor F that may not be exceeded.
            target: see :meth:`plan`.
            board: see :meth:`plan`.
            stream_input: see :meth:`plan`.
            stateful: see :meth:`plan`.
            int8_io: see :meth:`plan`.
            camera: whose rows become those of a streamed input, as a :class:`Camera` or as text: "320x240:rgb565".
            pixel_range: the real numbers that 0 and 255 of a camera's image stand for, as in ``--pixel-range``.
            fast_ram: see :meth:`plan`; ``ram`` is then what slow memory has for the arena.

        Raises:
            MsfError: if the model cannot be rewritten, or the limits not be kept; the message says what would help.
        """
        limits = Limits(_bytes(ram), max_overhead)
        asked = _request(target, board, stream_input, int8_io)
        request = replace(asked, limits=limits, stateful=stateful, fast_ram=_bytes(fast_ram))
        request = _with_camera(request, camera, pixel_range)
        planner = Planner.of_model(self._graphs, self.source, request)
        choice = choose_or_advise(planner)
        rewritten = write_model(choice.model)
        report = rewrite_json(planner, choice, len(self.data), len(rewritten))
        return Result(self, rewritten, report, (planner, choice))

    def report(
        self,
        path: str | Path,
        *,
        ram: int | str | None = None,
        max_overhead: float | None = None,
        target: str | None = None,
        board: str | None = None,
        stream_input: bool = False,
        int8_io: bool = False,
    ) -> Path:
        """Writes the page of `tflm-msf report`, one HTML file that needs nothing else, and says where.

        Args:
            path: the file.
            ram: see :meth:`rewrite`.
            max_overhead: see :meth:`rewrite`.
            target: see :meth:`plan`.
            board: see :meth:`plan`.
            stream_input: see :meth:`plan`.
            int8_io: see :meth:`plan`.

        Raises:
            MsfError: as :meth:`rewrite` does, and without matplotlib.
        """
        require_matplotlib()
        limits = Limits(_bytes(ram), max_overhead)
        request = replace(_request(target, board, stream_input, int8_io), limits=limits)
        written = Path(path)
        written.write_text(page(overview(self.data, self.source, request)), encoding="utf-8")
        return written


def load(path: str | Path) -> Model:
    """Reads a ``.tflite`` file.

    Raises:
        MsfError: if it cannot be read or is no valid model.
    """
    model = Model(str(path), read_bytes(path))
    read_model(model.data, model.source)
    return model


def from_keras(model: Any, representative_data: Iterable[Any], source: str = "the Keras model") -> Model:
    """Converts a Keras model to int8, with a fixed batch of 1 and the settings that TFLM can run.

    Args:
        model: a Keras model; each input has a shape that is fixed but for the batch.
        representative_data: examples, as floats: an array or a sequence with one for each row; of tuples for a model of
            several inputs. They set the scales.
        source: what messages call the model.

    Returns:
        The converted model, to plan and rewrite; ``data`` is the ``.tflite`` file.

    Raises:
        MsfError: without TensorFlow, or for what cannot be converted.
    """
    converted = Model(source, convert(model, representative_data))
    read_model(converted.data, source)
    return converted


def estimate(
    network: Sequence[Layer] | Any,
    *,
    ram: int | str | None = None,
    max_overhead: float | None = None,
    target: str | None = None,
    board: str | None = None,
    stream_input: bool = False,
    preset: str = Preset.FULL.value,
) -> Estimate:
    """What a network takes, once trained, converted to int8 and rewritten, before any of that is done.

    Args:
        network: its layers (see :mod:`tflm_msf.layers`), or a functional or sequential Keras model.
        ram: see :meth:`Model.rewrite`.
        max_overhead: see :meth:`Model.rewrite`.
        target: see :meth:`Model.plan`.
        board: see :meth:`Model.plan`.
        stream_input: see :meth:`Model.plan`.
        preset: the schedule space, as for `tflm-msf compare`: ``full``, ``layerwise``, ``mcunetv2`` and others.

    Raises:
        MsfError: for layers that do not fit each other, or if the limits cannot be kept.
    """
    try:
        space = Preset(preset)
    except ValueError:
        raise MsfError(f"'{preset}' is no schedule space: {', '.join(each.value for each in Preset)}.") from None
    request = replace(
        _request(target, board, stream_input, False), limits=Limits(_bytes(ram), max_overhead), preset=space
    )
    return estimate_layers(layers_of_keras(network) if is_keras(network) else network, request)


def _request(target: str | None, board: str | None, stream_input: bool, int8_io: bool) -> Request:
    return Request(
        stream_input=stream_input,
        int8_io=int8_io,
        board=None if board is None else find_board(board),
        target=None if target is None else find_target(target),
    )


def _with_camera(request: Request, camera: Camera | str | None, pixel_range: tuple[float, float] | None) -> Request:
    if camera is None:
        if pixel_range is not None:
            raise MsfError("pixel_range says what the bytes of a camera's image stand for: give a camera, too.")
        return request
    found = Camera.parse(camera) if isinstance(camera, str) else camera
    return replace(request, stream_input=True, pixels=make_pixels("uint8", pixel_range), camera=found)


def _bytes(size: int | str | None) -> int | None:
    if not isinstance(size, str):
        return size
    try:
        return parse_size(size)
    except ValueError as error:
        raise MsfError(str(error)) from None


def _table(head: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    """An HTML table; numbers with thousands separators."""

    def row(cells: Sequence[object], kind: str) -> str:
        return "<tr>" + "".join(f"<{kind}>{html.escape(_shown(cell))}</{kind}>" for cell in cells) + "</tr>"

    return (
        f"<table><thead>{row(head, 'th')}</thead><tbody>{''.join(row(cells, 'td') for cells in rows)}</tbody></table>"
    )


def _shown(cell: object) -> str:
    if isinstance(cell, int) and not isinstance(cell, bool):
        return f"{cell:,}"
    return "-" if cell is None else f"{cell:.3f}" if isinstance(cell, float) else str(cell)
