"""The ways to walk a block: what the search may choose for each."""

from __future__ import annotations

from typing import NamedTuple

from tflm_msf.format import Order
from tflm_msf.network.units import Network

CHUNK_PIXELS = 4
"""Pixels that kernels make together at the most: a weight is loaded once for all of them."""

CHUNKS = (CHUNK_PIXELS, 2, 1)
"""Lengths of chunks that are worth trying: the shorter, the less memory; the longer, the less time."""


class Schedule(NamedTuple):
    """How a block is made: in strips ``tile_w`` output pixels wide, one after the other, each from top to bottom.

    A group makes up to ``chunk`` pixels at a time, in the ``order`` of steps that the kernels are told.
    """

    tile_w: int
    chunk: int = CHUNK_PIXELS
    order: Order = Order.ASKED

    @property
    def ahead(self) -> int:
        """Pixels that a group makes more than it was asked for, at the most."""
        return self.chunk - 1 if self.order is Order.CHUNKS else 0


def schedules(network: Network, last: int, chunk: int = CHUNK_PIXELS) -> tuple[Schedule, ...]:
    """Those worth trying for blocks that end at unit ``last``, whole rows first; none if it stays a builtin.

    Groups make ``chunk`` pixels at a time. Of all strip widths the least for each number of strips.
    """
    if network.units[last].stage is None:
        return ()
    width = network.stage(last).output_map.w
    widths = {-(-width // strips) for strips in range(1, width + 1)}
    return tuple(Schedule(tile_w, chunk) for tile_w in sorted(widths, reverse=True))


def no_slower(schedule: Schedule) -> tuple[Schedule, ...]:
    """Schedules that take as many MACs as this one, in chunks that are no shorter, and so more bytes perhaps."""
    longer = (chunk for chunk in CHUNKS if chunk >= schedule.chunk)
    return tuple(schedule._replace(chunk=chunk, order=order) for chunk in longer for order in Order)
