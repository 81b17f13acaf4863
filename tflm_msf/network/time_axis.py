"""Which rows of each map a step of a window network has to make, and which earlier steps have left.

The rows of the input are points in time, the window slides over them by ``hop`` rows a step. A map that is made by
windows without padding slides along: with ``stride`` input rows for each of its own, what was row r + hop / stride is
row r in the next step. So only its last rows are new; the others can be kept, if somebody still reads them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from tflm_msf.errors import MsfError
from tflm_msf.network.units import CONVERSIONS, Network, Unit
from tflm_msf.ops import Stage, StageOp
from tflm_msf.ops.stage import NO_ZOOM

REMEDY = 'train it with padding="valid" in time, or with causal padding where only the last rows are used'


@dataclass(frozen=True)
class Slide:
    """How a map whose rows are points in time moves: ``rows`` of it are in the window.

    ``stride``: input rows for each of its own; None if its rows in one window say nothing about those in the next.
    """

    rows: int
    stride: int | None


@dataclass(frozen=True)
class Rows:
    """Rows of a map, counted in the window: ``first`` to ``end`` are there in a step, from ``made`` on they are new."""

    first: int
    made: int
    end: int

    @property
    def history(self) -> int:
        """Rows that earlier steps have left."""
        return self.made - self.first

    @property
    def new(self) -> int:
        """Rows that the step makes."""
        return self.end - self.made


@dataclass(frozen=True)
class TimeAxis:
    """The rows of every map of a network in one step.

    ``source`` is the tensor that new rows come in, and ``converted`` what a QUANTIZE of TFLM's own makes of them, if
    the network begins with that; else the same. ``whole`` are maps that somebody wants to have whole who cannot read
    a ring: the caller, an operator that stays TFLM's own, or one that sees them in another shape. ``first_read`` is the
    first row of the input that is read in a step; ``misfits`` are maps with a stride that the hop does not suit, and
    ``padded`` units whose padding reaches into time.
    """

    source: int
    converted: int
    window: int
    slides: Mapping[int, Slide]
    rows: Mapping[int, Rows]
    whole: frozenset[int]
    first_read: int = 0
    misfits: Mapping[int, int] = field(default_factory=dict)
    padded: tuple[int, ...] = ()


def find_time_axis(network: Network, hop: int, name: str) -> TimeAxis:
    """The rows of a step of ``hop`` rows; ``name`` is what messages call the model.

    Raises:
        MsfError: if there is no axis that can be time, the padding of a layer reaches into it, or ``hop`` does not suit
            the strides.
    """
    source, converted, window = _source(network, name)
    if not 1 <= hop <= window:
        raise MsfError(f"{name} looks at {window} rows at a time: --stateful takes 1 to {window} new ones, not {hop}.")
    slides = _slides(network, source, converted, window)
    axis = _Demand(network, slides, hop).found(source, converted, window)
    if axis.padded:
        raise MsfError(_is_padded(network, axis.padded, name))
    if axis.misfits:
        raise MsfError(_does_not_fit(hop, axis, name))
    return axis


def fitting_hops(network: Network, name: str) -> tuple[int, ...]:
    """All numbers of new rows that a step of the network may take, ascending.

    Raises MsfError as :func:`find_time_axis`.
    """
    source, converted, window = _source(network, name)
    slides = _slides(network, source, converted, window)
    find_time_axis(network, window, name)

    def fits(hop: int) -> bool:
        return not _Demand(network, slides, hop).found(source, converted, window).misfits

    return tuple(hop for hop in _worth_asking(slides, window) if fits(hop))


MOST_HOPS = 512
"""Hops that are looked at one by one; of longer windows, only multiples of all strides."""


def _worth_asking(slides: Mapping[int, Slide], window: int) -> Iterator[int]:
    step = 1 if window <= MOST_HOPS else _common_stride(slides)
    yield from range(step, window, step)
    yield window


def _common_stride(slides: Mapping[int, Slide]) -> int:
    return math.lcm(*(slide.stride for slide in slides.values() if slide.stride is not None and slide.rows > 1))


def _source(network: Network, name: str) -> tuple[int, int, int]:
    """The input, what TFLM's own QUANTIZE makes of it (or itself), and its rows."""
    if len(network.inputs) != 1:
        raise MsfError(f"{name} has {len(network.inputs)} inputs; only a model with one can become a step model.")
    (source,) = network.inputs
    converted = source
    readers = [network.units[unit] for unit in network.consumers.get(source, ())]
    if len(readers) == 1 and _converts(network, readers[0]):
        converted = readers[0].outputs[0]
        readers = [network.units[unit] for unit in network.consumers.get(converted, ())]
    heights = {
        grid.h
        for unit in readers
        if unit.stage is not None
        for tensor, grid in zip(unit.stage.inputs, unit.stage.input_maps, strict=False)
        if tensor == converted
    }
    if len(heights) != 1 or any(unit.stage is None for unit in readers) or {source, converted} & set(network.outputs):
        raise MsfError(f"{name}: its input cannot be taken in new rows, because not all that reads it is fused.")
    (window,) = heights
    if window < 2:
        raise MsfError(f"{name} looks at one row at a time, so no row comes twice: there is nothing to keep.")
    return source, converted, window


def _converts(network: Network, unit: Unit) -> bool:
    return unit.stage is None and network.graph.ops[unit.ops[0]].builtin in CONVERSIONS and len(unit.outputs) == 1


def _slides(network: Network, source: int, converted: int, window: int) -> dict[int, Slide]:
    """How each map moves whose rows are points in time; all others are made anew in every step."""
    slides = {source: Slide(window, 1), converted: Slide(window, 1)}
    for unit in network.units:
        if unit.stage is not None:
            slide = _slide(unit.stage, slides)
            if slide is not None:
                slides[unit.stage.output] = slide
    return slides


def _slide(stage: Stage, slides: Mapping[int, Slide]) -> Slide | None:
    timed = [slides[tensor] for tensor in stage.reads if tensor in slides]
    if not timed or stage.reduces or stage.output_map.h == 1 or must_be_whole(stage, slides):
        return None
    strides = {slide.stride for slide in timed}
    (stride, *others) = strides
    if others or stride is None or len(timed) < len(stage.reads) or _differs_by_row(stage):
        return Slide(stage.output_map.h, None)
    return Slide(stage.output_map.h, stride * stage.window.stride_h)


def must_be_whole(stage: Stage, slides: Mapping[int, Slide]) -> bool:
    """True for a stage that needs its inputs whole, or in another shape than they are made in."""
    grids = zip(stage.inputs, stage.input_maps, strict=False)
    reshaped = any(tensor in slides and grid.h != slides[tensor].rows for tensor, grid in grids)
    return reshaped or stage.prefix is not None or stage.window.zoom_h != NO_ZOOM


def _differs_by_row(stage: Stage) -> bool:
    """True if a constant operand has other values for other rows."""
    if stage.second_operand is None or stage.input_maps[1].h == 1:
        return False
    values = np.frombuffer(stage.second_operand, np.int8)
    if len(values) == 1:
        return False
    rows = values.reshape(stage.input_maps[1].h, -1)
    return bool((rows != rows[0]).any())


class _Demand:
    """Walks backwards from the outputs: who needs which rows of whom in a step."""

    def __init__(self, network: Network, slides: Mapping[int, Slide], hop: int) -> None:
        self._network = network
        self._slides = slides
        self._hop = hop
        self._asked: dict[int, tuple[int, int]] = {}
        self._rows: dict[int, Rows] = {}
        self._whole: set[int] = set()
        self._misfits: dict[int, int] = {}
        self._padded: list[int] = []

    def found(self, source: int, converted: int, window: int) -> TimeAxis:
        """The rows of every map."""
        for tensor in self._network.outputs:
            self._ask_all(tensor)
        for index in range(len(self._network.units) - 1, -1, -1):
            unit = self._network.units[index]
            if unit.stage is not None:
                self._ask_for(index, unit.stage)
            elif converted == source or unit.outputs[0] != converted:
                for tensor in unit.inputs:
                    self._ask_all(tensor)
        first, _ = self._asked.get(converted, (window, window))
        made = window - self._hop
        rows = {**self._rows, converted: Rows(min(first, made), made, window)}
        return TimeAxis(
            source,
            converted,
            window,
            self._slides,
            {source: rows[converted], **rows},
            frozenset(self._whole),
            first,
            self._misfits,
            tuple(sorted(set(self._padded))),
        )

    def _ask_all(self, tensor: int) -> None:
        """Somebody needs a map whole, in memory of its own."""
        if tensor in self._slides:
            self._whole.add(tensor)
            self._asked[tensor] = 0, self._slides[tensor].rows

    def _ask(self, tensor: int, first: int, end: int) -> None:
        before = self._asked.get(tensor, (first, end))
        self._asked[tensor] = min(before[0], first), max(before[1], end)

    def _ask_for(self, index: int, stage: Stage) -> None:
        """What unit ``index`` needs of its inputs to make the new rows of its output."""
        made, end = self._new_rows(stage)
        for tensor, grid in zip(stage.inputs, stage.input_maps, strict=False):
            if tensor not in self._slides:
                continue
            if must_be_whole(stage, self._slides):
                self._ask_all(tensor)
            else:
                first, last = rows_read(stage, made, end, grid.h)
                if (first < 0 or last > grid.h) and stage.output in self._slides:
                    self._padded.append(index)
                self._ask(tensor, max(first, 0), min(last, grid.h))
        if stage.prefix is not None:
            self._ask_all(stage.prefix)

    def _new_rows(self, stage: Stage) -> tuple[int, int]:
        """The rows of a stage's output that a step makes. What is only cut out of a map is cut out anew."""
        slide = self._slides.get(stage.output)
        if slide is None:
            return 0, stage.output_map.h
        first, end = self._asked.get(stage.output, (0, slide.rows))
        made = first if stage.op is StageOp.SLICE else self._first_new_row(stage.output, slide, first, end)
        self._rows[stage.output] = Rows(first, made, end)
        return made, end

    def _first_new_row(self, tensor: int, slide: Slide, first: int, end: int) -> int:
        """The first row that no earlier step has made; all of them are new if no row is in two windows."""
        if slide.stride is None or end - first < 2 or (end - first - 1) * slide.stride < self._hop:
            return first
        if self._hop % slide.stride != 0:
            self._misfits[tensor] = slide.stride
            return first
        return end - self._hop // slide.stride


def rows_read(stage: Stage, made: int, end: int, height: int) -> tuple[int, int]:
    """Rows of an input of ``height`` rows that a stage reads for rows ``made`` to ``end``, those in the padding too."""
    if stage.reduces:
        return 0, height
    window = stage.window
    return window.top(made), window.top(end - 1) + window.reach_h


def _is_padded(network: Network, units: tuple[int, ...], name: str) -> str:
    unit = network.units[units[0]]
    output = network.graph.tensors[unit.outputs[0]].name.split(";")[0]
    op = network.graph.ops[unit.ops[-1]]
    others = f" (and {len(units) - 1} more)" if len(units) > 1 else ""
    return (
        f"{name}: operator {network.in_file(unit.ops[-1])} ({op.name}, '{output}')"
        f"{others} pads its rows in time, as SAME does, so that no row of it can be kept for the next window: {REMEDY}."
    )


def _does_not_fit(hop: int, axis: TimeAxis, name: str) -> str:
    step = _common_stride(axis.slides)
    below = hop // step * step
    above = min(below + step, axis.window)
    nearest = f"{below} or {above}" if below else f"{above}"
    strides = max(axis.misfits.values())
    return (
        f"{name} makes strides of {strides} rows in time, and {hop} new rows are no multiple of that: the nearest that "
        f"--stateful can take is {nearest}."
    )
