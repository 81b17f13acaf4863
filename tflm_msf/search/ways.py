"""Ways on from a cut to the end, the best one first."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tflm_msf.search.rest import OUT_OF_REACH, Columns, Rest


class Way(NamedTuple):
    """An edge out of a cut, by its place in the columns, and the MACs and edges from that cut to the end over it."""

    total: int
    taken: int
    edge: int
    end: int
    macs: int


def find_ways(columns: Columns, rest: Rest, cut: int, head_limit: int, column: int) -> list[Way]:
    """The edges out of ``cut`` with heads of at most ``head_limit`` bytes from where there is a way to the end.

    Fewest MACs come first, of equal ones those with the fewest edges, then those that lead furthest. ``column`` of
    ``rest`` is what counts behind each edge.
    """
    leaving = columns.leaving(cut)
    ends, macs = columns.ends[leaving], columns.macs[leaving]
    totals = macs + rest.macs[ends, column]
    counts = 1 + rest.edges[ends, column]
    best = np.lexsort((-ends, counts, totals))
    best = best[(columns.heads[leaving][best] <= head_limit) & (totals[best] < OUT_OF_REACH)]
    made = totals[best], counts[best], best + leaving.start, ends[best], macs[best]
    return list(map(Way, *(values.tolist() for values in made)))
