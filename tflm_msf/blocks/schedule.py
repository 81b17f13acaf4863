"""The ways to walk a block: what the search may choose for each."""

from __future__ import annotations

from typing import NamedTuple

from tflm_msf.network.units import Network


class Schedule(NamedTuple):
    """How a block is made: in strips ``tile_w`` output pixels wide, one after the other, each from top to bottom."""

    tile_w: int


def schedules(network: Network, last: int) -> tuple[Schedule, ...]:
    """Those worth trying for blocks that end at unit ``last``, whole rows first; none if it stays a builtin.

    Of all strip widths the least for each number of strips.
    """
    if network.units[last].stage is None:
        return ()
    width = network.stage(last).output_map.w
    widths = {-(-width // strips) for strips in range(1, width + 1)}
    return tuple(Schedule(tile_w) for tile_w in sorted(widths, reverse=True))
