"""One operator as the kernels run it: a stage on maps of height, width and channels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from tflm_msf.format import StageOp as StageOp
from tflm_msf.format.limits import can_be_numbered
from tflm_msf.graph import Tensor

Coordinates = TypeVar("Coordinates", int, npt.NDArray[np.int64])


AddTensor = Callable[[Tensor], int]
"""Gives a tensor that an operator needs inside an index."""


class NotFusableError(Exception):
    """Why an operator stays a TFLM builtin: half a sentence for the report."""


class Map(NamedTuple):
    """Height, width and channels of a feature map (batch is 1)."""

    h: int
    w: int
    c: int

    @property
    def elements(self) -> int:
        """Values in the map."""
        return self.h * self.w * self.c

    @property
    def pixels(self) -> int:
        """Pixels in the map."""
        return self.h * self.w


NO_MAP = Map(0, 0, 0)

MOST_CHANNELS = 65_535
"""Of a map; the format counts them in 16 bits."""


def map_of(tensor: Tensor) -> Map:
    """The map that a tensor [1, h, w, c], [1, w, c], [1, c] or [c] holds.

    Raises:
        NotFusableError: for a batch above 1 or more than three other dimensions.
    """
    shape = tensor.shape
    while len(shape) > 3 and shape[0] == 1:
        shape = shape[1:]
    if len(shape) > 3:
        raise NotFusableError(f"its tensor '{tensor.name}' has shape {list(tensor.shape)}, not one image")
    h, w, c = (1,) * (3 - len(shape)) + shape
    if min(h, w, c) < 1 or c > MOST_CHANNELS or not can_be_numbered(max(h, w), min(h, w)):
        raise NotFusableError(f"its tensor '{tensor.name}' has a dimension of 0, or one that is too large")
    return Map(h, w, c)


class Zoom(NamedTuple):
    """Makes a window move on only every ``factor`` outputs, for the first time after ``factor - shift`` of them."""

    factor: int = 1
    shift: int = 0


NO_ZOOM = Zoom()


@dataclass(frozen=True)
class Window:
    """Which input pixels an output pixel reads, along both axes.

    The first tap of output row y is on input row floor((y + shift) / factor) * stride - pad, shift and factor being
    those of ``zoom_h``. The same goes for columns.
    """

    kernel_h: int = 1
    kernel_w: int = 1
    stride_h: int = 1
    stride_w: int = 1
    dilation_h: int = 1
    dilation_w: int = 1
    pad_top: int = 0
    pad_left: int = 0
    zoom_h: Zoom = NO_ZOOM
    zoom_w: Zoom = NO_ZOOM

    @property
    def reach_h(self) -> int:
        """Rows from the first to the last tap."""
        return (self.kernel_h - 1) * self.dilation_h + 1

    @property
    def reach_w(self) -> int:
        """Columns from the first to the last tap."""
        return (self.kernel_w - 1) * self.dilation_w + 1

    def top(self, y: Coordinates) -> Coordinates:
        """Input row of the first tap of output row ``y``, not clipped to the map."""
        return (y + self.zoom_h.shift) // self.zoom_h.factor * self.stride_h - self.pad_top

    def left(self, x: Coordinates) -> Coordinates:
        """Input column of the first tap of output column ``x``, not clipped to the map."""
        return (x + self.zoom_w.shift) // self.zoom_w.factor * self.stride_w - self.pad_left

    def rows(self, y: int, height: int) -> tuple[int, int]:
        """First and last (exclusive) input row that output row ``y`` reads, clipped to the map."""
        return _clip(self.top(y), self.reach_h, height)

    def cols(self, x0: int, x1: int, width: int) -> tuple[int, int]:
        """First and last (exclusive) input column that output columns ``x0`` to ``x1`` read, clipped to the map."""
        if width == 1:
            return 0, 1
        return _clip(self.left(x0), self.left(x1 - 1) - self.left(x0) + self.reach_w, width)


def _clip(first: int, count: int, size: int) -> tuple[int, int]:
    return min(max(first, 0), size), min(max(first + count, 0), size)


POINTWISE = Window()

Int32s = npt.NDArray[np.int32]
Int8s = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Requantization:
    """Per output channel: folded bias, multiplier and shift."""

    bias: Int32s
    multipliers: Int32s
    shifts: Int8s

    @property
    def is_uniform(self) -> bool:
        """True if all channels have the same multiplier and shift."""
        return bool((self.multipliers == self.multipliers[0]).all() and (self.shifts == self.shifts[0]).all())


ANY_NUMBER = 0xFFFF
"""Of strips: a map has no more columns."""


def times_fetched(source_args: Sequence[int]) -> int:
    """How often an inference may fetch each row, from the arguments of a SOURCE."""
    return max(1, *source_args[1:2])


@dataclass(frozen=True, eq=False)
class Stage:
    """One kernel call.

    ``inputs`` and ``output`` are tensor indices of the graph; ``input_maps`` and ``output_map`` say how the stage sees
    them. A reducing stage walks its input's pixels, every other one its output's: its *grid*. ``macs_per_pixel``
    counts multiply-accumulates for each pixel of the grid. If there is a ``prefix``, the output tensor begins with the
    bytes of that tensor, seen as ``prefix_map``, and the output map lies behind them. The first ``history`` rows of the
    output map are not made but left by earlier invocations, and hold ``start`` before the first one.
    """

    op: StageOp
    inputs: tuple[int, ...]
    output: int
    input_maps: tuple[Map, ...]
    output_map: Map
    window: Window = POINTWISE
    reduces: bool = False
    macs_per_pixel: int = 0
    activation: tuple[int, int] = (-128, 127)
    in_zero: tuple[int, ...] = (0,)
    out_zero: int = 0
    weights: bytes = b""
    requantization: Requantization | None = None
    second_operand: bytes | None = None
    args: tuple[int, ...] = ()
    prefix: int | None = None
    prefix_map: Map = NO_MAP
    history: int = 0
    start: bytes = b""

    @property
    def reads(self) -> tuple[int, ...]:
        """All tensors that are read, the prefix last."""
        return self.inputs if self.prefix is None else (*self.inputs, self.prefix)

    @property
    def extent(self) -> tuple[int, int]:
        """The most rows, and the most columns, of any map that the stage reads or writes."""
        maps = (*self.input_maps, self.output_map, self.prefix_map)
        return max(grid.h for grid in maps), max(grid.w for grid in maps)

    @property
    def most_strips(self) -> int:
        """Strips that a block may make its output in with this stage in it."""
        if self.op is StageOp.SOURCE:
            return times_fetched(self.args)
        return 1 if self.reduces or self.prefix is not None or self.history else ANY_NUMBER

    @property
    def grid(self) -> Map:
        """The map whose pixels the stage is run for."""
        return self.input_maps[0] if self.reduces else self.output_map

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the whole operator, taps in the padding included (as the field counts them)."""
        return self.macs_per_pixel * (self.grid.pixels - self.history * self.grid.w)
