"""A plan: which blocks, with which schedules, and where every tensor goes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tflm_msf.arena import align_up
from tflm_msf.arena.offsets import Item, assign, lower_bound, total_bytes
from tflm_msf.fusion.block import Block, BlockWalk, LinesKept
from tflm_msf.fusion.network import Network
from tflm_msf.fusion.search import TENSOR_ALIGNMENT, Edge, padded_bytes


@dataclass(frozen=True)
class Step:
    """One operator of the rewritten model: a block, or a unit that stays a builtin. Offsets are bytes in the head."""

    edge: Edge
    block: Block | None
    workspace_offset: int = 0


@dataclass(frozen=True)
class Plan:
    """Steps in execution order. ``offsets`` places every activation that exists between them.

    ``head`` is the end of the last tensor in bytes, ``head_bound`` what no placement could go below.
    """

    steps: tuple[Step, ...]
    offsets: dict[int, int]
    head: int
    head_bound: int
    macs: int
    original_macs: int

    @property
    def overhead(self) -> float:
        """MAC overhead factor F: MACs of the plan / MACs of the original."""
        return self.macs / self.original_macs if self.original_macs else 1.0

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The fusion blocks."""
        return tuple(step.block for step in self.steps if step.block)

    def to_json(self, network: Network) -> dict[str, Any]:
        """The plan in plain values, for scripts."""
        return {
            "head": self.head,
            "macs": self.macs,
            "overhead": round(self.overhead, 6),
            "blocks": [describe_block(network, block) for block in self.blocks],
        }


def describe_block(network: Network, block: Block) -> dict[str, Any]:
    """One block in plain values: its operators, tile width, workspace, MACs and boundary tensors."""
    units = network.units[block.candidate.first : block.candidate.last + 1]
    tensors = network.graph.tensors
    return {
        "operators": sorted({op for unit in units for op in unit.ops}),
        "tile_w": block.candidate.tile_w,
        "workspace": block.candidate.workspace,
        "macs": block.candidate.macs,
        "inputs": [tensors[tensor].name for tensor in block.candidate.inputs],
        "output": tensors[block.candidate.output].name,
    }


def make_plan(network: Network, edges: tuple[Edge, ...]) -> Plan:
    """Lays the blocks of a path through the fusion DAG out and places every tensor."""
    kept = LinesKept(network)
    blocks = [_lay_out(network, kept, edge) for edge in edges]
    items, overlaps = _items(network, edges, blocks)
    offsets = assign(items, overlaps)
    steps = tuple(
        Step(edge, block, offsets[_workspace_key(index)] if block else 0)
        for index, (edge, block) in enumerate(zip(edges, blocks, strict=True))
    )
    return Plan(
        steps=steps,
        offsets={key: offset for key, offset in offsets.items() if key >= 0},
        head=total_bytes(items, offsets),
        head_bound=lower_bound(items, overlaps),
        macs=sum(edge.macs for edge in edges),
        original_macs=network.macs,
    )


def _lay_out(network: Network, kept: LinesKept, edge: Edge) -> Block | None:
    if edge.block is None:
        return None
    block = BlockWalk(network, kept, edge.last, edge.block.tile_w).lay_out(edge.first)
    return replace(block, candidate=edge.block)  # presets forbid overlaps that the walk allows


def _workspace_key(index: int) -> int:
    """Workspaces are not tensors of the graph; they are told from those by negative keys."""
    return -1 - index


def _items(
    network: Network, edges: tuple[Edge, ...], blocks: list[Block | None]
) -> tuple[list[Item], dict[tuple[int, int], int]]:
    step_of = {unit: index for index, edge in enumerate(edges) for unit in range(edge.first, edge.last + 1)}
    final = len(edges) - 1
    inner = {buffer.tensor for block in blocks if block for buffer in block.buffers}
    items = []
    for tensor in dict.fromkeys([*network.inputs, *network.producer]):
        if tensor in inner:
            continue
        first = step_of[network.producer[tensor]] if tensor in network.producer else 0
        last = step_of.get(network.last_use.get(tensor, 0), final)
        items.append(Item(tensor, padded_bytes(network, tensor), first, last))
    overlaps = {}
    for index, block in enumerate(blocks):
        if block is None:
            continue
        items.append(Item(_workspace_key(index), align_up(block.candidate.workspace, TENSOR_ALIGNMENT), index, index))
        if block.candidate.overlap_input is not None:
            overlaps[block.candidate.output, block.candidate.overlap_input] = block.candidate.overlap
    return items, overlaps
