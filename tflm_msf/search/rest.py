"""All edges of a fusion DAG as columns, and what lies between each cut and the end under a limit on the head."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tflm_msf.core import load_core
from tflm_msf.search.edge import Edge

Ints = npt.NDArray[np.int64]

OUT_OF_REACH = 1 << 62
"""MACs to the end where there is no way."""


class CoreEdges(ctypes.Structure):
    """Edges as the core sees them: ``msf_core_edges``."""

    _fields_ = tuple((name, ctypes.c_void_p) for name in ("starts", "ends", "heads", "macs"))


@dataclass(frozen=True, eq=False)
class Columns:
    """Edges, those that leave a cut one behind the other: from ``starts[cut]`` to ``starts[cut + 1]``.

    ``numbers`` are their places in the sequence that they were made of; ``ends`` the cuts that they lead to.
    """

    starts: Ints
    numbers: Ints
    ends: Ints
    heads: Ints
    macs: Ints

    @property
    def cuts(self) -> int:
        """The last cut, where each path ends."""
        return len(self.starts) - 1

    @cached_property
    def in_core(self) -> CoreEdges:
        """The same edges for the core, which has no hold on them."""
        return CoreEdges(*(_address(column) for column in (self.starts, self.ends, self.heads, self.macs)))

    def leaving(self, cut: int) -> slice:
        """Where the edges that leave a cut are."""
        return slice(int(self.starts[cut]), int(self.starts[cut + 1]))


def columns_of(edges: Sequence[Edge], cuts: int) -> Columns:
    """The columns; edges that leave the same cut stay in the order in which they are given."""
    count = len(edges)
    first = np.fromiter((edge.first for edge in edges), np.int64, count)
    ends = np.fromiter((edge.last + 1 for edge in edges), np.int64, count)
    heads = np.fromiter((edge.head for edge in edges), np.int64, count)
    macs = np.fromiter((edge.macs for edge in edges), np.int64, count)
    numbers = np.argsort(first, kind="stable").astype(np.int64)
    starts = np.searchsorted(first[numbers], np.arange(cuts + 1)).astype(np.int64)
    return Columns(starts, numbers, ends[numbers], heads[numbers], macs[numbers])


@dataclass(frozen=True, eq=False)
class Rest:
    """For each cut, and in each column for a number of edges that may be left (or for any number, in one column): the
    least MACs between it and the end, :data:`OUT_OF_REACH` if there is no way, and the fewest edges with so few.

    ``best``: of each cut, where in the columns an edge is over which that is so, or -1, as far as the core knows.
    """

    macs: Ints
    edges: Ints
    best: Ints

    @cached_property
    def addresses(self) -> tuple[ctypes.c_void_p, ctypes.c_void_p]:
        """Where the two are, for the core."""
        return ctypes.c_void_p(_address(self.macs)), ctypes.c_void_p(_address(self.edges))


def find_rest(columns: Columns, head_limit: int, max_edges: int, above: Rest | None = None) -> Rest:
    """The rest of any path whose edges have heads of at most ``head_limit`` bytes.

    Args:
        columns: the edges.
        head_limit: in bytes.
        max_edges: columns are made for 0, 1, ... so many edges that are left; 0: one column, for any number.
        above: what it is for a higher limit and any number of edges, if that is known.
    """
    core = load_core()
    if core is None:
        return _defined(columns, head_limit, max_edges)
    if max_edges > 0:
        return _compiled(core, columns, head_limit, max_edges)
    return _below(core, columns, head_limit, above or _empty(columns, 0))


def _empty(columns: Columns, max_edges: int) -> Rest:
    shape = columns.cuts + 1, max_edges + 1
    best = np.full(columns.cuts, -1, np.int64)
    rest = Rest(np.full(shape, OUT_OF_REACH, np.int64), np.zeros(shape, np.int64), best)
    rest.macs[-1] = 0
    return rest


def _defined(columns: Columns, head_limit: int, max_edges: int) -> Rest:
    """What the core computes."""
    rest = _empty(columns, max_edges)
    macs, edges = rest.macs, rest.edges
    before, now = (slice(-1), slice(1, None)) if max_edges else (slice(None), slice(None))
    for cut in range(columns.cuts - 1, -1, -1):
        leaving = columns.leaving(cut)
        low = columns.heads[leaving] <= head_limit
        if not low.any():
            continue
        ends, costs = columns.ends[leaving][low], columns.macs[leaving][low]
        totals = np.minimum(costs[:, None] + macs[ends, before], OUT_OF_REACH)
        least = totals.min(axis=0)
        macs[cut, now] = least
        fewest = 1 + np.where(totals == least, edges[ends, before], OUT_OF_REACH).min(axis=0)
        edges[cut, now] = np.where(least < OUT_OF_REACH, fewest, 0)
    return rest


def _compiled(core: ctypes.CDLL, columns: Columns, head_limit: int, max_edges: int) -> Rest:
    rest = _empty(columns, max_edges)
    core.msf_core_rest(
        ctypes.byref(columns.in_core),
        columns.cuts,
        max_edges,
        ctypes.c_int64(head_limit),
        *rest.addresses,
    )
    return rest


def _below(core: ctypes.CDLL, columns: Columns, head_limit: int, above: Rest) -> Rest:
    rest = Rest(above.macs.copy(), above.edges.copy(), above.best.copy())
    core.msf_core_rest_below(
        ctypes.byref(columns.in_core),
        columns.cuts,
        ctypes.c_int64(head_limit),
        *rest.addresses,
        ctypes.c_void_p(_address(rest.best)),
        ctypes.create_string_buffer(columns.cuts + 1),
    )
    return rest


def _address(column: Ints) -> int:
    return int(column.ctypes.data)
