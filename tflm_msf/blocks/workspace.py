"""What a block keeps in its workspace: progress records, accumulators, rings, and the chunks of one group at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from tflm_msf.blocks.block import Group, InnerTensor
from tflm_msf.blocks.chunks import CHUNK_BYTES
from tflm_msf.blocks.demand import Bools, Demand, Ints
from tflm_msf.format.limits import PROGRESS_BYTES

ACCUMULATOR_BYTES = 4


@dataclass(frozen=True, eq=False)
class Members:
    """Units that run together as far as a walk has come, and what is asked of them.

    ``chunk_offsets``: the channels before each tensor that they hand on, of ``chunk_channels`` altogether.
    ``most``: pixels that it may make at a time, for each schedule. ``whole_rows``: those of a row if the group makes
    nothing less.
    """

    units: tuple[int, ...]
    demand: Demand
    most: Ints
    chunk_offsets: Mapping[int, int] = field(default_factory=dict)
    chunk_channels: int = 0
    whole_rows: int = 0

    @cached_property
    def chunk(self) -> Ints:
        """Pixels that the group makes at a time, for each schedule."""
        if self.whole_rows:
            return np.full_like(self.demand.cols, self.whole_rows)
        most = np.minimum(self.most, max(1, CHUNK_BYTES // max(self.chunk_channels, 1)))
        return np.minimum(np.maximum(self.demand.cols, 1), most)

    @cached_property
    def chunk_bytes(self) -> Ints:
        """Bytes of all the group's chunks together, for each schedule."""
        return self.chunk * self.chunk_channels

    def taken_in(self, unit: int, offsets: Mapping[int, int], channels: int) -> Members:
        """With one more unit, and where the chunks lie then."""
        return replace(self, units=(*self.units, unit), chunk_offsets=offsets, chunk_channels=channels)

    def kept(self, schedules: Bools, strips: Bools) -> Members:
        """Of some schedules only."""
        return replace(self, demand=self.demand.kept(schedules, strips), most=self.most[schedules])

    def finished(self) -> Group:
        """The group once the walk, of one schedule, is over."""
        strips = tuple(zip(self.demand.x0.tolist(), self.demand.x1.tolist(), strict=True))
        return Group(tuple(sorted(self.units)), int(self.chunk[0]), int(self.demand.rows[-1]), strips)

    def chunks_from(self, offset: int) -> Iterator[InnerTensor]:
        """Where the chunks lie, of one schedule, if they begin at byte ``offset``."""
        chunk = int(self.chunk[0])
        for tensor, channels_before in self.chunk_offsets.items():
            yield InnerTensor(tensor, True, chunk, offset + chunk * channels_before)


def most_chunk_bytes(groups: Iterable[Members]) -> Ints | int:
    """Bytes of the chunks of the group that needs most of them, for each schedule: one group runs at a time."""
    chunks = [group.chunk_bytes for group in groups if group.chunk_channels]
    return np.max(chunks, axis=0) if chunks else 0


def progress_bytes(groups: int) -> int:
    """Bytes of the progress records of so many groups."""
    return PROGRESS_BYTES * groups


def accumulator_bytes(channels: Mapping[int, int]) -> int:
    """Bytes of the sums of reducing units, from the channels of each."""
    return ACCUMULATOR_BYTES * sum(channels.values())


def place_accumulators(channels: Mapping[int, int], offset: int) -> Iterator[tuple[int, int]]:
    """Each reducing unit, and the byte at which its sums begin, the first at ``offset``."""
    for unit, count in sorted(channels.items()):
        yield unit, offset
        offset += ACCUMULATOR_BYTES * count


def place_rings(pixels: Mapping[int, Ints], channels: Mapping[int, int], offset: int) -> Iterator[InnerTensor]:
    """Where the ring of each tensor lies, of one schedule, the first at byte ``offset``."""
    for tensor, count in sorted((tensor, int(each[0])) for tensor, each in pixels.items()):
        yield InnerTensor(tensor, False, count, offset)
        offset += count * channels[tensor]
