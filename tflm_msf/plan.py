"""A plan: which blocks, with which schedules, and where every tensor goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tflm_msf.arena.placement.offsets import Placement
from tflm_msf.blocks.block import Block
from tflm_msf.blocks.scratch import with_scratch
from tflm_msf.blocks.space import BlockSpace
from tflm_msf.network.units import Network
from tflm_msf.search.edge import Edge
from tflm_msf.search.placing import place_tensors, spare_room, workspace_key


@dataclass(frozen=True)
class Step:
    """One operator of the rewritten model: a block, or a unit that stays a builtin. Offsets are bytes in the head."""

    edge: Edge
    block: Block | None
    workspace_offset: int = 0


@dataclass(frozen=True)
class Plan:
    """Steps in execution order. ``offsets`` places every activation that exists between them.

    ``head`` is the end of the last tensor in bytes, ``head_bound`` what no placement could go below. ``proved``: there
    is no plan of at most as many MACs that takes fewer bytes, in any execution order; without it none was found.
    """

    steps: tuple[Step, ...]
    offsets: dict[int, int]
    head: int
    head_bound: int
    macs: int
    original_macs: int
    proved: bool = False

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
            "proved": self.proved,
            "blocks": [describe_block(network, block) for block in self.blocks],
        }


def describe_block(network: Network, block: Block) -> dict[str, Any]:
    """One block in plain values: its operators, tile width, workspace, MACs and boundary tensors.

    ``again`` are those operators that run more than once, see :mod:`tflm_msf.blocks.recompute`.
    """
    units = network.units[block.candidate.first : block.candidate.last + 1]
    run = [block.network.units[unit] for group in block.groups for unit in group.units]
    tensors = network.graph.tensors
    return {
        "operators": sorted({network.in_file(op) for unit in units for op in unit.ops}),
        "again": sorted(
            {network.in_file(op) for unit in run if unit.outputs[0] in block.network.copies for op in unit.ops}
        ),
        "tile_w": block.candidate.schedule.tile_w,
        "workspace": block.workspace,
        "macs": block.candidate.macs,
        "inputs": [tensors[tensor].name for tensor in block.candidate.inputs],
        "output": tensors[block.candidate.output].name,
    }


def make_plan(
    network: Network,
    edges: tuple[Edge, ...],
    proved: bool = False,
    space: BlockSpace | None = None,
    placement: Placement | None = None,
) -> Plan:
    """Lays the blocks of a path through the fusion DAG out and places every tensor.

    ``space`` is the network's; plans that are made from the same one share what they have in common. ``placement`` is
    that of the path, if it is known.
    """
    space = BlockSpace(network) if space is None else space
    blocks = [space.lay_out(edge.block) if edge.block else None for edge in edges]
    placement = place_tensors(network, edges) if placement is None else placement
    room = spare_room(network, edges, placement)
    blocks = [with_scratch(block, room[step]) if block else None for step, block in enumerate(blocks)]
    steps = tuple(
        Step(edge, block, placement.offsets[workspace_key(index)] if block else 0)
        for index, (edge, block) in enumerate(zip(edges, blocks, strict=True))
    )
    return Plan(
        steps=steps,
        offsets={key: offset for key, offset in placement.offsets.items() if key >= 0},
        head=placement.total,
        head_bound=placement.bound,
        macs=sum(edge.macs for edge in edges),
        original_macs=network.macs,
        proved=proved,
    )
