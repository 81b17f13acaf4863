"""The fusion DAG: nodes are the cuts of the execution order, 0 to n, an edge is one step of a plan.

An edge is a fusion block (or an operator that stays a builtin) that leads from the cut before it to the cut after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tflm_msf.blocks.block import Candidate
from tflm_msf.blocks.schedule import schedules
from tflm_msf.blocks.space import BlockSpace
from tflm_msf.network.units import Network
from tflm_msf.search.edge import Edge
from tflm_msf.search.effort import UNLIMITED, Effort
from tflm_msf.search.memory import Memory, needed_later
from tflm_msf.sizes import align_up

if TYPE_CHECKING:
    import networkx as nx

TENSOR_ALIGNMENT = 16
"""TFLM rounds every tensor in the arena up to this many bytes (``MicroArenaBufferAlignment``)."""

BLOCK_BYTES = 144
"""What a block more can add to the arena's tail, at the most."""


def padded_bytes(network: Network, tensor: int) -> int:
    """What a tensor takes of the arena."""
    return align_up(network.nbytes(tensor), TENSOR_ALIGNMENT)


@dataclass(frozen=True, eq=False)
class _Liveness:
    network: Network

    def after(self, unit: int) -> int:
        """Bytes alive between ``unit`` and the next one (-1: before the first)."""
        return sum(padded_bytes(self.network, t) for t in self._tensors_after(unit))

    def _tensors_after(self, unit: int) -> list[int]:
        made = [*self.network.inputs, *(t for t, p in self.network.producer.items() if p <= unit)]
        return [t for t in dict.fromkeys(made) if self.network.last_use.get(t, -1) > unit]

    def dying(self, tensors: tuple[int, ...], last: int) -> list[int]:
        """Those tensors that nobody needs after unit ``last``."""
        return [tensor for tensor in tensors if self.network.last_use[tensor] <= last]


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
            head -= _saved(network, *overwritten, unit.outputs[0])
        head += sum(align_up(nbytes, TENSOR_ALIGNMENT) for nbytes in network.scratch.get(index, ()))
        edges.append(Edge(index, index, head, macs, None))
    return edges


_MEMORY = Memory()
"""Of this process."""


def find_edges(
    network: Network,
    admit: Callable[[Candidate], Candidate | None] | None = None,
    effort: Effort = UNLIMITED,
    memory: Memory = _MEMORY,
) -> list[Edge]:
    """All edges of the fusion DAG, of those between the same cuts only the ones that nothing dominates.

    A block that takes more than the whole network layer by layer, every block's share of the tail included, is of no
    use and left out. ``admit`` restricts the space: it turns a candidate away (None) or hands it on, changed perhaps.
    Once ``effort`` is spent, only blocks of one unit come.
    """
    layerwise = layerwise_edges(network)
    space, liveness = BlockSpace(network), _Liveness(network)
    limit = max(edge.head for edge in layerwise) + _most_saved(network, space)
    edges = [edge for edge in layerwise if network.units[edge.first].stage is None]
    for last, prefix in enumerate(memory.prefixes(network)):
        if network.units[last].stage is None:
            continue
        effort.say(f"blocks that end at operator {last + 1} of {len(network.units)}")
        alive = liveness.after(last)
        key = prefix, needed_later(network, last), alive, limit
        known = memory.recall(key) if admit is None else None
        if known is None:
            most = -1 if effort.is_spent() else limit
            candidates = space.candidates(last, schedules(network, last), most)
            admitted = candidates if admit is None else (found for found in map(admit, candidates) if found is not None)
            known = _undominated_edges(_edge(network, each, alive, liveness) for each in admitted)
            if admit is None and most == limit:
                memory.keep(key, known)
        edges.extend(known)
    return edges


def _undominated_edges(edges: Iterable[Edge]) -> list[Edge]:
    """Those between each two cuts that nothing dominates, wherever they are placed."""
    found: dict[int, list[Edge]] = {}
    for edge in edges:
        found.setdefault(edge.first, []).append(edge)
    return [edge for choices in found.values() for edge in undominated(choices, _beats_wherever_placed)]


def _most_saved(network: Network, space: BlockSpace) -> int:
    """Bytes beyond its tensors that a network takes with every unit on its own: workspace, and tail for each block."""
    workspaces = [
        candidate.workspace
        for unit in range(len(network.units))
        if schedules(network, unit)
        for candidate in space.candidates(unit, schedules(network, unit)[:1], 0)
    ]
    return align_up(max(workspaces, default=0), TENSOR_ALIGNMENT) + BLOCK_BYTES * len(network.units)


def _edge(network: Network, candidate: Candidate, alive: int, liveness: _Liveness) -> Edge:
    dying = liveness.dying(candidate.inputs, candidate.last)
    head = alive + sum(padded_bytes(network, t) for t in dying) + align_up(candidate.workspace, TENSOR_ALIGNMENT)
    if candidate.overlap_input is not None:
        head -= _saved(network, candidate.overlap_input, candidate.overlap, candidate.output)
    return Edge(candidate.first, candidate.last, head, candidate.macs, candidate)


def _saved(network: Network, source: int, distance: int, output: int) -> int:
    """Bytes less that an output takes together with an input that may start ``distance`` bytes behind it."""
    upper, lower = padded_bytes(network, source), padded_bytes(network, output)
    return upper + lower - max(lower, align_up(distance, TENSOR_ALIGNMENT) + upper)


def beats(edge: Edge, other: Edge) -> bool:
    """True if ``edge`` takes neither more bytes nor more MACs."""
    return edge.head <= other.head and edge.macs <= other.macs


def undominated(edges: list[Edge], is_better: Callable[[Edge, Edge], bool] = beats) -> list[Edge]:
    """Of edges between the same two cuts, those that no other is better than, one of those that are as good."""
    kept: list[Edge] = []
    for edge in sorted(edges, key=lambda e: (e.macs, e.head)):
        if not any(is_better(other, edge) for other in kept):
            kept.append(edge)
    return kept


def is_as_easy(edge: Edge, other: Edge) -> bool:
    """True if whatever has room for ``other``, between the same cuts, has room for ``edge``.

    The head alone does not tell: output over input saves bytes only where the neighbours leave room for it.
    """
    block, rival = edge.block, other.block
    if block is None or rival is None:
        return block is rival
    if align_up(block.workspace, TENSOR_ALIGNMENT) > align_up(rival.workspace, TENSOR_ALIGNMENT):
        return False
    if rival.overlap_input is None:
        return True
    return block.overlap_input == rival.overlap_input and block.overlap <= rival.overlap


def _beats_wherever_placed(edge: Edge, other: Edge) -> bool:
    return edge.macs <= other.macs and is_as_easy(edge, other)


def as_networkx(network: Network, edges: list[Edge]) -> nx.MultiDiGraph:
    """The fusion DAG for a user to look at: nodes are cuts, edges carry ``head`` (bytes), ``macs`` and ``tile_w``."""
    import networkx as nx

    dag: nx.MultiDiGraph = nx.MultiDiGraph()
    dag.add_nodes_from(range(len(network.units) + 1))
    for edge in edges:
        tile = edge.block.schedule.tile_w if edge.block else 0
        dag.add_edge(edge.first, edge.last + 1, head=edge.head, macs=edge.macs, tile_w=tile)
    return dag
