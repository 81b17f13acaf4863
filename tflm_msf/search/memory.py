"""Blocks that were found before: the same operators make the same blocks, wherever in a network they are met again.

What a block costs depends on the shapes of its units and of the one before them, on who reads their tensors, and on
nothing else: not on weights, not on what comes earlier or later. So the blocks that end at a unit are kept under the
units that were looked at for them, from the last one back, with every tensor named by who makes it. They are found
again further on in the same network if that repeats itself, in another execution order, and in other networks with the
same run of operators.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import count
from typing import NamedTuple

from tflm_msf.blocks.block import Candidate, Found
from tflm_msf.network.units import Network, Unit
from tflm_msf.ops import Stage

_VALUES = {"weights", "requantization", "second_operand", "activation", "in_zero", "out_zero", "start"}
"""What of a stage decides what it computes, and not what it costs. Whatever else a stage has counts as its shape."""

_TENSORS = {"inputs", "output", "prefix"}
"""What of a stage has numbers of tensors."""

_SHAPES = tuple(field.name for field in fields(Stage) if field.name not in _VALUES | _TENSORS)

MOST_KEPT = 200_000
"""Blocks that are kept, at about 300 bytes each; when there are more, all are forgotten."""

_Name = tuple[int, int]
"""A tensor: how many units back it is made, and its place there; or -1 and its place among those that no unit makes."""


class _Kept(NamedTuple):
    """Blocks that end at unit ``last`` of some network, and what their tensors are called, seen from there."""

    last: int
    names: Mapping[int, _Name]
    blocks: list[Found]


@dataclass
class _Node:
    """A run of units, read from its last one back: what was found for it, and the longer runs.

    Blocks are kept by the chunks that their groups make, by the limit that they were looked for with (None if it left
    nothing out), and by whether the run was all that there was.
    """

    longer: dict[int, _Node] = field(default_factory=dict)
    found: dict[tuple[int, int | None, bool], _Kept] = field(default_factory=dict)


class Memory:
    """Numbers units by their shapes, and keeps the blocks that were found at the end of runs of them."""

    def __init__(self) -> None:
        self._numbers = count()
        self._kinds: dict[Hashable, int] = {}
        self._runs = _Node()
        self._alone: dict[int, int] = {}
        self._times: dict[Hashable, float] = {}
        self._kept = 0

    def of(self, network: Network) -> Remembered:
        """What is remembered of a network's blocks."""
        names = _Names(network)
        kinds = [self._kind(names.facts(index)) for index in range(len(network.units))]
        return Remembered(self, kinds, names)

    def _kind(self, facts: Hashable) -> int:
        """Equal for units that are equal to all blocks with them."""
        if facts not in self._kinds:
            self._kinds[facts] = next(self._numbers)
        return self._kinds[facts]

    def alone(self, kind: int, measure: Callable[[], int]) -> int:
        """What ``measure`` says of a unit on its own, asked once for each kind."""
        if kind not in self._alone:
            self._alone[kind] = measure()
        return self._alone[kind]

    def time(self, block: Hashable, measure: Callable[[], float]) -> float:
        """What ``measure`` says of blocks that are called so, asked once for each."""
        if block not in self._times:
            self._times[block] = measure()
        return self._times[block]

    def find(self, kinds: Sequence[int], last: int, chunk: int, limit: int) -> _Kept | None:
        """What was kept for a run of units that ends at ``last``, however long that is."""
        node = self._runs
        for unit in range(last, -1, -1):
            following = node.longer.get(kinds[unit])
            if following is None:
                return None
            node = following
            found = node.found.get((chunk, None, False)) or node.found.get((chunk, limit, False))
            if found:
                return found
        return node.found.get((chunk, None, True)) or node.found.get((chunk, limit, True))

    def keep(self, kinds: Sequence[int], seen: range, chunk: int, limit: int | None, found: _Kept) -> None:
        """Keeps what was found for the run ``seen``."""
        if self._kept + len(found.blocks) > MOST_KEPT:
            self._kinds, self._runs, self._alone, self._times, self._kept = {}, _Node(), {}, {}, 0
            return
        node = self._runs
        for unit in reversed(seen):
            node = node.longer.setdefault(kinds[unit], _Node())
        node.found[chunk, limit, seen.start == 0] = found
        self._kept += len(found.blocks)


MEMORY = Memory()
"""Of this process."""


class _Names:
    """What a network's tensors are called, seen from a unit."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._made_at = {
            tensor: (index, place)
            for index, unit in enumerate(network.units)
            for place, tensor in enumerate(unit.outputs)
        }
        read = (tensor for unit in network.units for tensor in unit.inputs if tensor not in self._made_at)
        self._not_made = sorted({*read, *network.inputs} - set(self._made_at))
        self._place = {tensor: place for place, tensor in enumerate(self._not_made)}

    def name(self, tensor: int, seen_from: int) -> _Name:
        if tensor in self._made_at:
            index, place = self._made_at[tensor]
            return seen_from - index, place
        return -1, self._place[tensor]

    def tensor(self, name: _Name, seen_from: int) -> int:
        back, place = name
        return self._not_made[place] if back < 0 else self._network.units[seen_from - back].outputs[place]

    def has_one_scale(self, index: int) -> bool:
        """True of a unit whose channels are all requantised alike."""
        scales = self._network.stage(index).requantization
        return scales is not None and scales.is_uniform

    def facts(self, index: int) -> Hashable:
        """Everything about a unit that blocks with it, and the block behind it, depend on."""
        unit = self._network.units[index]
        tensors = tuple(self._tensor_facts(tensor, index) for tensor in (*unit.inputs, *unit.outputs))
        return tensors, len(unit.inputs), self._stage_facts(unit, index)

    def _tensor_facts(self, tensor: int, index: int) -> Hashable:
        readers = tuple(reader - index for reader in self._network.consumers.get(tensor, ()))
        is_output = tensor in self._network.outputs
        return self.name(tensor, index), self._network.nbytes(tensor), readers, is_output

    def _stage_facts(self, unit: Unit, index: int) -> Hashable:
        stage = unit.stage
        if stage is None:
            return None
        prefix = None if stage.prefix is None else self.name(stage.prefix, index)
        inputs = tuple(self.name(tensor, index) for tensor in stage.inputs)
        return inputs, prefix, tuple(getattr(stage, name) for name in _SHAPES)


@dataclass(frozen=True, eq=False)
class Remembered:
    """A memory, asked about one network."""

    memory: Memory
    kinds: Sequence[int]
    names: _Names

    def recall(self, last: int, chunk: int, limit: int) -> list[Found] | None:
        """The blocks that end at unit ``last``, made in such chunks, as they were kept for the ``limit`` on their
        workspace, if they were.
        """
        kept = self.memory.find(self.kinds, last, chunk, limit)
        if kept is None:
            return None
        called = {tensor: self.names.tensor(name, last) for tensor, name in kept.names.items()}
        if last == kept.last and all(tensor == here for tensor, here in called.items()):
            return kept.blocks
        if sorted(called, key=called.__getitem__) != sorted(called):
            return None  # of two inputs that it may overlap, a block takes one by its number
        inputs = {read: tuple(map(called.__getitem__, read)) for read in {found.block.inputs for found in kept.blocks}}
        further = last - kept.last
        return [Found(_moved(found.block, further, inputs, called), found.added) for found in kept.blocks]

    def alone(self, unit: int, measure: Callable[[int], int]) -> int:
        """What ``measure`` says of a unit on its own."""
        return self.memory.alone(self.kinds[unit], lambda: measure(unit))

    def time(self, block: Candidate, costs: Hashable, measure: Callable[[], float]) -> float:
        """What ``measure`` says of a block with these costs, or said of one of equal units made by the same schedule.

        Time also depends on whether a scale counts for all channels.
        """
        if block.recomputes:
            return measure()
        units = range(block.first, block.last + 1)
        alike = tuple((self.kinds[unit], self.names.has_one_scale(unit)) for unit in units)
        return self.memory.time((costs, block.schedule, alike), measure)

    def keep(self, seen: range, chunk: int, limit: int | None, blocks: list[Found]) -> None:
        """Keeps the blocks that end at the last unit ``seen``, for which no earlier one was looked at.

        ``limit`` is that on their workspace; None if it left none out.
        """
        last = seen[-1]
        tensors = sorted({tensor for found in blocks for tensor in (*found.block.inputs, found.block.output)})
        names = {tensor: self.names.name(tensor, last) for tensor in tensors}
        self.memory.keep(self.kinds, seen, chunk, limit, _Kept(last, names, blocks))


def _moved(
    block: Candidate, further: int, inputs: Mapping[tuple[int, ...], tuple[int, ...]], called: Mapping[int, int]
) -> Candidate:
    """The same block ``further`` units on, its tensors called otherwise."""
    overlap_input = None if block.overlap_input is None else called[block.overlap_input]
    return block._replace(
        first=block.first + further,
        last=block.last + further,
        inputs=inputs[block.inputs],
        output=called[block.output],
        overlap_input=overlap_input,
    )
