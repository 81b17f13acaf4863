"""The kernels' walk over a block, pixel by pixel, written from SPEC.md alone: which pixel each ring holds when.

An oracle for what the product computes otherwise. It takes of a block which units run together, how many pixels at a
time, and how many pixels each ring keeps; nothing else that the product has worked out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tflm_msf.blocks.block import Block
from tflm_msf.format import Order
from tflm_msf.ops import Map, Stage

Pixel = tuple[int, int]
"""Row and column; tuples compare in reading order."""


class WrongPixelError(Exception):
    """A stage read a place of a ring that holds another pixel than the one it is meant to."""


@dataclass
class _Group:
    """A group of stages in the current tile. ``next`` is the pixel of its grid that comes next."""

    stages: list[Stage]
    chunk: int
    reduces: bool
    y0: int = 0
    x0: int = 0
    x1: int = 0
    next: Pixel = (0, 0)
    goal: Pixel = (0, 0)

    @property
    def last(self) -> Stage:
        return self.stages[-1]


def taps(start: int, kernel: int, dilation: int, size: int) -> list[int]:
    """Coordinates that a window reads along an axis, without those in the padding."""
    return [at for at in range(start, start + kernel * dilation, dilation) if 0 <= at < size]


def top(stage: Stage, y: int) -> int:
    """The first row under the window of output row ``y``."""
    zoom = stage.window.zoom_h
    return (y + zoom.shift) // zoom.factor * stage.window.stride_h - stage.window.pad_top


def left(stage: Stage, x: int) -> int:
    """The first column under the window of output column ``x``."""
    zoom = stage.window.zoom_w
    return (x + zoom.shift) // zoom.factor * stage.window.stride_w - stage.window.pad_left


def bottom(stage: Stage, y: int) -> int:
    """The last row under the window of output row ``y``."""
    return top(stage, y) + (stage.window.kernel_h - 1) * stage.window.dilation_h


def right(stage: Stage, x: int) -> int:
    """The last column under the window of output column ``x``."""
    return left(stage, x) + (stage.window.kernel_w - 1) * stage.window.dilation_w


def reads_one_pixel(stage: Stage) -> bool:
    """True if an output pixel is made from the same pixel of the input."""
    w = stage.window
    plain = (w.kernel_h, w.kernel_w, w.stride_h, w.stride_w, w.pad_top, w.pad_left) == (1, 1, 1, 1, 0, 0)
    return plain and w.zoom_h.factor == 1 and w.zoom_w.factor == 1


class Walk:
    """Runs a block's tiles. Raises WrongPixelError as soon as a ring has lost, or does not yet have, what is read."""

    def __init__(self, block: Block, rings: Mapping[int, int]) -> None:
        self.rings = rings
        self.tile_w = block.candidate.schedule.tile_w
        self.groups = [self._group(block, group.units, group.chunk) for group in block.groups]
        self.made_by = {group.last.output: number for number, group in enumerate(self.groups)}
        self.memory: dict[int, dict[int, Pixel]] = {}
        self.written = 0
        self.ahead: dict[int, int] = {}
        self.macs = 0
        self.steps: list[Counter[int]] = [Counter() for _ in self.groups]
        self.first_places: list[set[int]] = [set() for _ in self.groups]
        self.makes_what_is_asked = block.candidate.schedule.order is Order.ASKED

    @staticmethod
    def _group(block: Block, units: tuple[int, ...], chunk: int) -> _Group:
        stages = [stage for unit in units for stage in [block.network.units[unit].stage] if stage is not None]
        return _Group(stages, chunk, stages[-1].reduces)

    def run(self) -> None:
        """All tiles, one after the other."""
        out = self.groups[-1].last.output_map
        if self.groups[-1].reduces:
            out = out._replace(h=1, w=1)
        for x0 in range(0, out.w, self.tile_w):
            self._begin_tile(x0, min(x0 + self.tile_w, out.w))
            for row in range(1, out.h + 1):
                self._finish(len(self.groups) - 1, (row, self.groups[-1].x0))

    def _begin_tile(self, x0: int, x1: int) -> None:
        self.memory = {tensor: {} for tensor in self.rings}
        needs: list[list[tuple[int, int, int]]] = [[] for _ in self.groups]
        for number in reversed(range(len(self.groups))):
            group = self.groups[number]
            if group.reduces or not group.last.inputs:
                group.y0, group.x0, group.x1 = 0, 0, group.last.grid.w
            elif number == len(self.groups) - 1:
                group.y0, group.x0, group.x1 = 0, x0, x1
            else:
                asked = needs[number] or [(0, 0, 0)]
                group.y0, group.x0, group.x1 = (
                    min(a[0] for a in asked),
                    min(a[1] for a in asked),
                    max(a[2] for a in asked),
                )
            group.next = group.y0, group.x0
            for stage, source, size in self._reads(number):
                first, last = _clipped(left(stage, group.x0), right(stage, group.x1 - 1) + 1, size.w)
                row = _clipped(top(stage, group.y0), bottom(stage, group.last.grid.h - 1) + 1, size.h)[0]
                if first < last and group.x0 < group.x1:
                    needs[self.made_by[source]].append((row, first, last))

    def _reads(self, number: int) -> Iterator[tuple[Stage, int, Map]]:
        """The stages of a group with each input that another group makes."""
        for stage in self.groups[number].stages:
            for source, size in zip(stage.inputs, stage.input_maps, strict=False):
                if self.made_by.get(source, number) != number:
                    yield stage, source, size

    def _finish(self, number: int, goal: Pixel) -> None:
        """Runs a group until everything before ``goal`` is done; a reducing one to the end."""
        group = self.groups[number]
        if group.reduces:
            goal = group.last.grid.h, 0
        group.goal = goal
        while group.x0 < group.x1 and group.next < goal:
            self._step(number)

    def _step(self, number: int) -> None:
        group = self.groups[number]
        y, x0 = group.next
        x1 = min(x0 + group.chunk, group.x1)
        if self.makes_what_is_asked and group.last.inputs and group.goal[0] == y:
            x1 = min(x1, group.goal[1])
        for stage, source, size in self._reads(number):
            maker = self.groups[self.made_by[source]]
            if reads_one_pixel(stage) and size.pixels != 1 and not maker.reduces:
                x1 = min(x1, x0 + self._left_in_ring(source, (y, x0)))
            rows, cols = min(bottom(stage, y) + 1, size.h), min(right(stage, x1 - 1) + 1, size.w)
            if rows > 0 and cols > 0:
                self._finish(self.made_by[source], (rows - 1, cols))
        if group.last.output in self.rings and not group.reduces:
            x1 = min(x1, x0 + self._left_in_ring(group.last.output, (y, x0)))
            self.first_places[number].add(self._place(group.last.output, (y, x0)))
        for x in range(x0, x1):
            self._read_windows(number, y, x)
        self._read_inputs(number, y, range(x0, x1))
        for x in range(x0, x1):
            self._make(group, y, x)
        self.steps[number][x1 - x0] += 1
        group.next = (y, x1) if x1 < group.x1 else (y + 1, group.x0)

    def _place(self, tensor: int, pixel: Pixel) -> int:
        maker = self.groups[self.made_by[tensor]]
        if maker.reduces:
            return pixel[0] * maker.last.output_map.w + pixel[1]
        return ((pixel[0] - maker.y0) * (maker.x1 - maker.x0) + pixel[1] - maker.x0) % self.rings[tensor]

    def _left_in_ring(self, tensor: int, pixel: Pixel) -> int:
        return self.rings[tensor] - self._place(tensor, pixel)

    def _read_windows(self, number: int, y: int, x: int) -> None:
        for stage, source, size in self._reads(number):
            window = stage.window
            one = size.pixels == 1
            for row in [0] if one else taps(top(stage, y), window.kernel_h, window.dilation_h, size.h):
                for col in [0] if one else taps(left(stage, x), window.kernel_w, window.dilation_w, size.w):
                    if self.memory[source].get(self._place(source, (row, col))) != (row, col):
                        raise WrongPixelError(f"{stage.op.name} ({y}, {x}): tensor {source} pixel ({row}, {col})")

    def _read_inputs(self, number: int, y: int, span: range) -> None:
        """Notes where the output ends when a block's input is read. The last stage writes while it reads."""
        group, out = self.groups[number], self.groups[-1].last
        for stage in group.stages:
            written = self.written
            if stage is out and not stage.reduces:
                written = max(written, (y * out.output_map.w + span[-1] + 1) * out.output_map.c)
            for source, size in zip(stage.inputs, stage.input_maps, strict=False):
                if source not in self.made_by and source not in {s.output for s in group.stages}:
                    first = self._first_read(stage, y, span, size)
                    if first is not None:
                        self.ahead[source] = max(self.ahead.get(source, 0), written - first * size.c)

    @staticmethod
    def _first_read(stage: Stage, y: int, span: range, size: Map) -> int | None:
        if size.pixels == 1:
            return 0
        window = stage.window
        rows = taps(top(stage, y), window.kernel_h, window.dilation_h, size.h)
        cols = {col for x in span for col in taps(left(stage, x), window.kernel_w, window.dilation_w, size.w)}
        return rows[0] * size.w + min(cols) if rows and cols else None

    def _make(self, group: _Group, y: int, x: int) -> None:
        self.macs += sum(stage.macs_per_pixel for stage in group.stages)
        if group is self.groups[-1]:
            ends = not group.reduces or (y + 1, x + 1) == (group.last.grid.h, group.last.grid.w)
            out = group.last.output_map
            end = out.elements if group.reduces else (y * out.w + x + 1) * out.c
            self.written = max(self.written, end) if ends else self.written
        result = group.last.output
        if group.reduces:
            if (y + 1, x + 1) == (group.last.grid.h, group.last.grid.w) and result in self.rings:
                self.memory[result] = {
                    place: divmod(place, group.last.output_map.w) for place in range(self.rings[result])
                }
        elif result in self.rings:
            self.memory[result][self._place(result, (y, x))] = (y, x)


def _clipped(first: int, last: int, size: int) -> tuple[int, int]:
    """First and last (exclusive) coordinate inside a map; a single one serves all."""
    if size == 1:
        return 0, 1
    return min(max(first, 0), size), min(max(last, 0), size)


def rings_of(block: Block) -> dict[int, int]:
    """Pixels that a block keeps of each tensor that other groups read."""
    return {buffer.tensor: buffer.pixels for buffer in block.buffers if not buffer.is_chunk}


def works(block: Block, rings: Mapping[int, int]) -> bool:
    """True if every window sees the pixels that it should."""
    try:
        Walk(block, rings).run()
    except WrongPixelError:
        return False
    return True
