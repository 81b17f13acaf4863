"""A laid-out block as program bytes and parameter bytes (mirrors ``tflm_kernels/SPEC.md``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from tflm_msf import format as fmt
from tflm_msf.blocks.block import Block, InnerTensor
from tflm_msf.format import (
    NO_OPERAND,
    NONE,
    GroupKind,
    Layout,
    ProgramFlag,
    StageFlag,
    StageOp,
    TensorFlag,
    TensorKind,
    limits,
)
from tflm_msf.ops import Map, Stage
from tflm_msf.ops.stage import NO_MAP, POINTWISE, Zoom
from tflm_msf.program.layout import CONVOLUTIONS, Weights, packed
from tflm_msf.sizes import align_up

WORKSPACE = -1
"""Stands for a block's workspace among tensors."""

IN_THE_ARENA: Mapping[int, int] = {}
"""Nothing lies in fast memory."""


@dataclass(frozen=True)
class Encoded:
    """What a block becomes in the file. Operands: the block's inputs, ``params``; then its output and workspace."""

    program: bytes
    params: bytes


class _Params:
    """Parameter bytes in 16-byte aligned sections; equal sections are stored once."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._sections: dict[bytes, int] = {}

    def add(self, section: bytes) -> int:
        """Byte offset of a section."""
        if section not in self._sections:
            self._bytes += bytes(-len(self._bytes) % limits.ALIGNMENT)
            self._sections[section] = len(self._bytes)
            self._bytes += section
        return self._sections[section]

    def finish(self) -> bytes:
        """All sections; never empty, because a tensor cannot be."""
        return bytes(self._bytes) or bytes(4)


@dataclass(frozen=True)
class _Weighted:
    """Layout and flags of a stage, where its weights, bias, multipliers and shifts lie, and its arguments."""

    layout: int
    flags: int
    places: tuple[int, int, int, int]
    args: tuple[int, ...]


def _record(grid: Map, operand: int, kind: TensorKind = TensorKind.WHOLE, producer: int = NONE) -> fmt.Tensor:
    """A tensor that is kept whole, at the beginning of an operand."""
    h_high, h = divmod(grid.h, 1 << 16)
    return fmt.Tensor(h, grid.w, grid.c, producer, operand, kind, h_high, pixels=grid.pixels)


@dataclass(frozen=True)
class _State:
    """Where in a block's state the rings of its tensors and the words that say their places lie; bytes of all."""

    pixels: Mapping[int, int]
    places: Mapping[int, int]
    offsets: Mapping[int, int]
    size: int


def _state_of(block: Block) -> _State:
    """The mark first, then the places, then the rings at multiples of 4 bytes; nothing if nothing is kept."""
    places = {tensor: limits.STATE_MARK_BYTES + 4 * index for index, (tensor, _) in enumerate(block.state)}
    offset = limits.STATE_MARK_BYTES + 4 * len(places)
    offsets = {}
    for tensor, pixels in block.state:
        offsets[tensor] = offset
        channels = block.network.stage(block.network.producer[tensor]).output_map.c
        offset += align_up(pixels * channels, 4)
    return _State(dict(block.state), places, offsets, offset if places else 0)


def _of_new_rows(stage: Stage) -> Stage:
    """The stage as it makes the rows that are added, counted from the first of them."""
    window = stage.window
    shifted = replace(window, pad_top=window.pad_top - stage.history * window.stride_h)
    return replace(stage, window=shifted, output_map=stage.output_map._replace(h=stage.output_map.h - stage.history))


def _zoom(zoom: Zoom) -> int:
    return zoom.factor - 1 | zoom.shift << 4


class _Encoder:
    def __init__(self, block: Block, weights: Weights, fast: Mapping[int, int]) -> None:
        self._network = block.network
        self._block = block
        self._weights = weights
        self._candidate = block.candidate
        self._params = _Params()
        self._tensors: list[fmt.Tensor] = []
        self._index: dict[tuple[int, Map], int] = {}
        self._last = self._network.stage(block.groups[-1].units[-1])
        self._groups_before = 0 if self._last.prefix is None else 1
        self._group_of = {
            unit: index for index, group in enumerate(block.groups, self._groups_before) for unit in group.units
        }
        self._buffers: Mapping[int, InnerTensor] = {buffer.tensor: buffer for buffer in block.buffers}
        self._operands = (*self._candidate.inputs, None, self._candidate.output, None)
        self._params_operand = len(self._candidate.inputs)
        self._workspace_operand = self._params_operand + 2
        self._accumulators = dict(block.accumulators)
        self._scratch = {scratch.unit: scratch for scratch in block.scratch}
        self._state = _state_of(block)
        self._state_operand = self._workspace_operand + 1
        self._fast = self._places(fast)

    def _places(self, fast: Mapping[int, int]) -> dict[int, fmt.Fast]:
        """Where each operand lies that lies in fast memory."""
        keys = {operand: tensor for operand, tensor in enumerate(self._operands) if tensor is not None}
        sizes = {operand: self._network.nbytes(tensor) for operand, tensor in keys.items()}
        keys[self._workspace_operand], sizes[self._workspace_operand] = WORKSPACE, self._block.workspace
        return {operand: fmt.Fast(fast[keys[operand]], sizes[operand]) for operand in keys if keys[operand] in fast}

    def encode(self) -> Encoded:
        units = [unit for group in self._block.groups for unit in group.units]
        stages = [self._stage(unit) for unit in units]
        groups = self._groups()
        if self._last.prefix is not None:
            stages.insert(0, self._copy_of(self._last.prefix, self._last.prefix_map))
            groups.insert(0, fmt.Group(0, 1, self._last.prefix_map.w, GroupKind.ROWS))
        params = self._params.finish()
        tables = tuple(self._tensors), tuple(stages), tuple(groups), tuple(self._fast.values())
        program = fmt.Program(self._header(len(params)), *tables)
        return Encoded(program.pack(), params)

    def _header(self, params: int) -> fmt.Header:
        candidate = self._candidate
        overlap = candidate.overlap_input
        return fmt.Header(
            operand_count=len(self._operands) + (self._state.size > 0),
            input_count=self._params_operand + 1,
            params_operand=self._params_operand,
            workspace_operand=self._workspace_operand,
            tile_w=candidate.schedule.tile_w,
            workspace_size=self._block.workspace,
            params_size=params,
            overlap_input=NONE if overlap is None else candidate.inputs.index(overlap),
            overlap_output=NONE if overlap is None else self._params_operand + 1,
            overlap_distance=candidate.overlap,
            flags=ProgramFlag.STREAMED if self._network.is_streamed else 0,
            state_operand=self._state_operand if self._state.size else NO_OPERAND,
            order=candidate.schedule.order,
            state_size=self._state.size,
            fast_size=max((place.offset + place.size for place in self._fast.values()), default=0),
            fast_operands=sum(1 << operand for operand in self._fast),
            column_bits=limits.column_bits(max((tensor.rows for tensor in self._tensors), default=0)),
        )

    def _groups(self) -> list[fmt.Group]:
        groups, first = [], self._groups_before
        for group in self._block.groups:
            kind = self._group_kind(group.units[-1])
            groups.append(fmt.Group(first, len(group.units), group.chunk, kind))
            first += len(group.units)
        return groups

    def _group_kind(self, last_unit: int) -> GroupKind:
        stage = self._network.stage(last_unit)
        if stage.op is StageOp.SOURCE:
            return GroupKind.SOURCE
        return GroupKind.REDUCE if stage.reduces else GroupKind.ROWS

    @property
    def _fetches(self) -> int:
        """How often a row of the input is fetched, if more than once, else 0."""
        strips = len(self._block.groups[-1].strips)
        return strips if strips > 1 else 0

    def _copy_of(self, prefix: int, grid: Map) -> fmt.Stage:
        """A stage that makes the beginning of the output, on a record of its own."""
        operand = self._operands.index(self._candidate.output)
        output = self._number_of((-1 - len(self._tensors), grid), _record(grid, operand, producer=0))
        copy = Stage(StageOp.SLICE, (prefix,), self._candidate.output, (grid,), grid, args=(0,))
        return self._on(copy, [self._tensor(prefix, grid)], output, 0)

    def _stage(self, unit: int) -> fmt.Stage:
        stage = self._network.stage(unit)
        if stage.op is StageOp.SOURCE:
            stage = replace(stage, args=(stage.args[0], self._fetches))
        inputs = [self._tensor(t, grid) for t, grid in zip(stage.inputs, stage.input_maps, strict=False)]
        if stage.second_operand is not None:
            inputs.append(self._constant(stage))
        if stage.history:
            return self._on(_of_new_rows(stage), inputs, self._kept(stage), 0)
        output = self._tensor(stage.output, stage.output_map)
        return self._with_scratch(unit, self._on(stage, inputs, output, self._accumulators.get(unit, 0)))

    def _with_scratch(self, unit: int, record: fmt.Stage) -> fmt.Stage:
        """The record with the scratch that there is room for, where the kernel of its layout has a use for some."""
        scratch = self._scratch.get(unit)
        if scratch is None or record.layout != Layout.PACKED:
            return record
        flags = record.flags | StageFlag.SCRATCH
        return record._replace(flags=flags, scratch=scratch.offset, scratch_size=scratch.size)

    def _kept(self, stage: Stage) -> int:
        """The record of the rows that a stage adds to its ring in the state."""
        grid, pixels = stage.output_map, self._state.pixels[stage.output]
        unit = self._network.producer[stage.output]
        size = pixels * grid.c
        start = (stage.start + bytes(size))[:size]
        filled = stage.start == stage.start[:1] * len(stage.start)
        record = _record(grid._replace(h=grid.h - stage.history), self._state_operand, TensorKind.KEPT)
        return self._number_of(
            (stage.output, NO_MAP),
            record._replace(
                producer=self._group_of[unit],
                offset=self._state.offsets[stage.output],
                pixels=pixels,
                flags=TensorFlag.FILLED if filled else 0,
                start=self._params.add(stage.start[:1] if filled else start),
                place=self._state.places[stage.output],
                history=stage.history,
            ),
        )

    def _on(self, stage: Stage, inputs: list[int], output: int, accumulators: int) -> fmt.Stage:
        """A stage record; ``inputs`` and ``output`` are tensor records."""
        window, zeros = stage.window, (*stage.in_zero, 0, 0)
        weighted = self._weighted(stage, self._tensors[inputs[0]] if inputs else None)
        first, second, third = (*inputs, NONE, NONE, NONE)[:3]
        return fmt.Stage(
            stage.op,
            weighted.layout,
            *stage.activation,
            (first, second),
            output,
            window.kernel_h,
            window.kernel_w,
            window.stride_h,
            window.stride_w,
            window.dilation_h,
            window.dilation_w,
            window.pad_top,
            window.pad_left,
            zeros[:2],
            stage.out_zero,
            weighted.flags,
            _zoom(window.zoom_h),
            _zoom(window.zoom_w),
            *weighted.places,
            accumulators,
            (*weighted.args, 0, 0, 0, 0, 0, 0)[:6],
            third,
            zeros[2] if third != NONE else 0,
        )

    def _weighted(self, stage: Stage, source: fmt.Tensor | None) -> _Weighted:
        """Puts weights and scales into the parameters. Kernels read words where pixels of the input consist of them."""
        laid, scales = packed(stage, self._weights), stage.requantization
        if laid is not None and source is not None and (source.offset % 4 == 0 or source.c % 4 != 0):
            add = self._params.add
            places = add(laid.weights), add(laid.bias), add(laid.multipliers), add(laid.shifts)
            return _Weighted(Layout.PACKED, 0, places, (*stage.args, self._padding(stage)))
        weights = self._params.add(stage.weights) if stage.weights else 0
        if scales is None:
            return _Weighted(Layout.PLAIN, 0, (weights, 0, 0, 0), stage.args)
        kept = 1 if scales.is_uniform else len(scales.shifts)
        bias = self._params.add(scales.bias.astype("<i4").tobytes())
        multipliers = self._params.add(scales.multipliers[:kept].astype("<i4").tobytes())
        shifts = self._params.add(scales.shifts[:kept].tobytes())
        places = (weights, bias, multipliers, shifts)
        return _Weighted(Layout.PLAIN, StageFlag.UNIFORM if scales.is_uniform else 0, places, stage.args)

    def _padding(self, stage: Stage) -> int:
        """A pixel of a stage's padding; stages of one zero point share the largest."""
        if stage.window == POINTWISE:
            return 0
        zero = stage.in_zero[0]
        stages = (self._network.units[unit].stage for unit in self._group_of)
        windows = (other for other in stages if other is not None and other.op in CONVOLUTIONS)
        channels = (other.input_maps[0].c for other in windows if other.window != POINTWISE)
        return self._params.add(np.full(max(channels), zero, np.int8).tobytes())

    def _tensor(self, tensor: int, grid: Map) -> int:
        return self._number_of((tensor, grid), self._record_of(tensor, grid))

    def _constant(self, stage: Stage) -> int:
        grid = stage.input_maps[1]
        data = np.broadcast_to(np.frombuffer(stage.second_operand or b"", np.int8), grid.elements).tobytes()
        record = _record(grid, self._params_operand)._replace(offset=self._params.add(data))
        return self._number_of((-1 - len(self._tensors), grid), record)

    def _number_of(self, key: tuple[int, Map], record: fmt.Tensor) -> int:
        if key not in self._index:
            self._index[key] = len(self._tensors)
            self._tensors.append(record)
        return self._index[key]

    def _record_of(self, tensor: int, grid: Map) -> fmt.Tensor:
        unit = self._network.producer.get(tensor, -1)
        producer = self._group_of.get(unit, NONE)
        if tensor in self._state.pixels:
            number = self._kept(self._network.stage(unit))
            kept = self._tensors[number]
            history = _record(grid, self._state_operand, TensorKind.HISTORY, producer)
            return history._replace(offset=kept.offset, pixels=kept.pixels, shows=number, history=kept.history)
        if tensor in self._buffers:
            buffer = self._buffers[tensor]
            kind = TensorKind.CHUNK if buffer.is_chunk else TensorKind.RING
            record = _record(grid, self._workspace_operand, kind, producer)
            return record._replace(offset=buffer.offset, pixels=buffer.pixels)
        operand = self._operands.index(self._network.copies.get(tensor, tensor))
        offset = self._last.prefix_map.elements if tensor == self._candidate.output else 0
        return _record(grid, operand, producer=producer)._replace(offset=offset)


def encode(block: Block, weights: Weights = Weights.PACKED, fast: Mapping[int, int] = IN_THE_ARENA) -> Encoded:
    """The program and the parameters of a block.

    ``fast``: where in fast memory each of its tensors begins that lies there, and the workspace (:data:`WORKSPACE`).
    """
    return _Encoder(block, weights, fast).encode()


def outlined(block: Block) -> Encoded:
    """A program that says nothing but what its block keeps from one invocation to the next, and no parameters."""
    return Encoded(fmt.Program(fmt.Header(state_size=_state_of(block).size), (), (), ()).pack(), b"")
