"""Ways on from a cut to the end, the best one first; only as many are made as are asked for."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from tflm_msf.core import load_core
from tflm_msf.search.rest import OUT_OF_REACH, Columns, Rest

AT_FIRST = 4
"""Ways that the core makes at first; of most cuts, no more are ever looked at."""


class Way(NamedTuple):
    """An edge out of a cut, and the MACs and edges from that cut to the end over it."""

    total: int
    taken: int
    edge: int
    end: int
    macs: int


@dataclass
class Ways:
    """The edges out of ``cut`` with heads of at most ``head_limit`` bytes from where there is a way to the end.

    Fewest MACs come first, of equal ones those with the fewest edges, then those that lead furthest. ``column`` of
    ``rest`` is what counts behind each edge.
    """

    columns: Columns
    rest: Rest
    cut: int
    head_limit: int
    column: int
    _known: list[Way] = field(default_factory=list)
    _are_all: bool = False

    def at(self, place: int) -> Way | None:
        """The way at so many's place, None if there are fewer."""
        while place >= len(self._known) and not self._are_all:
            self._make_more()
        return self._known[place] if place < len(self._known) else None

    def _make_more(self) -> None:
        core = load_core()
        if core is None:
            self._known, self._are_all = self._defined(), True
            return
        more = max(AT_FIRST, len(self._known))
        found = self._compiled(core, len(self._known), more)
        self._known += found
        self._are_all = len(found) < more

    def _defined(self) -> list[Way]:
        """What the core computes."""
        leaving = self.columns.leaving(self.cut)
        ends, macs = self.columns.ends[leaving], self.columns.macs[leaving]
        totals = macs + self.rest.macs[ends, self.column]
        counts = 1 + self.rest.edges[ends, self.column]
        best = np.lexsort((-ends, counts, totals))
        best = best[(self.columns.heads[leaving][best] <= self.head_limit) & (totals[best] < OUT_OF_REACH)]
        columns = totals, counts, self.columns.numbers[leaving], ends, macs
        return list(map(Way, *(column[best].tolist() for column in columns)))

    def _compiled(self, core: ctypes.CDLL, known: int, more: int) -> list[Way]:
        """The next ``more`` ways behind those that are ``known``."""
        room = known + more
        found = (_CoreWay * room)()
        count = core.msf_core_ways(
            ctypes.byref(self.columns.in_core),
            ctypes.c_int64(self.cut),
            ctypes.c_int64(self.head_limit),
            *self.rest.addresses,
            ctypes.c_int64(self.rest.macs.shape[1]),
            ctypes.c_int64(self.column),
            room,
            found,
        )
        numbers = self.columns.numbers
        return [Way(way.total, way.taken, int(numbers[way.edge]), way.end, way.macs) for way in found[known:count]]


class _CoreWay(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_int64) for name in Way._fields)
