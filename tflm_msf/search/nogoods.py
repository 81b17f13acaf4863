"""Shortest paths that keep clear of known conflicts: runs of edges that together take more than each of them alone.

A fusion DAG with forbidden runs is again a DAG: each cut becomes one state for every set of forbidden runs that a path
may have begun before it. Edges are numbers here, cuts are numbered from 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


class Conflict(NamedTuple):
    """One edge of each set, directly one after the other, take ``needed`` bytes or more."""

    edges: tuple[frozenset[int], ...]
    needed: int


class State(NamedTuple):
    """A state of cut ``cut``: it is entered over ``edges[n]`` from state ``sources[n]``."""

    cut: int
    edges: Ints
    sources: Ints


_Begun = frozenset[tuple[int, int]]
"""Which conflicts a path is in the middle of, and how many of their edges it has taken."""


def states_without(first: Sequence[int], into: Sequence[Sequence[int]], conflicts: Sequence[Conflict]) -> list[State]:
    """The states of all cuts, each after those that it is entered from; state 0 is cut 0.

    Args:
        first: for each edge, the cut that it leaves.
        into: for each cut, the edges that enter it.
        conflicts: the runs that no path through the states can take.
    """
    roles: dict[int, list[tuple[int, int]]] = {}
    for number, conflict in enumerate(conflicts):
        for position, edges in enumerate(conflict.edges):
            for edge in edges:
                roles.setdefault(edge, []).append((number, position))
    states = [State(0, np.zeros(0, np.int64), np.zeros(0, np.int64))]
    at_cut: list[dict[_Begun, int]] = [{frozenset(): 0}]
    for cut in range(1, len(into)):
        entries: dict[_Begun, list[tuple[int, int]]] = {}
        for edge in into[cut]:
            for begun, source in at_cut[first[edge]].items():
                after = _after(begun, roles[edge], conflicts) if edge in roles else frozenset[tuple[int, int]]()
                if after is not None:
                    entries.setdefault(after, []).append((edge, source))
        at_cut.append({begun: len(states) + number for number, begun in enumerate(entries)})
        states += [State(cut, *np.array(entry, np.int64).T) for entry in entries.values()]
    return states


def _after(begun: _Begun, roles: Sequence[tuple[int, int]], conflicts: Sequence[Conflict]) -> _Begun | None:
    """What a path is in the middle of after an edge with these roles; None if that completes a conflict."""
    taken = {(number, position + 1) for number, position in roles if position == 0 or (number, position) in begun}
    if any(position == len(conflicts[number].edges) for number, position in taken):
        return None
    return frozenset(taken)
