"""The walk of :mod:`tflm_msf.blocks.walk` in the compiled core."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cached_property
from itertools import repeat

import numpy as np
import numpy.typing as npt

from tflm_msf.blocks.block import OWN_OPERANDS, Candidate, of_columns
from tflm_msf.blocks.chunks import CHUNK_BYTES, IN_PLACE
from tflm_msf.blocks.readers import is_chunk, may_be_cut_short
from tflm_msf.blocks.rings import RingSizes
from tflm_msf.blocks.schedule import Schedule
from tflm_msf.blocks.walk import Walked
from tflm_msf.blocks.workspace import ACCUMULATOR_BYTES
from tflm_msf.format.limits import (
    COLUMN_BITS,
    MAX_GROUPS,
    MAX_OPERANDS,
    PROGRESS_BYTES,
    TALL_COLUMN_BITS,
    most_columns,
    most_rows,
)
from tflm_msf.network.units import Network, Unit
from tflm_msf.ops import StageOp
from tflm_msf.ops.stage import POINTWISE
from tflm_msf.sizes import TENSOR_ALIGNMENT

Ints = npt.NDArray[np.int64]

_COLUMNS = ("first", "schedule", "workspace", "macs", "inputs", "overlap_input", "overlap", "added")
"""``msf_core_block``."""

_FOUND, _RING_UNKNOWN = 1, 4
_MOST_INPUTS = MAX_OPERANDS - OWN_OPERANDS
_LIMITS = np.array(
    [
        *(PROGRESS_BYTES, MAX_GROUPS, ACCUMULATOR_BYTES, CHUNK_BYTES, _MOST_INPUTS),
        *(TENSOR_ALIGNMENT, TENSOR_ALIGNMENT, most_rows(COLUMN_BITS), most_columns(COLUMN_BITS)),
        *(most_rows(TALL_COLUMN_BITS), most_columns(TALL_COLUMN_BITS)),
    ],
    np.int64,
)
_NO_STAGE = (0,) * 34
_ROWS, _NEWEST = 7, 8  # columns of a tensor


class _Network(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("units", "inputs", "reads", "tensors", "limits")),
        *((name, ctypes.c_int64) for name in ("unit_count", "tensor_count")),
    )


class _Walked(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("blocks", "inputs")),
        *((name, ctypes.c_int64) for name in ("block_count", "reached", "is_limited", "wanted")),
    )


class CompiledWalks:
    """Walks over one network, which is written down for the core once."""

    def __init__(self, core: ctypes.CDLL, network: Network, sizes: RingSizes) -> None:
        self._core = core
        self._network = network
        self._sizes = sizes
        self._written: dict[tuple[int, int], tuple[_Network, Ints]] = {}

    def run(self, last: int, among: Sequence[Schedule], max_workspace: int, undominated: bool = False) -> Walked:
        """The candidates of :meth:`tflm_msf.blocks.walk.BlockWalk.candidates`.

        Args:
            last: where they end.
            among: schedules with the same chunk and order.
            max_workspace: bytes of their workspace.
            undominated: leave out those that another one of the same units is better than.
        """
        if not among:
            return Walked([], last + 1, False)
        schedule = among[0]
        widths = np.array([each.tile_w for each in among], np.int64)
        blocks = np.empty(((last + 1) * len(among), len(_COLUMNS)), np.int64)
        inputs = np.empty((last + 1) * (_MOST_INPUTS + 1), np.int64)
        written, tensors = self._written_for(schedule)
        walked = _Walked(_address(blocks), _address(inputs))
        while True:
            status = self._core.msf_core_walk(
                ctypes.byref(written),
                ctypes.c_int64(last),
                ctypes.c_void_p(_address(widths)),
                ctypes.c_int64(len(among)),
                ctypes.c_int64(schedule.chunk),
                ctypes.c_int64(max_workspace),
                undominated,
                ctypes.byref(walked),
            )
            if status != _RING_UNKNOWN:
                break
            tensor = self._names[walked.wanted]
            tensors[walked.wanted, _ROWS] = self._sizes.rows(tensor)
            tensors[walked.wanted, _NEWEST] = self._sizes.newest(tensor, schedule)
        if status != _FOUND:
            raise MemoryError
        rows = blocks[: walked.block_count]
        found = self._candidates(last, among, rows, inputs)
        added = rows[:, _COLUMNS.index("added")].tolist() if undominated else None
        return Walked(found, walked.reached, bool(walked.is_limited), added)

    def _candidates(self, last: int, among: Sequence[Schedule], rows: Ints, inputs: Ints) -> list[Candidate]:
        output = self._network.stage(last).output
        read: dict[int, tuple[int, ...]] = {}
        first, schedule, workspace, macs, place, other, overlap, _ = rows.T.tolist()
        for start in set(place):
            count = int(inputs[start])
            read[start] = tuple(self._names[tensor] for tensor in inputs[start + 1 : start + 1 + count].tolist())
        over = {number: None if number < 0 else self._names[number] for number in set(other)}
        return of_columns(
            Candidate,
            *(first, repeat(last), map(among.__getitem__, schedule), workspace, macs),
            *(map(read.__getitem__, place), repeat(output), map(over.__getitem__, other), overlap),
            *(repeat(False), repeat(())),
        )

    @cached_property
    def _names(self) -> list[int]:
        """What the tensors that the core numbers from 0 on are called here, in order."""
        network = self._network
        called = {tensor for unit in network.units for tensor in (*unit.inputs, *unit.outputs)}
        return sorted({*called, *network.copies.values()})

    @cached_property
    def _units(self) -> tuple[Ints, Ints, Ints]:
        """Units, their inputs, what they read: ``msf_core_unit``, ``msf_core_input`` and numbers of tensors."""
        number = {tensor: n for n, tensor in enumerate(self._names)}
        inputs: list[tuple[int, ...]] = []
        reads: list[int] = []
        units = [_unit(self._network, unit, number, inputs, reads) for unit in self._network.units]
        return np.array(units, np.int64), np.array(inputs or [(0,) * 4], np.int64), np.array(reads or [0], np.int64)

    def _written_for(self, schedule: Schedule) -> tuple[_Network, Ints]:
        """The network, and ``msf_core_tensor`` in it, with what is known of rings so far."""
        key = schedule.chunk, schedule.ahead
        if key not in self._written:
            number = {tensor: n for n, tensor in enumerate(self._names)}
            tensors = np.array([self._tensor(tensor, number) for tensor in self._names], np.int64)
            units, inputs, reads = self._units
            arrays = units, inputs, reads, tensors, _LIMITS
            self._written[key] = _Network(*map(_address, arrays), len(units), len(tensors)), tensors
        return self._written[key]

    def _tensor(self, tensor: int, number: dict[int, int]) -> tuple[int, ...]:
        network = self._network
        itself = network.copies.get(tensor, tensor)
        return (
            network.nbytes(itself),
            number[itself],
            network.last_use.get(itself, -1),
            len(network.consumers.get(tensor, ())),
            tensor in network.outputs,
            is_chunk(network, tensor),
            tensor in network.producer,
            -1,
            -1,
        )


def _unit(
    network: Network, unit: Unit, number: dict[int, int], inputs: list[tuple[int, ...]], reads: list[int]
) -> tuple[int, ...]:
    stage = unit.stage
    if stage is None:
        return _NO_STAGE
    seen = [(number[tensor], *grid) for tensor, grid in zip(stage.inputs, stage.input_maps, strict=False)]
    read = [number[tensor] for tensor in dict.fromkeys(stage.reads)]
    is_source, window = stage.op is StageOp.SOURCE, stage.window
    rows_alone = stage.reduces or is_source or stage.history > 0
    row = (
        *(1, stage.reduces, is_source, stage.op in IN_PLACE, rows_alone, stage.most_strips, stage.history),
        window == POINTWISE,
        may_be_cut_short(network, stage),
        *(number[stage.output], *stage.output_map, stage.grid.h, stage.grid.w),
        *(-1 if stage.prefix is None else number[stage.prefix], stage.prefix_map.elements),
        *(*stage.extent, stage.macs_per_pixel),
        *(window.reach_h, window.reach_w, window.stride_h, window.stride_w, window.pad_top, window.pad_left),
        *(*window.zoom_h, *window.zoom_w),
        *(len(inputs), len(seen), len(reads), len(read)),
    )
    inputs.extend(seen)
    reads.extend(read)
    return row


def _address(array: Ints) -> int:
    return int(array.ctypes.data)
