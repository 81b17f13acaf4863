"""Squeeze-and-excite without the map: what is pooled, and scaled after that, is made twice instead of kept.

The pool gets units of its own that make what it takes in, copies of the units in front of it. So the map that is scaled
comes pixel by pixel, the one that is pooled too, and neither is ever whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from tflm_msf.network.units import Network, Unit
from tflm_msf.ops import StageOp

MOST_GATES = 3
"""Pools with units of their own in one block. The map of the first of three gates is made four times."""


class Gate(NamedTuple):
    """A reducing unit, ``pool``, that takes in a map that is read again later.

    ``branch`` are the units between that map, ``source``, and the pool, and the pool itself.
    """

    pool: int
    branch: frozenset[int]
    source: int


def find_gates(network: Network) -> tuple[Gate, ...]:
    """All gates, in order."""
    reducing = (index for index, unit in enumerate(network.units) if unit.stage and unit.stage.reduces)
    return tuple(gate for pool in reducing for gate in [_gate(network, pool)] if gate is not None)


def _gate(network: Network, pool: int) -> Gate | None:
    branch = [pool]
    while True:
        (source,) = network.units[branch[-1]].inputs
        unit = network.producer.get(source)
        if unit is None or not _may_be_copied(network.units[unit]):
            return None
        if network.last_use[source] > branch[-1]:
            return Gate(pool, frozenset(branch), source)
        if len(network.units[unit].inputs) != 1:
            return None
        branch.append(unit)


def _may_be_copied(unit: Unit) -> bool:
    """True for what makes a map: a single pixel, a gate say, is rather kept, and rows that are kept are made once."""
    stage = unit.stage
    if stage is None or stage.prefix is not None or stage.history:
        return False
    return stage.op is not StageOp.SOURCE and stage.output_map.pixels > 1


@dataclass(frozen=True, eq=False)
class Copies:
    """``network`` with copies of units, each directly in front of the unit that it is a copy of.

    Each of ``gates`` has copies of all units behind unit ``start`` that make its map.
    """

    network: Network
    gates: tuple[Gate, ...]
    start: int

    @cached_property
    def expanded(self) -> Network:
        """The network as planned; tensors that copies make have numbers of their own."""
        copies: dict[int, int] = {}
        renamed: list[dict[int, int]] = [{} for _ in self.gates]
        units = []
        for index, unit in enumerate(self.network.units):
            for gate, names, copied in zip(self.gates, renamed, self._copied, strict=True):
                if index in copied:
                    (tensor,) = unit.outputs
                    names[tensor] = len(self.network.graph.tensors) + len(copies)
                    copies[names[tensor]] = tensor
                    units.append(_with_names(unit, names))
                elif index in gate.branch:
                    unit = _with_names(unit, names)
            units.append(unit)
        return replace(self.network, units=tuple(units), copies=copies)

    @cached_property
    def origin(self) -> tuple[int, ...]:
        """For each unit of the expanded network, the one that it is or is a copy of."""
        return tuple(
            index
            for index in range(len(self.network.units))
            for _ in range(1 + sum(index in copied for copied in self._copied))
        )

    @cached_property
    def _copied(self) -> tuple[frozenset[int], ...]:
        return tuple(self._made_by(gate.source) for gate in self.gates)

    def _made_by(self, tensor: int) -> frozenset[int]:
        found: set[int] = set()
        tensors = [tensor]
        while tensors:
            unit = self.network.producer.get(tensors.pop(), -1)
            if unit > self.start and unit not in found and _may_be_copied(self.network.units[unit]):
                found.add(unit)
                tensors.extend(self.network.units[unit].inputs)
        return frozenset(found)


def copies_before(network: Network, gates: tuple[Gate, ...], last: int) -> Copies:
    """Copies for those of all ``gates`` of a network that a block up to unit ``last`` may have."""
    earlier = [gate for gate in gates if gate.pool <= last]
    start = earlier[-1 - MOST_GATES].pool if len(earlier) > MOST_GATES else -1
    return Copies(network, tuple(earlier[-MOST_GATES:]), start)


def _with_names(unit: Unit, names: dict[int, int]) -> Unit:
    """The unit with tensors called by other names, where they have any."""
    assert unit.stage is not None
    inputs = tuple(names.get(tensor, tensor) for tensor in unit.stage.inputs)
    output = names.get(unit.stage.output, unit.stage.output)
    stage = replace(unit.stage, inputs=inputs, output=output)
    return replace(unit, inputs=tuple(dict.fromkeys(inputs)), outputs=(output,), stage=stage)
