"""No-goods: runs of edges that together take more than each of them alone, as an automaton that walks along a path.

Edges are numbers here. A path's state is the set of no-goods that it is in the middle of, each with the number of its
edges that were taken; a path that completes one is dead. Only states that a search comes to are ever made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Conflict(NamedTuple):
    """One edge of each set, directly one after the other, take ``needed`` bytes or more."""

    edges: tuple[frozenset[int], ...]
    needed: int


Begun = frozenset[tuple[int, int]]
"""Which conflicts a path is in the middle of, and how many of their edges it has taken."""

NOTHING_BEGUN: Begun = frozenset()

Role = tuple[int, int]
"""The number of a conflict, and the position of an edge in it."""


def add_roles(roles: dict[int, list[Role]], conflicts: Sequence[Conflict]) -> None:
    """Adds the roles that edges have in the last conflict to those in the ones before."""
    for position, edges in enumerate(conflicts[-1].edges):
        for edge in edges:
            roles.setdefault(edge, []).append((len(conflicts) - 1, position))


def after(begun: Begun, roles: Sequence[Role], conflicts: Sequence[Conflict], limit: int) -> Begun | None:
    """What a path within ``limit`` bytes is in the middle of after an edge with these roles; None if that completes a
    conflict.
    """
    taken = [
        (number, position + 1)
        for number, position in roles
        if (position == 0 or (number, position) in begun) and conflicts[number].needed > limit
    ]
    if any(position == len(conflicts[number].edges) for number, position in taken):
        return None
    return frozenset(taken)
