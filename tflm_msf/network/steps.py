"""A network that looks at a window, as one that takes the rows which are new and keeps what it needs of earlier ones.

Whoever makes rows that a later step reads again makes them into a ring that outlives the invocation. Readers see the
last rows of the ring where they saw the rows of the window, so that they compute the same from the same values.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from tflm_msf.errors import MsfError
from tflm_msf.graph import Graph, Tensor
from tflm_msf.graph.step import Step
from tflm_msf.network.time_axis import Rows, TimeAxis, find_time_axis, must_be_whole, rows_read
from tflm_msf.network.units import Network, Unit, WindowRows
from tflm_msf.ops import Map, Stage, StageOp, Window
from tflm_msf.ops.stage import POINTWISE

MAKES_KEPT_ROWS = (StageOp.CONV_2D, StageOp.DEPTHWISE_CONV_2D)
"""Operators that make their rows where they are kept; those of others are copied there."""

BEGINS_INSIDE = (
    StageOp.CONV_2D,
    StageOp.DEPTHWISE_CONV_2D,
    StageOp.AVERAGE_POOL_2D,
    StageOp.MAX_POOL_2D,
    StageOp.SLICE,
)
"""Operators whose windows may begin further down than in the first row of a map."""

TALLEST_PADDING = 32_767
"""What the format counts a window's beginning in."""


def as_step(network: Network, hop: int, name: str) -> tuple[Network, Step]:
    """The network that takes ``hop`` new rows, and what it is.

    Args:
        network: one that looks at a window; its input is not streamed.
        hop: new rows an invocation, from 1 to the window's.
        name: what messages call the model.

    Raises:
        MsfError: if that cannot be; see :func:`tflm_msf.network.time_axis.find_time_axis`.
    """
    axis = find_time_axis(network, hop, name)
    first = find_time_axis(network, axis.window, name).first_read
    warm_up = max(math.ceil((axis.window - first) / hop), 1)
    cropped = _without_crops(network)
    axis = find_time_axis(cropped, hop, name)
    stepper = _Stepper(cropped, axis, name)
    built = stepper.built()
    apart = frozenset(tensor for tensor, kept in stepper.kept.items() if not _fits_into_a_block(built, kept))
    return _Stepper(cropped, axis, name, apart).built() if apart else built, Step(hop, axis.window, warm_up)


def _without_crops(network: Network) -> Network:
    """Windows that see some rows of a map see the map, and begin further down: nothing is cut out for them."""
    crops = {unit.outputs[0]: unit.stage for unit in network.units if unit.stage is not None and _is_crop(unit.stage)}
    units = [replace(unit, **_uncropped(unit, crops)) for unit in network.units]
    read = {tensor for unit in units for tensor in unit.inputs} | set(network.outputs)
    return replace(network, units=tuple(unit for unit in units if not crops.keys() & set(unit.outputs) - read))


def _is_crop(stage: Stage) -> bool:
    """True for what cuts rows out of a map and leaves them as they are."""
    whole = stage.input_maps[0]._replace(h=stage.output_map.h) == stage.output_map if stage.inputs else False
    return stage.op is StageOp.SLICE and whole and stage.window == Window(pad_top=stage.window.pad_top)


def _uncropped(unit: Unit, crops: Mapping[int, Stage]) -> dict[str, Any]:
    """What changes about a unit that sees a map without its crop."""
    stage = unit.stage
    if stage is None or stage.op not in BEGINS_INSIDE or stage.inputs[0] not in crops:
        return {}
    crop, grid = crops[stage.inputs[0]], stage.input_maps[0]
    first, last = rows_read(stage, 0, stage.output_map.h, grid.h)
    if grid != crop.output_map or first < 0 or last > grid.h:
        return {}
    window = replace(stage.window, pad_top=stage.window.pad_top + crop.window.pad_top)
    seen = replace(stage, inputs=crop.inputs, input_maps=crop.input_maps, window=window)
    return {"inputs": crop.inputs, "stage": seen}


def _fits_into_a_block(network: Network, tensor: int) -> bool:
    """False if what depends on a tensor ends in several outputs, or is read by an operator of TFLM's own."""
    alive = {tensor}
    for index in range(network.producer[tensor] + 1, len(network.units)):
        unit = network.units[index]
        if not alive & set(unit.inputs):
            continue
        alive |= set(unit.outputs)
        if unit.stage is None:
            return False
        alive = {t for t in alive if network.last_use[t] > index}
        if alive <= set(unit.outputs):
            return True
    return False


class _Stepper:
    """Builds the network of a step, unit by unit."""

    def __init__(self, network: Network, axis: TimeAxis, name: str, apart: frozenset[int] = frozenset()) -> None:
        self._network = network
        self._apart = apart
        self.kept: dict[int, int] = {}
        self._axis = axis
        self._name = name
        self._tensors = list(network.graph.tensors)
        self._units: list[Unit] = []
        self._kept: dict[int, int] = {}
        self._whole: dict[int, int] = {}
        self._parts: dict[tuple[int, int, int, Map], int] = {}

    def built(self) -> Network:
        for tensor in {self._axis.source, self._axis.converted}:
            self._resize(tensor, self._axis.rows[tensor].new)
        if self._axis.source == self._axis.converted:
            self._keep_input()
        for unit in self._network.units:
            if unit.stage is not None:
                self._add(unit, unit.stage)
            else:
                self._units.append(unit)
                if unit.outputs[:1] == (self._axis.converted,):
                    self._keep_input()
        graph: Graph = replace(self._network.graph, tensors=tuple(self._tensors))
        shows = {kept: WindowRows(tensor, self._rows(tensor).end) for tensor, kept in self.kept.items()}
        return replace(self._network, graph=graph, units=tuple(self._units), shows=shows)

    def _rows(self, tensor: int) -> Rows:
        return self._axis.rows[tensor]

    def _is_timed(self, tensor: int) -> bool:
        return tensor in self._axis.slides

    def _resize(self, tensor: int, rows: int) -> None:
        """Gives a tensor so many rows. They are along its first dimension that has more than one."""
        before, now = self._axis.slides[tensor].rows, self._tensors[tensor]
        if rows != before:
            self._tensors[tensor] = replace(now, shape=_resized(now.shape, before, rows), shape_signature=())

    def _new_tensor(self, tensor: int, what: str, rows: int) -> int:
        """Another tensor like one of the network's, with so many rows."""
        like = self._network.graph.tensors[tensor]
        shape = _resized(like.shape, self._axis.slides[tensor].rows, rows)
        self._tensors.append(Tensor(f"{like.name} ({what})", shape, like.dtype, like.quantization))
        return len(self._tensors) - 1

    def _grid_of(self, tensor: int) -> Map:
        """The map that a tensor is read as in the window."""
        for unit in self._network.consumers.get(tensor, ()):
            stage = self._network.units[unit].stage
            if stage is not None and tensor in stage.inputs:
                return stage.input_maps[stage.inputs.index(tensor)]
        return self._network.stage(self._network.producer[tensor]).output_map

    def _keep_input(self) -> None:
        source = self._axis.converted
        if self._rows(source).history:
            grid = self._grid_of(source)._replace(h=self._rows(source).new)
            self._kept[source] = self._new_tensor(source, "kept", self._rows(source).end - self._rows(source).first)
            self._units.append(self._keeping((), source, grid, self._kept[source], source))
            self._set_apart((), source)
            if source in self._axis.whole:
                self._whole[source] = self._new_tensor(source, "window", self._axis.window)
                self._copy_whole((), source)

    def _keeping(self, ops: tuple[int, ...], made: int, grid: Map, kept: int, tensor: int) -> Unit:
        """A copy of new rows behind those that earlier steps have left."""
        stage = Stage(StageOp.SLICE, (made,), kept, (grid,), grid, args=(0,))
        return Unit(ops, (made,), (kept,), self._with_history(stage, tensor))

    def _with_history(self, stage: Stage, tensor: int) -> Stage:
        """A stage that makes the new rows of a tensor behind its history."""
        history = self._rows(tensor).history
        window = replace(stage.window, pad_top=stage.window.pad_top + history * stage.window.stride_h)
        grid = stage.output_map._replace(h=history + stage.output_map.h)
        start = bytes([_zero(self._network.graph.tensors[tensor])]) * (history * grid.w * grid.c)
        return replace(stage, output_map=grid, window=window, history=history, start=start)

    def _set_apart(self, ops: tuple[int, ...], tensor: int) -> None:
        """Has a tensor that is kept read as a copy, if no block can hold all its readers."""
        kept = self.kept[tensor] = self._kept[tensor]
        if tensor not in self._apart:
            return
        grid = self._grid_of(tensor)._replace(h=self._rows(tensor).end - self._rows(tensor).first)
        copy = self._new_tensor(tensor, "copy", grid.h)
        stage = Stage(StageOp.SLICE, (kept,), copy, (grid,), grid, args=(0,))
        self._units.append(Unit(ops, (kept,), (copy,), stage))
        self._kept[tensor] = copy

    def _copy_whole(self, ops: tuple[int, ...], tensor: int) -> None:
        """The whole map, for those who cannot read the ring."""
        grid = self._grid_of(tensor)
        kept = self._kept[tensor]
        stage = Stage(StageOp.SLICE, (kept,), self._whole[tensor], (grid,), grid, args=(0,))
        self._units.append(Unit(ops, (kept,), (self._whole[tensor],), stage))

    def _made(self, stage: Stage) -> tuple[int, int]:
        """The rows of its output, counted in the window, that a stage makes in a step."""
        rows = self._axis.rows.get(stage.output) if self._is_timed(stage.output) else None
        return (0, stage.output_map.h) if rows is None else (rows.made, rows.end)

    def _add(self, unit: Unit, stage: Stage) -> None:
        output = stage.output
        made, end = self._made(stage)
        inputs = [self._seen(unit.ops, stage, position, made, end) for position in range(len(stage.inputs))]
        constant, constant_maps = _rows_of_constant(stage, made, end)
        now = replace(
            stage,
            inputs=tuple(tensor for tensor, _, _ in inputs),
            input_maps=(*(grid for _, grid, _ in inputs), *constant_maps),
            output_map=stage.output_map._replace(h=end - made),
            window=replace(stage.window, pad_top=inputs[0][2]),
            second_operand=constant,
            prefix=None if stage.prefix is None else self._whole.get(stage.prefix, stage.prefix),
        )
        if self._is_timed(output) and self._rows(output).history:
            self._make_kept(unit.ops, now, output)
        else:
            if self._is_timed(output):
                self._resize(output, end - made)
            self._units.append(Unit(unit.ops, tuple(dict.fromkeys(now.reads)), (output,), now))

    def _make_kept(self, ops: tuple[int, ...], stage: Stage, tensor: int) -> None:
        """Adds a stage whose rows a later step reads again."""
        rows = self._rows(tensor)
        is_whole = tensor in self._axis.whole
        kept = self._new_tensor(tensor, "kept", rows.end - rows.first) if is_whole else tensor
        self._kept[tensor] = kept
        read_as = self._grid_of(tensor)._replace(h=stage.output_map.h)
        if stage.op in MAKES_KEPT_ROWS and read_as == stage.output_map:
            into = self._with_history(replace(stage, output=kept), tensor)
            self._units.append(Unit(ops, tuple(dict.fromkeys(into.reads)), (kept,), into))
        else:
            made = self._new_tensor(tensor, "new rows", rows.new)
            self._units.append(Unit(ops, tuple(dict.fromkeys(stage.reads)), (made,), replace(stage, output=made)))
            self._units.append(self._keeping(ops, made, read_as, kept, tensor))
        self._set_apart(ops, tensor)
        if is_whole:
            self._whole[tensor] = tensor
            self._copy_whole(ops, tensor)
        else:
            self._resize(tensor, rows.end - rows.first)

    def _seen(self, ops: tuple[int, ...], stage: Stage, position: int, made: int, end: int) -> tuple[int, Map, int]:
        """An input as a stage of the step reads it, its map, and the padding above windows of the new rows."""
        tensor, grid = stage.inputs[position], stage.input_maps[position]
        window = stage.window
        if not self._is_timed(tensor):
            return tensor, grid, window.pad_top
        if must_be_whole(stage, self._axis.slides):
            return self._whole.get(tensor, tensor), grid, window.pad_top
        rows = self._rows(tensor)
        base = rows.first
        there = grid._replace(h=rows.end - base)
        pad_top = window.pad_top + base - made * window.stride_h
        name = self._kept.get(tensor, tensor)
        first, last = rows_read(stage, made, end, grid.h)
        if stage.reduces or (window == POINTWISE and stage.op not in BEGINS_INSIDE):
            if (first, last) == (base, rows.end):
                return name, there, window.pad_top
        elif pad_top >= 0 or stage.op in BEGINS_INSIDE:
            self._check_padding(pad_top)
            return name, there, pad_top
        first, last = max(first, 0), min(last, grid.h)
        part = self._part(ops, tensor, (first - base, last - base), there)
        return part, grid._replace(h=last - first), window.pad_top + first - made * window.stride_h

    def _check_padding(self, pad_top: int) -> None:
        if pad_top < -TALLEST_PADDING:
            raise MsfError(f"{self._name} keeps more rows than a window can begin behind; choose a larger --stateful.")

    def _part(self, ops: tuple[int, ...], tensor: int, rows: tuple[int, int], grid: Map) -> int:
        """Some rows of a map, copied for a reader that takes nothing else."""
        key = (tensor, *rows, grid)
        if key not in self._parts:
            part = self._new_tensor(tensor, f"rows {rows[0]} to {rows[1]}", rows[1] - rows[0])
            name, out = self._kept.get(tensor, tensor), grid._replace(h=rows[1] - rows[0])
            stage = Stage(StageOp.SLICE, (name,), part, (grid,), out, window=Window(pad_top=-rows[0]), args=(0,))
            self._check_padding(-rows[0])
            self._units.append(Unit(ops, (name,), (part,), stage))
            self._parts[key] = part
        return self._parts[key]


def _rows_of_constant(stage: Stage, made: int, end: int) -> tuple[bytes | None, tuple[Map, ...]]:
    """The constant operand of a stage for some of its rows, and its map; nothing if it has none."""
    maps = stage.input_maps[len(stage.inputs) :]
    data = stage.second_operand
    if data is None or maps[0].h == 1:
        return data, maps
    rows = np.frombuffer(data, np.int8)
    part = data if len(rows) == 1 else rows.reshape(maps[0].h, -1)[made:end].tobytes()
    return part, (maps[0]._replace(h=end - made),)


def _resized(shape: tuple[int, ...], before: int, rows: int) -> tuple[int, ...]:
    """A shape with so many rows instead of those ``before``, along the first dimension that has more than one."""
    axis = next((axis for axis, size in enumerate(shape) if size > 1), 0)
    if shape[axis] % before == 0:
        return (*shape[:axis], shape[axis] // before * rows, *shape[axis + 1 :])
    return 1, math.prod(shape) // before * rows


def _zero(tensor: Tensor) -> int:
    """The byte that stands for 0."""
    return tensor.quantization.zero_point[0] & 255 if tensor.quantization else 0
