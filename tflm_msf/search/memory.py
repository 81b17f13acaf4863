"""Edges that were found before: blocks of the same units cost the same, in whatever network they are met again.

What a block costs depends on the shapes of the units up to its last one, on who reads their tensors, and on nothing
else: not on weights, and not on what comes later but for which tensors are still needed then. So the edges that end at
a unit are kept under just that, for as long as the process lives, and found again in another execution order of the
network, under another preset's search, and in a network that differs in its last layers only.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import fields

from tflm_msf.network.units import Network, Unit
from tflm_msf.ops import Stage
from tflm_msf.search.edge import Edge

_VALUES = {"weights", "requantization", "second_operand", "activation", "in_zero", "out_zero", "start"}
"""What of a stage decides what it computes, and not what it costs. Whatever else a stage has counts as its shape."""

_SHAPES = tuple(field.name for field in fields(Stage) if field.name not in _VALUES)

MOST_KEPT = 200_000
"""Edges that are kept, at about 300 bytes each; when there are more, all are forgotten."""


class Memory:
    """Numbers runs of units by their shapes, and keeps what was found out about them."""

    def __init__(self) -> None:
        self._prefixes: dict[Hashable, int] = {}
        self._found: dict[Hashable, Sequence[Edge]] = {}
        self._kept = 0

    def prefixes(self, network: Network) -> Iterator[int]:
        """For each unit a number that stands for it and all before it, equal for equal ones."""
        number = -1
        for unit in network.units:
            number = self._prefixes.setdefault((number, _facts(network, unit)), len(self._prefixes))
            yield number

    def recall(self, key: Hashable) -> Sequence[Edge] | None:
        """What was kept under ``key``."""
        return self._found.get(key)

    def keep(self, key: Hashable, edges: Sequence[Edge]) -> None:
        """Keeps edges under ``key``."""
        if self._kept + len(edges) > MOST_KEPT:
            self._prefixes, self._found, self._kept = {}, {}, 0
            return
        self._found[key] = edges
        self._kept += len(edges)


def needed_later(network: Network, last: int) -> tuple[int, ...]:
    """The tensors of units up to ``last``, and what they read, that are needed after it."""
    tensors = {tensor for unit in network.units[: last + 1] for tensor in (*unit.inputs, *unit.outputs)}
    return tuple(sorted(tensor for tensor in tensors if network.last_use[tensor] > last))


def _facts(network: Network, unit: Unit) -> Hashable:
    """Everything about a unit that blocks with it depend on."""
    sizes = tuple(network.nbytes(tensor) for tensor in (*unit.inputs, *unit.outputs))
    shapes = () if unit.stage is None else tuple(getattr(unit.stage, name) for name in _SHAPES)
    return unit.inputs, unit.outputs, sizes, shapes
