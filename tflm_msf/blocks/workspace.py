"""What a block keeps in its workspace: progress records, accumulators, rings, and the chunks of one group at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tflm_msf.blocks.block import Group, InnerTensor
from tflm_msf.blocks.chunks import CHUNK_BYTES, NO_CHUNKS, ChunkLayout, chunk_layout, written_over
from tflm_msf.blocks.demand import Bools, Demand, Ints
from tflm_msf.blocks.readers import may_be_cut_short
from tflm_msf.format.limits import PROGRESS_BYTES
from tflm_msf.network.units import Network

ACCUMULATOR_BYTES = 4


@dataclass(frozen=True, eq=False)
class Members:
    """Units that run together as far as a walk has come, and what is asked of them.

    ``chunks``: where the tensors lie that they hand on. ``most``: pixels that it may make at a time, for each
    schedule. ``whole_rows``: those of a row if the group makes nothing less. ``may_be_cut_short``: a step may make a
    part only of a row's pixels that a chunk would hold.

    ``in_ring`` is handed on last, and may lie in the ring that the group makes if its steps begin where the ring does;
    the others lie ``beside`` it then.
    """

    units: tuple[int, ...]
    demand: Demand
    most: Ints
    chunks: ChunkLayout = NO_CHUNKS
    whole_rows: int = 0
    may_be_cut_short: bool = False
    in_ring: int | None = None
    beside: ChunkLayout = NO_CHUNKS

    @cached_property
    def chunk(self) -> Ints:
        """Pixels that the group makes at a time, for each schedule."""
        if self.whole_rows:
            return np.full_like(self.demand.cols, self.whole_rows)
        most = np.minimum(self.most, max(1, CHUNK_BYTES // max(self.chunks.channels, 1)))
        return np.minimum(np.maximum(self.demand.cols, 1), most)

    @cached_property
    def chunk_bytes(self) -> Ints:
        """Bytes of all the group's chunks together, for each schedule."""
        return self.chunk * self.chunks.channels

    def taken_in(self, network: Network, unit: int, makes_ring: bool) -> Members:
        """With one more unit, and where the chunks lie then."""
        units = (*self.units, unit)
        stages = [network.stage(member) for member in sorted(units)]
        in_ring = written_over(stages) if makes_ring else None
        return replace(
            self,
            units=units,
            chunks=chunk_layout(stages),
            may_be_cut_short=self.may_be_cut_short or may_be_cut_short(network, stages[sorted(units).index(unit)]),
            in_ring=in_ring,
            beside=NO_CHUNKS if in_ring is None else chunk_layout(stages, elsewhere=in_ring),
        )

    @cached_property
    def makes_whole_rows(self) -> Bools:
        """Whether one step makes all of a row, if it is asked for that, for each schedule."""
        holds_a_row: Bools = self.chunk >= self.demand.cols
        return holds_a_row & (not self.may_be_cut_short)

    def fills(self, ring: Ints, strips: Ints) -> Bools:
        """Whether each step of whole rows begins where a ring of so many pixels does, for each number of strips."""
        is_row: Bools = ring == self.demand.cols
        are_alike: Bools = self.demand.all_cols == self.demand.cols * strips
        return is_row & (are_alike | bool(self.demand.rows[-1] == 1))

    def kept(self, schedules: Bools, strips: Bools) -> Members:
        """Of some schedules only."""
        return replace(self, demand=self.demand.kept(schedules, strips), most=self.most[schedules])

    def finished(self) -> Group:
        """The group once the walk, of one schedule, is over."""
        strips = tuple(zip(self.demand.x0.tolist(), self.demand.x1.tolist(), strict=True))
        return Group(tuple(sorted(self.units)), int(self.chunk[0]), int(self.demand.rows[-1]), strips)

    def chunks_from(self, offset: int, ring: int | None) -> Iterator[InnerTensor]:
        """Where the chunks lie, of one schedule, if they begin at byte ``offset``; one may lie at byte ``ring``."""
        chunk = int(self.chunk[0])
        if ring is not None and self.in_ring is not None:
            yield InnerTensor(self.in_ring, True, chunk, ring)
        for tensor, channels_before in (self.chunks if ring is None else self.beside).offsets.items():
            yield InnerTensor(tensor, True, chunk, offset + chunk * channels_before)


def most_chunk_bytes(groups: Mapping[int, Members], in_rings: Mapping[int, Bools]) -> Ints | int:
    """Bytes of the chunks of the group that needs most of them, for each schedule: one group runs at a time."""
    chunks = [
        np.where(in_rings[root], group.chunk * group.beside.channels, group.chunk_bytes)
        if root in in_rings
        else group.chunk_bytes
        for root, group in groups.items()
        if group.chunks.channels
    ]
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
