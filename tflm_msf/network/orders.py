"""Execution orders of a branched network: a branch that runs to its end before the next one starts frees tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from tflm_msf.graph import DType
from tflm_msf.network.units import Network

_Chooser = Callable[[Network, list[int], Mapping[int, int]], int]


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
    others = every if are_all else [_topological(network, choose) for choose in (_newest_first, _least_alive)]
    orders = {tuple(range(len(network.units))): network}
    for order in others:
        orders.setdefault(order, replace(network, units=tuple(network.units[unit] for unit in order)))
    return Orders(tuple(orders.values()), are_all)


def _all_orders(network: Network) -> Iterator[tuple[int, ...]]:
    """Every topological order, its own first; without recursion, for networks are long."""
    needs = [{network.producer[t] for t in unit.inputs if t in network.producer} for unit in network.units]
    order: list[int] = []
    untried = [_ready(needs, order)]
    while untried:
        if untried[-1]:
            order.append(untried[-1].pop(0))
            if len(order) == len(needs):
                yield tuple(order)
            untried.append(_ready(needs, order))
        else:
            untried.pop()
            if order:
                order.pop()


def _ready(needs: Sequence[set[int]], order: Sequence[int]) -> list[int]:
    done = set(order)
    return [unit for unit, needed in enumerate(needs) if unit not in done and needed <= done]


def _topological(network: Network, choose: _Chooser) -> tuple[int, ...]:
    """``choose`` picks from the units that are ready, given the position at which each tensor was made."""
    made = {tensor: -1 for tensor in (*network.inputs, *network.consumers) if tensor not in network.producer}
    waiting = list(range(len(network.units)))
    order: list[int] = []
    while waiting:
        ready = [unit for unit in waiting if all(tensor in made for tensor in network.units[unit].inputs)]
        unit = choose(network, ready, made)
        made.update(dict.fromkeys(network.units[unit].outputs, len(order)))
        order.append(unit)
        waiting.remove(unit)
    return tuple(order)


def _newest_first(network: Network, ready: list[int], made: Mapping[int, int]) -> int:
    def preference(unit: int) -> tuple[int, int, int]:
        newest = max((made[tensor] for tensor in network.units[unit].inputs), default=-1)
        return -newest, _branch_bytes(network, unit), unit

    return min(ready, key=preference)


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


def _least_alive(network: Network, ready: list[int], made: Mapping[int, int]) -> int:
    def growth(unit: int) -> int:
        added = sum(network.nbytes(tensor) for tensor in network.units[unit].outputs)
        freed = sum(
            network.nbytes(tensor)
            for tensor in network.units[unit].inputs
            if tensor not in network.outputs
            and all(u == unit or set(network.units[u].outputs) <= made.keys() for u in network.consumers[tensor])
        )
        return added - freed

    return min(ready, key=lambda unit: (growth(unit), unit))
