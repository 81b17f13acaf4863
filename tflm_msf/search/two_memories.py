"""Plans for two memories: workspaces in a small fast one, the model's ends in a large slow one, and each boundary
tensor in either.

A path through the cuts of the execution order, as in :mod:`tflm_msf.search.dag`; what it has to remember at a cut is
which of the tensors that are alive there lie in fast memory. Blocks load what they read of slow memory (see
:mod:`tflm_msf.blocks.loads`), so the bytes that a plan reads and writes there, its *traffic*, are a sum over its
steps, as MACs are: for every cut and every set of fast tensors, those ways are kept that no other beats in both.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from tflm_msf.blocks.block import Candidate
from tflm_msf.blocks.schedule import schedules
from tflm_msf.blocks.space import BlockSpace
from tflm_msf.network.units import Network
from tflm_msf.search.dag import padded_bytes, shared_bytes
from tflm_msf.search.edge import NO_LIMIT, Edge
from tflm_msf.search.effort import Effort
from tflm_msf.sizes import TENSOR_ALIGNMENT, align_up

NOWHERE_ELSE: frozenset[int] = frozenset()


def least_traffic(network: Network) -> int:
    """Bytes that have to be read and written in slow memory: the inputs, and the outputs, once."""
    return sum(network.nbytes(tensor) for tensor in (*network.inputs, *dict.fromkeys(network.outputs)))


class Way(NamedTuple):
    """A plan: its steps, the tensors that lie in fast memory, the bytes read and written in slow memory, and MACs."""

    edges: tuple[Edge, ...]
    fast: frozenset[int]
    traffic: int
    macs: int


class Room(NamedTuple):
    """What tensors may take of fast memory beside a workspace.

    ``distance``: how far behind an output there an input may have to start for the two to share bytes. ``spare`` bytes
    stay free. Less than all there is leaves room for what sizes alone do not tell: outputs that run over their inputs
    again and again move down, and tensors that live long may lie in the way.
    """

    tensors: int = NO_LIMIT
    distance: int = NO_LIMIT
    spare: int = 0


ALL_ROOM = Room()


class _Block(NamedTuple):
    """A block, and the bytes that it reads of slow memory."""

    block: Candidate
    read: int


class _Label(NamedTuple):
    """A way to a cut: its costs, the way to the cut before, its last step and what that puts into fast memory."""

    traffic: int
    macs: int
    before: _Label | None = None
    edge: Edge | None = None
    fast: frozenset[int] = NOWHERE_ELSE


class _Labels:
    """Labels that no other one of the same state beats, by traffic; MACs go down as traffic goes up."""

    def __init__(self) -> None:
        self.kept: list[_Label] = []

    def add(self, label: _Label) -> None:
        at = bisect_right(self.kept, label.traffic, key=lambda other: other.traffic)
        if at and self.kept[at - 1].macs <= label.macs:
            return
        if at and self.kept[at - 1].traffic == label.traffic:
            at -= 1
        end = at
        while end < len(self.kept) and self.kept[end].macs >= label.macs:
            end += 1
        self.kept[at:end] = [label]


@dataclass(frozen=True, eq=False)
class TwoMemories:
    """The plans of one execution order in ``fast_bytes`` of fast memory."""

    network: Network
    space: BlockSpace
    fast_bytes: int
    effort: Effort = field(default_factory=Effort)
    _loading: dict[tuple[int, int, tuple[int, ...]], list[_Block]] = field(default_factory=dict)

    def ways(self, most_macs: float = NO_LIMIT, most_slow: int = NO_LIMIT, room: Room = ALL_ROOM) -> list[Way]:
        """Plans that no other beats in both traffic and MACs, the least traffic first, by sizes alone.

        Args:
            most_macs: that a plan may make.
            most_slow: bytes of the head, which lies in slow memory.
            room: what tensors may take of fast memory.
        """
        return _Walk(self, most_macs, most_slow, room).ways(only_ends_slow=False)

    def ideal(self, most_slow: int = NO_LIMIT, room: Room = ALL_ROOM) -> Way | None:
        """A plan that reads the inputs once, writes the outputs once, and makes no MACs but those that have to be; None
        if there is none. No other is better.
        """
        walk = _Walk(self, NO_LIMIT, most_slow, room)
        found = walk.ways(only_ends_slow=True)
        is_ideal = found and (found[0].traffic, found[0].macs) == (walk.least_traffic, walk.least_macs[0])
        return found[0] if is_ideal else None

    @cached_property
    def loads_all(self) -> bool:
        """Whether every block is looked at with all its inputs in slow memory: those with copies of units are not."""
        return not any(block.recomputes for blocks in self.plain.values() for block in blocks)

    @cached_property
    def plain(self) -> dict[tuple[int, int], list[Candidate]]:
        """All blocks whose workspace fits, by their first and last unit."""
        found: dict[tuple[int, int], list[Candidate]] = {}
        for last in range(len(self.network.units)):
            for block in self.space.candidates(last, schedules(self.network, last), self.fast_bytes):
                if align_up(block.workspace, TENSOR_ALIGNMENT) <= self.fast_bytes:
                    found.setdefault((block.first, last), []).append(block)
        return found

    def blocks(self, plain: Sequence[Candidate], loads: tuple[int, ...]) -> list[_Block]:
        """The same blocks if they load these inputs; none that another one beats in all that counts."""
        key = plain[0].first, plain[0].last, loads
        if key not in self._loading:
            found = ((block, 0) for block in plain) if not loads else self.space.loading(plain, loads, self.fast_bytes)
            self._loading[key] = _undominated(_Block(*each) for each in found)
        return self._loading[key]


def _undominated(blocks: Iterable[_Block]) -> list[_Block]:
    kept: list[_Block] = []
    for each in sorted(blocks, key=lambda each: (each.read, each.block.macs, each.block.workspace)):
        if not any(_is_as_good(other, each) for other in kept):
            kept.append(each)
    return kept


def _is_as_good(one: _Block, other: _Block) -> bool:
    sizes = [align_up(each.block.workspace, TENSOR_ALIGNMENT) for each in (one, other)]
    if one.read > other.read or one.block.macs > other.block.macs or sizes[0] > sizes[1]:
        return False
    if other.block.overlap_input is None:
        return True
    return one.block.overlap_input == other.block.overlap_input and one.block.overlap <= other.block.overlap


class _Walk:
    def __init__(self, memories: TwoMemories, most_macs: float, most_slow: int, room: Room) -> None:
        self._memories = memories
        self._network = network = memories.network
        self._most_macs, self._most_slow, self._room = most_macs, most_slow, room
        self._made = {tensor: made for tensor, made, _ in network.lifetimes}
        self._until = {tensor: until for tensor, _, until in network.lifetimes}
        self._ends = {*network.inputs, *network.outputs}
        self._from: list[list[list[Candidate]]] = [[] for _ in network.units]
        for (first, _), plain in memories.plain.items():
            self._from[first].append(plain)
        self.least_macs = self._find_least_macs()
        self.least_traffic = least_traffic(network)

    def ways(self, only_ends_slow: bool) -> list[Way]:
        """All of them, or those of which nothing lies in slow memory but the model's inputs and outputs."""
        units = len(self._network.units)
        states: list[dict[frozenset[int], _Labels]] = [{} for _ in range(units + 1)]
        states[0][NOWHERE_ELSE] = _Labels()
        states[0][NOWHERE_ELSE].add(_Label(0, 0))
        for cut in range(units):
            for fast, labels in states[cut].items():
                for edge, puts, traffic in self._steps(cut, fast, only_ends_slow):
                    behind = edge.last + 1
                    there = frozenset(tensor for tensor in fast | puts if self._until[tensor] > edge.last)
                    reached = states[behind].setdefault(there, _Labels())
                    for label in labels.kept:
                        macs = label.macs + edge.macs
                        if macs + self.least_macs[behind] <= self._most_macs:
                            reached.add(_Label(label.traffic + traffic, macs, label, edge, puts))
        ends = _Labels()
        for labels in states[units].values():
            for label in labels.kept:
                ends.add(label)
        return [_way(label) for label in ends.kept]

    def _find_least_macs(self) -> list[int]:
        """From each cut to the end."""
        least = [0] * (len(self._network.units) + 1)
        for cut in range(len(self._network.units) - 1, -1, -1):
            choices = [least[p[0].last + 1] + min(block.macs for block in p) for p in self._from[cut]]
            if self._network.units[cut].stage is None:
                choices.append(least[cut + 1])
            least[cut] = min(choices, default=NO_LIMIT)
        return least

    def _steps(
        self, cut: int, fast: frozenset[int], only_ends_slow: bool
    ) -> Iterator[tuple[Edge, frozenset[int], int]]:
        """What may come next: the step, the tensor that it puts into fast memory, if any, and its traffic."""
        network = self._network
        alive = [tensor for tensor, made in self._made.items() if made < cut <= self._until[tensor]]
        slow = sum(padded_bytes(network, tensor) for tensor in alive if tensor not in fast)
        held = sum(padded_bytes(network, tensor) for tensor in fast)
        unit = network.units[cut]
        if unit.stage is None and not fast.intersection(unit.inputs):
            head = slow + sum(padded_bytes(network, tensor) for tensor in unit.outputs)
            if head <= self._most_slow:
                traffic = sum(network.nbytes(tensor) for tensor in (*unit.inputs, *unit.outputs))
                yield Edge(cut, cut, head, 0, None), NOWHERE_ELSE, traffic
        for plain in self._from[cut]:
            loads = tuple(tensor for tensor in plain[0].inputs if tensor not in fast)
            if only_ends_slow and not self._ends.issuperset(loads):
                continue
            for block, read in self._memories.blocks(plain, loads):
                yield from self._placed(block, read, slow, held, fast, only_ends_slow)

    def _placed(
        self, block: Candidate, read: int, slow: int, held: int, fast: frozenset[int], only_ends_slow: bool
    ) -> Iterator[tuple[Edge, frozenset[int], int]]:
        """A block with its output in the one memory and in the other, as far as there is room."""
        network, output = self._network, block.output
        size, workspace = padded_bytes(network, output), align_up(block.workspace, TENSOR_ALIGNMENT)
        over = block.overlap_input
        shared = 0 if over is None else shared_bytes(network, over, block.overlap, output)
        head = slow + size - (shared if over not in fast else 0)
        may_be_slow = not only_ends_slow or output in self._ends
        if may_be_slow and self._has_room(workspace, held) and head <= self._most_slow:
            yield Edge(block.first, block.last, head, block.macs, block), NOWHERE_ELSE, read + network.nbytes(output)
        held += size - (shared if over in fast and block.overlap <= self._room.distance else 0)
        if self._has_room(workspace, held) and slow <= self._most_slow and output not in self._ends:
            yield Edge(block.first, block.last, slow, block.macs, block), frozenset((output,)), read

    def _has_room(self, workspace: int, held: int) -> bool:
        most = self._memories.fast_bytes - self._room.spare * (held > 0)
        return held <= self._room.tensors and workspace + held <= most


def _way(label: _Label) -> Way:
    edges: list[Edge] = []
    fast: set[int] = set()
    at: _Label | None = label
    while at is not None and at.edge is not None:
        edges.append(at.edge)
        fast.update(at.fast)
        at = at.before
    return Way(tuple(reversed(edges)), frozenset(fast), label.traffic, label.macs)
