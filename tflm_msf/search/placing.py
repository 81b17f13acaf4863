"""Where the tensors and workspaces of a plan, or of a part of one, go in the arena's head."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tflm_msf.arena import Buffer, with_scratch
from tflm_msf.arena.placement.offsets import Item, Placement, exceeds, place
from tflm_msf.network.units import Network
from tflm_msf.search.dag import padded_bytes
from tflm_msf.search.edge import Edge
from tflm_msf.sizes import TENSOR_ALIGNMENT, align_up


def workspace_key(step: int) -> int:
    """Workspaces are not tensors of the graph; in a placement they are told from those by negative keys."""
    return -1 - step


def place_tensors(network: Network, edges: tuple[Edge, ...]) -> Placement:
    """Places everything that is alive while ``edges`` run, one after the other: tensor or workspace key -> offset.

    Room is left for the scratch of builtins, but TFLM itself places it: the largest first, into the lowest gap. A
    kernel asks for at most two buffers above 16 bytes, or for equal ones: these fit, taken so, wherever they can fit.
    """
    items, overlaps = _items(network, edges)
    return _placed(items, overlaps, _scratch(network, edges))


def place_in_two(network: Network, edges: tuple[Edge, ...], fast: Collection[int]) -> tuple[Placement, Placement]:
    """As :func:`place_tensors` where there are two memories: what lies in the slow one, and what in the fast one.

    Workspaces and the tensors ``fast`` lie in fast memory.
    """
    items, overlaps = _items(network, edges)
    is_fast = {item.key: item.key < 0 or item.key in fast for item in items}
    apart = [
        (
            [item for item in items if is_fast[item.key] is there],
            {(low, up): far for (low, up), far in overlaps.items() if is_fast[low] is there and is_fast[up] is there},
        )
        for there in (False, True)
    ]
    return _placed(*apart[0], _scratch(network, edges)), place(*apart[1])


def _placed(items: list[Item], overlaps: Mapping[tuple[int, int], int], scratch: list[Item]) -> Placement:
    placement = place(items + scratch, overlaps)
    if not scratch:
        return placement
    placed = [Buffer(None, item.size, item.first, item.last, placement.offsets[item.key]) for item in items]
    return placement._replace(total=with_scratch(placed, [(item.first, item.size) for item in scratch]))


def spare_room(network: Network, edges: tuple[Edge, ...], placement: Placement) -> dict[int, int]:
    """For each step that is a block: bytes that its workspace could have where it lies without a longer head."""
    room = {}
    for step, (edge, alive) in enumerate(zip(edges, tensors_during(network, edges), strict=True)):
        if edge.block is not None:
            own = placement.offsets[workspace_key(step)]
            placed = (placement.offsets[item.key] for item in alive if item.key in placement.offsets)
            room[step] = min((offset for offset in placed if offset > own), default=placement.total) - own
    return room


def _scratch(network: Network, edges: tuple[Edge, ...]) -> list[Item]:
    """What TFLM's kernels ask for during each step."""
    sizes = [
        (step, align_up(nbytes, TENSOR_ALIGNMENT))
        for step, edge in enumerate(edges)
        for nbytes in (network.scratch.get(edge.first, ()) if edge.block is None else ())
    ]
    return [Item(workspace_key(len(edges) + n), nbytes, step, step) for n, (step, nbytes) in enumerate(sizes)]


def tensors_during(network: Network, edges: tuple[Edge, ...]) -> list[list[Item]]:
    """For each step, the tensors that are alive."""
    alive: list[list[Item]] = [[] for _ in edges]
    for item in _items(network, edges)[0]:
        if item.key >= 0:
            for step in range(item.first, item.last + 1):
                alive[step].append(item)
    return alive


def room_for(alive: Sequence[Item], offsets: Mapping[int, int], nbytes: int, limit: int) -> bool:
    """True if a workspace of ``nbytes`` fits into ``limit`` bytes beside tensors, which stay where they are."""
    start = 0
    for first, end in sorted((offsets[item.key], offsets[item.key] + item.size) for item in alive):
        if start + nbytes <= first:
            break
        start = max(start, end)
    return start + nbytes <= limit


@dataclass(frozen=True)
class Placer:
    """What placements of a network's plans reach, for the search."""

    network: Network
    _placed: dict[tuple[Edge, ...], Placement] = field(default_factory=dict, compare=False, repr=False)

    def place(self, path: tuple[Edge, ...]) -> Placement:
        """As :func:`place_tensors`, found once for each path."""
        if path not in self._placed:
            self._placed[path] = place_tensors(self.network, path)
        return self._placed[path]

    def head(self, path: tuple[Edge, ...]) -> int:
        """Bytes in which there is room for everything while ``path`` runs."""
        return self.place(path).total

    def exceeds(self, run: tuple[Edge, ...], limit: int) -> bool:
        """True if it is certain that no plan with ``run`` in it gets by with ``limit`` bytes."""
        items, overlaps = _items(self.network, run)
        return exceeds(items + _scratch(self.network, run), overlaps, limit)


def _items(network: Network, edges: tuple[Edge, ...]) -> tuple[list[Item], dict[tuple[int, int], int]]:
    """What is alive during ``edges``, and what may overlap.

    They need not lead through the whole network: the tensors of what comes before and after count where they are
    alive, so that no plan with these edges takes less than what they take alone.
    """
    lasts = [edge.last for edge in edges]

    def step_of(unit: int) -> int:
        return min(bisect_left(lasts, unit), len(edges) - 1)

    items = [
        Item(tensor, padded_bytes(network, tensor), 0, step_of(read))
        for tensor, read in network.crossing[edges[0].first]
    ]
    for step, edge in enumerate(edges):
        made = network.units[edge.first].outputs if edge.block is None else (edge.block.output,)
        items += [
            Item(tensor, padded_bytes(network, tensor), step, step_of(network.last_use[tensor])) for tensor in made
        ]
    alive = {item.key for item in items}
    overlaps = {}
    for step, edge in enumerate(edges):
        if edge.block is not None:
            items.append(Item(workspace_key(step), align_up(edge.block.workspace, TENSOR_ALIGNMENT), step, step))
        overwritten = _overwritten(network, edge)
        if overwritten is not None and overwritten[0] in alive:
            overlaps[network.units[edge.last].outputs[0], overwritten[0]] = overwritten[1]
    return items, overlaps


def _overwritten(network: Network, edge: Edge) -> tuple[int, int] | None:
    """The input that a step may write its output over, and how far behind the output that has to start."""
    if edge.block is None:
        return network.overwritten(edge.first)
    return None if edge.block.overlap_input is None else (edge.block.overlap_input, edge.block.overlap)
