"""A laid-out block as program bytes and parameter bytes (mirrors ``tflm_kernels/SPEC.md``)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tflm_msf.blocks.block import Block, Buffer
from tflm_msf.ops import Map, Stage, StageOp
from tflm_msf.ops.stage import POINTWISE
from tflm_msf.program.layout import BLOCKED, CONVOLUTIONS, PLAIN, Weights, blocked

CUSTOM_CODE = "MSF_BLOCK"
"""Name under which the kernels register."""

MAGIC = 0x3146534D
VERSION = 1
HEADER = struct.Struct("<IHHII 4H H2B 2H 2I 2H I 2H")
TENSOR = struct.Struct("<4H 2B H 2I")
STAGE = struct.Struct("<2B2b 2HH 2H 4B 2h 3b3B 5I 6i")
UNIFORM = 1
GROUP = struct.Struct("<4H")
CHECKSUM_OFFSET = 12
NONE = 0xFFFF
WHOLE, RING, CHUNK = 0, 1, 2
ROWS, REDUCE, SOURCE = 0, 1, 2
STREAMED = 1
SECTION_ALIGNMENT = 16


@dataclass(frozen=True)
class Program:
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
            self._bytes += bytes(-len(self._bytes) % SECTION_ALIGNMENT)
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
    places: tuple[int, ...]
    args: tuple[int, ...]


@dataclass(frozen=True)
class _TensorRow:
    """A tensor record before it is packed; ``key`` finds it again."""

    map: Map
    producer: int
    operand: int
    kind: int
    offset: int
    pixels: int

    def pack(self) -> bytes:
        return TENSOR.pack(*self.map, self.producer, self.operand, self.kind, 0, self.offset, self.pixels)


class _Encoder:
    def __init__(self, block: Block, weights: Weights) -> None:
        self._network = block.network
        self._block = block
        self._weights = weights
        self._candidate = block.candidate
        self._params = _Params()
        self._rows: list[_TensorRow] = []
        self._index: dict[tuple[int, Map], int] = {}
        self._last = self._stage_of(block.groups[-1].units[-1])
        self._groups_before = 0 if self._last.prefix is None else 1
        self._group_of = {
            unit: index for index, group in enumerate(block.groups, self._groups_before) for unit in group.units
        }
        self._buffers: Mapping[int, Buffer] = {buffer.tensor: buffer for buffer in block.buffers}
        self._operands = (*self._candidate.inputs, None, self._candidate.output, None)
        self._params_operand = len(self._candidate.inputs)
        self._workspace_operand = self._params_operand + 2
        self._accumulators = dict(block.accumulators)

    def encode(self) -> Program:
        units = [unit for group in self._block.groups for unit in group.units]
        stages = [self._stage(unit) for unit in units]
        groups = self._groups()
        if self._last.prefix is not None:
            stages.insert(0, self._copy_of(self._last.prefix, self._last.prefix_map))
            groups.insert(0, GROUP.pack(0, 1, self._last.prefix_map.w, ROWS))
        params = self._params.finish()
        tensors = [row.pack() for row in self._rows]
        body = b"".join(tensors + stages + groups)
        counts = len(tensors), len(stages), len(groups)
        header = self._header(counts, len(params), HEADER.size + len(body), 0)
        checksum = zlib.crc32((header + body)[CHECKSUM_OFFSET + 4 :])
        return Program(self._header(counts, len(params), HEADER.size + len(body), checksum) + body, params)

    def _header(self, counts: tuple[int, int, int], params: int, size: int, checksum: int) -> bytes:
        candidate = self._candidate
        overlap = candidate.overlap_input
        return HEADER.pack(
            MAGIC,
            VERSION,
            HEADER.size,
            size,
            checksum,
            *counts,
            len(self._operands),
            self._params_operand + 1,
            self._params_operand,
            self._workspace_operand,
            NONE,
            candidate.tile_w,
            candidate.workspace,
            params,
            NONE if overlap is None else candidate.inputs.index(overlap),
            NONE if overlap is None else self._params_operand + 1,
            candidate.overlap,
            STREAMED if self._network.is_streamed else 0,
            0,
        )

    def _groups(self) -> list[bytes]:
        packed, first = [], self._groups_before
        for group in self._block.groups:
            kind = self._group_kind(group.units[-1])
            packed.append(GROUP.pack(first, len(group.units), group.chunk, kind))
            first += len(group.units)
        return packed

    def _group_kind(self, last_unit: int) -> int:
        stage = self._stage_of(last_unit)
        if stage.op is StageOp.SOURCE:
            return SOURCE
        return REDUCE if stage.reduces else ROWS

    def _stage_of(self, unit: int) -> Stage:
        stage = self._network.units[unit].stage
        assert stage is not None
        return stage

    def _copy_of(self, prefix: int, grid: Map) -> bytes:
        """A stage that makes the beginning of the output, on a record of its own."""
        operand = self._operands.index(self._candidate.output)
        row = _TensorRow(grid, 0, operand, WHOLE, 0, grid.pixels)
        output = self._record((-1 - len(self._rows), grid), row)
        copy = Stage(StageOp.SLICE, (prefix,), self._candidate.output, (grid,), grid, args=(0,))
        return self._pack(copy, [self._tensor(prefix, grid)], output, 0)

    def _stage(self, unit: int) -> bytes:
        stage = self._stage_of(unit)
        inputs = [self._tensor(t, grid) for t, grid in zip(stage.inputs, stage.input_maps, strict=False)]
        if stage.second_operand is not None:
            inputs.append(self._constant(stage))
        output = self._tensor(stage.output, stage.output_map)
        return self._pack(stage, inputs, output, self._accumulators.get(unit, 0))

    def _pack(self, stage: Stage, inputs: list[int], output: int, accumulators: int) -> bytes:
        """A stage record; ``inputs`` and ``output`` are tensor records."""
        window, zeros = stage.window, (*stage.in_zero, 0)[:2]
        weighted = self._weighted(stage, self._rows[inputs[0]] if inputs else None)
        return STAGE.pack(
            stage.op,
            weighted.layout,
            *stage.activation,
            *(*inputs, NONE, NONE)[:2],
            output,
            window.kernel_h,
            window.kernel_w,
            window.stride_h,
            window.stride_w,
            window.dilation_h,
            window.dilation_w,
            window.pad_top,
            window.pad_left,
            *zeros,
            stage.out_zero,
            weighted.flags,
            *(zoom.factor - 1 | zoom.shift << 4 for zoom in (window.zoom_h, window.zoom_w)),
            *weighted.places,
            accumulators,
            *(*weighted.args, 0, 0, 0, 0, 0, 0)[:6],
        )

    def _weighted(self, stage: Stage, source: _TensorRow | None) -> _Weighted:
        """Puts weights and scales into the parameters. Kernels read words where pixels of the input consist of them."""
        laid, scales = blocked(stage, self._weights), stage.requantization
        if laid is not None and source is not None and (source.offset % 4 == 0 or source.map.c % 4 != 0):
            sections = (laid.weights, laid.bias, laid.multipliers, laid.shifts)
            places = tuple(self._params.add(section) for section in sections)
            return _Weighted(BLOCKED, 0, places, (*stage.args, self._padding(stage)))
        weights = self._params.add(stage.weights) if stage.weights else 0
        if scales is None:
            return _Weighted(PLAIN, 0, (weights, 0, 0, 0), stage.args)
        kept = 1 if scales.is_uniform else len(scales.shifts)
        bias = self._params.add(scales.bias.astype("<i4").tobytes())
        multipliers = self._params.add(scales.multipliers[:kept].astype("<i4").tobytes())
        shifts = self._params.add(scales.shifts[:kept].tobytes())
        places = (weights, bias, multipliers, shifts)
        return _Weighted(PLAIN, UNIFORM if scales.is_uniform else 0, places, stage.args)

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
        return self._record((tensor, grid), self._row(tensor, grid))

    def _constant(self, stage: Stage) -> int:
        grid = stage.input_maps[1]
        data = np.broadcast_to(np.frombuffer(stage.second_operand or b"", np.int8), grid.elements).tobytes()
        row = _TensorRow(grid, NONE, self._params_operand, WHOLE, self._params.add(data), grid.pixels)
        return self._record((-1 - len(self._rows), grid), row)

    def _record(self, key: tuple[int, Map], row: _TensorRow) -> int:
        if key not in self._index:
            self._index[key] = len(self._rows)
            self._rows.append(row)
        return self._index[key]

    def _row(self, tensor: int, grid: Map) -> _TensorRow:
        unit = self._network.producer.get(tensor, -1)
        producer = self._group_of.get(unit, NONE)
        if tensor in self._buffers:
            buffer = self._buffers[tensor]
            kind = CHUNK if buffer.is_chunk else RING
            return _TensorRow(grid, producer, self._workspace_operand, kind, buffer.offset, buffer.pixels)
        operand = self._operands.index(self._network.copies.get(tensor, tensor))
        offset = self._last.prefix_map.elements if tensor == self._candidate.output else 0
        return _TensorRow(grid, producer, operand, WHOLE, offset, grid.pixels)


def encode(block: Block, weights: Weights = Weights.BLOCKED) -> Program:
    """The program and the parameters of a block."""
    return _Encoder(block, weights).encode()
