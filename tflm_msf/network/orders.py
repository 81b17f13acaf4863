"""Execution orders of a branched network: a branch that runs to its end before the next one starts frees tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from tflm_msf.graph import DType
from tflm_msf.network.units import Network

_Chooser = Callable[[list[int], Mapping[int, int]], int]
"""Picks from the units that are ready, given the position at which each tensor was made."""


MOST_ORDERS = 12
"""Up to so many orders of a network are all searched: each takes as long as a chain."""


class Orders(NamedTuple):
    """Execution orders of a network; ``are_all``: it has no others."""

    networks: tuple[Network, ...]
    are_all: bool


def execution_orders(network: Network) -> Orders:
    """The network in its own order, and in all others that it has, if those are few. A chain has one.

    Of many, those that may need less memory. They are greedy topological orders: the unit that goes on with the newest
    tensor comes next (so that a branch is finished before another is begun, small branches first), or the one after
    which the fewest bytes are alive.
    """
    if any(tensor.is_variable or tensor.dtype is DType.RESOURCE for tensor in network.graph.tensors):
        return Orders((network,), False)  # operators hand on values in ways that are not seen here
    every = list(islice(_all_orders(network), MOST_ORDERS + 1))
    are_all = len(every) <= MOST_ORDERS
    others = every if are_all else [_topological(network, choose(network)) for choose in (_newest_first, _least_alive)]
    orders = {tuple(range(len(network.units))): network}
    for order in others:
        orders.setdefault(order, replace(network, units=tuple(network.units[unit] for unit in order)))
    return Orders(tuple(orders.values()), are_all)


class _Waiting:
    """What units wait for; those that wait for nothing are ready."""

    def __init__(self, network: Network) -> None:
        makers = [{network.producer[t] for t in unit.inputs if t in network.producer} for unit in network.units]
        self.missing = [len(needed) for needed in makers]
        self.readers: list[list[int]] = [[] for _ in makers]
        for unit, needed in enumerate(makers):
            for maker in needed:
                self.readers[maker].append(unit)

    def ready_at_first(self) -> list[int]:
        return [unit for unit, missing in enumerate(self.missing) if missing == 0]

    def after(self, unit: int, ready: list[int]) -> list[int]:
        """Those that are ready once ``unit``, one of them, has run."""
        more = []
        for reader in self.readers[unit]:
            self.missing[reader] -= 1
            if self.missing[reader] == 0:
                more.append(reader)
        return sorted([*(other for other in ready if other != unit), *more])

    def take_back(self, unit: int) -> None:
        """As if ``unit`` had not run."""
        for reader in self.readers[unit]:
            self.missing[reader] += 1


def _all_orders(network: Network) -> Iterator[tuple[int, ...]]:
    """Every topological order, its own first; without recursion, for networks are long."""
    waiting = _Waiting(network)
    order: list[int] = []
    ready = [waiting.ready_at_first()]
    untried = [list(reversed(ready[0]))]
    while untried:
        if untried[-1]:
            unit = untried[-1].pop()
            order.append(unit)
            ready.append(waiting.after(unit, ready[-1]))
            untried.append(list(reversed(ready[-1])))
            if len(order) == len(network.units):
                yield tuple(order)
        else:
            untried.pop()
            ready.pop()
            if order:
                waiting.take_back(order.pop())


def _topological(network: Network, choose: _Chooser) -> tuple[int, ...]:
    made = {tensor: -1 for tensor in (*network.inputs, *network.consumers) if tensor not in network.producer}
    waiting = _Waiting(network)
    ready = waiting.ready_at_first()
    order: list[int] = []
    while ready:
        unit = choose(ready, made)
        made.update(dict.fromkeys(network.units[unit].outputs, len(order)))
        order.append(unit)
        ready = waiting.after(unit, ready)
    return tuple(order)


def _newest_first(network: Network) -> _Chooser:
    preferences: dict[int, tuple[int, int, int]] = {}  # once a unit is ready, it stays as it is

    def choose(ready: list[int], made: Mapping[int, int]) -> int:
        for unit in ready:
            if unit not in preferences:
                newest = max((made[tensor] for tensor in network.units[unit].inputs), default=-1)
                preferences[unit] = -newest, _branch_bytes(network, unit), unit
        return min(ready, key=preferences.__getitem__)

    return choose


def _branch_bytes(network: Network, unit: int) -> int:
    """Bytes that the unit's branch leaves behind: those of the last tensor before it meets another or ends."""
    outputs = network.units[unit].outputs
    while len(outputs) == 1:
        readers = network.consumers.get(outputs[0], ())
        if len(readers) != 1 or len(network.units[readers[0]].inputs) > 1 or readers[0] <= unit:
            break
        unit = readers[0]
        outputs = network.units[unit].outputs
    return sum(network.nbytes(tensor) for tensor in outputs)


def _least_alive(network: Network) -> _Chooser:
    added = [sum(map(network.nbytes, unit.outputs)) for unit in network.units]
    waiting = {tensor: len(set(readers)) for tensor, readers in network.consumers.items()}
    sizes = {tensor: 0 if tensor in network.outputs else network.nbytes(tensor) for tensor in waiting}

    def growth(unit: int) -> tuple[int, int]:
        freed = sum(sizes[tensor] for tensor in network.units[unit].inputs if waiting[tensor] == 1)
        return added[unit] - freed, unit

    def choose(ready: list[int], _: Mapping[int, int]) -> int:
        unit = min(ready, key=growth)
        for tensor in set(network.units[unit].inputs):
            waiting[tensor] -= 1
        return unit

    return choose
