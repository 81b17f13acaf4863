"""The fusion DAG: nodes are the cuts of the execution order, 0 to n, an edge is one step of a plan.

An edge is a fusion block (or an operator that stays a builtin) that leads from the cut before it to the cut after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, repeat
from operator import add
from typing import TYPE_CHECKING

from tflm_msf.blocks.block import Candidate, Found, of_columns
from tflm_msf.blocks.schedule import CHUNK_PIXELS, schedules
from tflm_msf.blocks.space import BlockSpace
from tflm_msf.network.units import Network
from tflm_msf.search.edge import Edge
from tflm_msf.search.effort import UNLIMITED, Effort, no_collection
from tflm_msf.search.memory import MEMORY, Memory, Remembered
from tflm_msf.sizes import TENSOR_ALIGNMENT, align_up

if TYPE_CHECKING:
    import networkx as nx

BLOCK_BYTES = 144
"""What a block more can add to the arena's tail, at the most."""


def padded_bytes(network: Network, tensor: int) -> int:
    """What a tensor takes of the arena."""
    return align_up(network.nbytes(tensor), TENSOR_ALIGNMENT)


class _Liveness:
    """Which tensors are needed after a unit, and what they take."""

    def __init__(self, network: Network) -> None:
        self._network = network
        made = {**network.producer, **dict.fromkeys(network.inputs, -1)}
        change = [0] * (len(network.units) + 2)
        for tensor, unit in made.items():
            until = network.last_use.get(tensor, -1)
            if until > unit:
                change[unit + 1] += padded_bytes(network, tensor)
                change[until + 1] -= padded_bytes(network, tensor)
        self._after = list(accumulate(change))

    def after(self, unit: int) -> int:
        """Bytes alive between ``unit`` and the next one (-1: before the first)."""
        return self._after[unit + 1]

    def dying(self, tensors: tuple[int, ...], last: int) -> list[int]:
        """Those tensors that nobody needs after unit ``last``."""
        return [tensor for tensor in tensors if self._network.last_use[tensor] <= last]


def layerwise_edges(network: Network) -> list[Edge]:
    """Every unit on its own, as TFLM runs them: the edges that always exist."""
    liveness = _Liveness(network)
    edges = []
    for index, unit in enumerate(network.units):
        dying = sum(padded_bytes(network, t) for t in liveness.dying(unit.inputs, index))
        unread = sum(padded_bytes(network, t) for t in unit.outputs if network.last_use[t] <= index)
        macs = unit.stage.macs if unit.stage else 0
        head = liveness.after(index) + dying + unread
        overwritten = network.overwritten(index)
        if overwritten is not None:
            head -= shared_bytes(network, *overwritten, unit.outputs[0])
        head += sum(align_up(nbytes, TENSOR_ALIGNMENT) for nbytes in network.scratch.get(index, ()))
        edges.append(Edge(index, index, head, macs, None))
    return edges


@no_collection()
def find_edges(
    network: Network,
    admit: Callable[[Candidate], Candidate | None] | None = None,
    effort: Effort = UNLIMITED,
    memory: Memory = MEMORY,
    chunk: int = CHUNK_PIXELS,
) -> list[Edge]:
    """All edges of the fusion DAG, of those between the same cuts only the ones that nothing dominates.

    A block that takes more than the whole network layer by layer, every block's share of the tail included, is of no
    use and left out. ``admit`` restricts the space: it turns a candidate away (None) or hands it on, changed perhaps.
    Once ``effort`` is spent, only blocks of one unit come. Groups make up to ``chunk`` pixels at a time.
    """
    layerwise = layerwise_edges(network)
    space, liveness, remembered = BlockSpace(network), _Liveness(network), memory.of(network)
    limit = max(edge.head for edge in layerwise) + _most_saved(network, space, remembered)
    edges = [edge for edge in layerwise if network.units[edge.first].stage is None]
    for last, unit in enumerate(network.units):
        if unit.stage is None:
            continue
        effort.say(f"blocks that end at operator {last + 1} of {len(network.units)}")
        most = _rounded_up(limit - liveness.after(last))
        known = remembered.recall(last, chunk, most) if admit is None else None
        if known is None:
            in_time = not effort.is_spent()
            found = space.ending_at(last, schedules(network, last, chunk), most if in_time else -1, admit is None)
            if found.added is not None:
                known = of_columns(Found, found.blocks, found.added)
            else:
                known = _undominated_blocks(network, found.blocks if admit is None else _admitted(found.blocks, admit))
            if admit is None and in_time:
                remembered.keep(found.seen, chunk, most if found.is_limited else None, known)
        edges.extend(_edges(network, known, liveness))
    return edges


def _rounded_up(limit: int) -> int:
    """The next number with few binary digits, so that blocks that differ little have the same limit; -1 if negative."""
    return align_up(limit, 1 << max(limit.bit_length() - 3, 0)) if limit >= 0 else -1


def _admitted(blocks: Iterable[Candidate], admit: Callable[[Candidate], Candidate | None]) -> Iterator[Candidate]:
    return (block for block in map(admit, blocks) if block is not None)


def _undominated_blocks(network: Network, blocks: Iterable[Candidate]) -> list[Found]:
    """Those between each two cuts that nothing dominates, wherever they are placed."""
    between: dict[int, list[Found]] = {}
    for block in blocks:
        between.setdefault(block.first, []).append(Found(block, added_bytes(network, block)))
    return [found for choices in between.values() for found in _undominated_alike(choices)]


def _undominated_alike(blocks: list[Found]) -> list[Found]:
    """Of blocks of the same units, those that no other one at as few MACs is as easy to place as."""
    kept: list[Found] = []
    for found in sorted(blocks, key=lambda found: (found.block.macs, found.added)):
        if not any(_is_block_as_easy(other.block, found.block) for other in kept):
            kept.append(found)
    return kept


def _most_saved(network: Network, space: BlockSpace, remembered: Remembered) -> int:
    """Bytes beyond its tensors that a network takes with every unit on its own: workspace, and tail for each block."""

    def workspace(unit: int) -> int:
        alone = space.candidates(unit, schedules(network, unit)[:1], 0)  # none where it is a block only with others
        return max((block.workspace for block in alone), default=0)

    alone = [remembered.alone(index, workspace) for index, unit in enumerate(network.units) if unit.stage is not None]
    return align_up(max(alone, default=0), TENSOR_ALIGNMENT) + BLOCK_BYTES * len(network.units)


def _edges(network: Network, blocks: Sequence[Found], liveness: _Liveness) -> list[Edge]:
    """The edges of blocks that end at the same unit."""
    if not blocks:
        return []
    last = blocks[0].block.last
    reads = [found.block.inputs for found in blocks]
    beside = {
        inputs: liveness.after(last) + sum(padded_bytes(network, tensor) for tensor in liveness.dying(inputs, last))
        for inputs in set(reads)
    }
    firsts = [found.block.first for found in blocks]
    macs = [found.block.macs for found in blocks]
    made, added = zip(*blocks, strict=True)
    return of_columns(Edge, firsts, repeat(last), map(add, map(beside.__getitem__, reads), added), macs, made)


def added_bytes(network: Network, block: Candidate) -> int:
    """Bytes that a block takes beside its inputs and output, less those that these share."""
    workspace = align_up(block.workspace, TENSOR_ALIGNMENT)
    if block.overlap_input is None:
        return workspace
    return workspace - shared_bytes(network, block.overlap_input, block.overlap, block.output)


def shared_bytes(network: Network, source: int, distance: int, output: int) -> int:
    """Bytes less that an output takes together with an input that may start ``distance`` bytes behind it."""
    upper, lower = padded_bytes(network, source), padded_bytes(network, output)
    return upper + lower - max(lower, align_up(distance, TENSOR_ALIGNMENT) + upper)


def beats(edge: Edge, other: Edge) -> bool:
    """True if ``edge`` takes neither more bytes nor more MACs."""
    return edge.head <= other.head and edge.macs <= other.macs


def undominated(edges: list[Edge]) -> list[Edge]:
    """Of edges between the same two cuts, those that no other is better than, one of those that are as good."""
    kept: list[Edge] = []
    for edge in sorted(edges, key=lambda e: (e.macs, e.head)):
        if not any(beats(other, edge) for other in kept):
            kept.append(edge)
    return kept


def is_as_easy(edge: Edge, other: Edge) -> bool:
    """True if whatever has room for ``other``, between the same cuts, has room for ``edge``.

    The head alone does not tell: output over input saves bytes only where the neighbours leave room for it.
    """
    if edge.block is None or other.block is None:
        return edge.block is other.block
    return _is_block_as_easy(edge.block, other.block)


def _is_block_as_easy(block: Candidate, rival: Candidate) -> bool:
    if align_up(block.workspace, TENSOR_ALIGNMENT) > align_up(rival.workspace, TENSOR_ALIGNMENT):
        return False
    if rival.overlap_input is None:
        return True
    return block.overlap_input == rival.overlap_input and block.overlap <= rival.overlap


def as_networkx(network: Network, edges: list[Edge]) -> nx.MultiDiGraph:
    """The fusion DAG for a user to look at: nodes are cuts, edges carry ``head`` (bytes), ``macs`` and ``tile_w``."""
    import networkx as nx

    dag: nx.MultiDiGraph = nx.MultiDiGraph()
    dag.add_nodes_from(range(len(network.units) + 1))
    for edge in edges:
        tile = edge.block.schedule.tile_w if edge.block else 0
        dag.add_edge(edge.first, edge.last + 1, head=edge.head, macs=edge.macs, tile_w=tile)
    return dag
