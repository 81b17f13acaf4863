"""Rings (line buffers): how much of a tensor must be kept while its readers catch up.

With one reader that is the reach of its window. With several (a residual connection, say) it depends on how far the
readers drift apart, which :mod:`tflm_msf.blocks.simulation` finds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tflm_msf.blocks.demand import Demand, Ints
from tflm_msf.blocks.readers import is_chunk, post_dominator
from tflm_msf.blocks.schedule import Schedule
from tflm_msf.blocks.simulation import Simulation
from tflm_msf.network.units import Network
from tflm_msf.ops import Stage, StageOp


class RingSizes:
    """Ring sizes, computed once per tensor: they do not depend on the block."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._rows: dict[int, int] = {}
        self._newest: dict[tuple[int, int, int], int] = {}

    def pixels(self, stage: Stage, demand: Demand, schedules: Sequence[Schedule]) -> Ints:
        """Pixels between the oldest of a stage's output that is still read and the newest that may have been made.

        All rows but the newest are kept whole; of that one, what a chunk's window covers, and what a chunk of the
        producer may be ahead. One number for each schedule.
        """
        if stage.reduces:
            return np.full_like(demand.cols, stage.output_map.pixels)
        rows, height = self.rows(stage.output), stage.output_map.h
        if stage.op is StageOp.SOURCE:
            return np.full_like(demand.cols, min(rows, height) * stage.output_map.w)
        newest = np.array([self.newest(stage.output, schedule) for schedule in schedules], np.int64)
        pixels = (rows - 1) * demand.cols + np.minimum(newest, demand.cols)
        return np.maximum(1, np.minimum(pixels, height * demand.cols))

    def rows(self, tensor: int) -> int:
        """Rows of ``tensor`` that a block keeps."""
        if tensor not in self._rows:
            self._rows[tensor] = ring_rows(self._network, tensor)
        return self._rows[tensor]

    def newest(self, tensor: int, schedule: Schedule) -> int:
        """Columns of the newest row of ``tensor`` that a block keeps."""
        key = tensor, schedule.chunk, schedule.ahead
        if key not in self._newest:
            self._newest[key] = newest_cols(self._network, tensor, schedule.chunk, schedule.ahead)
        return self._newest[key]


def ring_rows(network: Network, tensor: int) -> int:
    """Rows of an inner tensor that its line buffer holds, all its readers being in the block.

    The newest of them is being made in step with the readers. Where an output row asks for no new row (in the bottom
    padding, say), the newest was complete before and counts as a whole one: one more is returned.
    """
    stage = network.stage(network.producer[tensor])
    readers = network.consumers[tensor]
    if len(readers) == 1:
        reader = network.stage(readers[0])
        if not reader.reduces and len([t for t in reader.inputs if t == tensor]) == 1:
            return _rows_of_window(reader, stage.output_map.h)
    return Simulation(network, tensor).rows_kept()


def _rows_of_window(reader: Stage, height: int) -> int:
    rows = before = 0
    for y in range(reader.grid.h):
        first, last = reader.window.rows(y, height)
        rows = max(rows, last - first + (last <= before))
        before = last
    return rows


def newest_cols(network: Network, tensor: int, chunk: int, ahead: int) -> int:
    """Columns of the newest kept row of ``tensor`` that a block needs at a time.

    From the first one that any reader still needs to the last one that may have been made, while all of them work on
    the ``chunk`` pixels that are wanted where they meet. Every group on the way makes up to ``ahead`` pixels more than
    it is asked for.
    """
    last = post_dominator(network, tensor)
    first = network.producer[tensor]
    spans = {last: (0, chunk)}
    for index in range(last - 1, first - 1, -1):
        asked = _asked_cols(network, index, spans)
        if asked is not None:
            is_handed_on = index != first and is_chunk(network, network.units[index].outputs[0])
            spans[index] = (asked[0], asked[1] + (0 if is_handed_on else ahead))
    low, high = spans[first]
    return high - low


def _asked_cols(network: Network, unit: int, spans: Mapping[int, tuple[int, int]]) -> tuple[int, int] | None:
    """Columns of the unit's output that its readers among ``spans`` want; None if nobody there does."""
    asked = []
    for reader in network.consumers.get(network.units[unit].outputs[0], ()):
        if reader in spans:
            stage, (low, high) = network.stage(reader), spans[reader]
            window = stage.window
            if stage.reduces:
                return 0, stage.grid.w
            late = window.zoom_w.factor - 1  # columns that may pass before the window moves on
            asked.append((window.left(low - late), window.left(high - 1 + late) + window.reach_w))
    return (min(start for start, _ in asked), max(end for _, end in asked)) if asked else None
