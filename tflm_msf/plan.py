"""A plan: which blocks, with which schedules, and where every tensor goes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tflm_msf.arena.placement.offsets import Placement
from tflm_msf.blocks.block import Block
from tflm_msf.blocks.loads import loaded_bytes
from tflm_msf.blocks.scratch import with_scratch
from tflm_msf.blocks.space import BlockSpace
from tflm_msf.network.units import Network
from tflm_msf.search.edge import Edge
from tflm_msf.search.placing import place_in_two, place_tensors, spare_room, workspace_key
from tflm_msf.search.two_memories import ALL_ROOM, Room, TwoMemories, Way
from tflm_msf.sizes import TENSOR_ALIGNMENT


@dataclass(frozen=True)
class Step:
    """One operator of the rewritten model: a block, or a unit that stays a builtin. Offsets are bytes in the head."""

    edge: Edge
    block: Block | None
    workspace_offset: int = 0


@dataclass(frozen=True)
class FastMemory:
    """What of a plan lies in fast memory, in bytes: the end of all that does, and where each tensor begins.

    ``traffic``: bytes read and written in slow memory in one inference, each builtin's inputs and outputs counted once.
    """

    size: int
    offsets: Mapping[int, int]
    traffic: int


@dataclass(frozen=True)
class Plan:
    """Steps in execution order. ``offsets`` places every activation that exists between them.

    ``head`` is the end of the last tensor in bytes, ``head_bound`` what no placement could go below. ``proved``: there
    is no plan of at most as many MACs that takes fewer bytes, in any execution order; without it none was found.

    ``fast``: what lies in a memory of its own, workspaces for a start; None for a plan of one memory. With it the head
    is what lies in slow memory, and what is proved is the traffic.
    """

    steps: tuple[Step, ...]
    offsets: dict[int, int]
    head: int
    head_bound: int
    macs: int
    original_macs: int
    proved: bool = False
    fast: FastMemory | None = None

    @property
    def overhead(self) -> float:
        """MAC overhead factor F: MACs of the plan / MACs of the original."""
        return self.macs / self.original_macs if self.original_macs else 1.0

    @property
    def fast_bytes(self) -> int:
        """Bytes of fast memory that the plan takes beside the arena; 0 for a plan of one memory."""
        return 0 if self.fast is None else self.fast.size

    @property
    def traffic(self) -> int:
        """Bytes read and written in slow memory; 0 where there is none."""
        return 0 if self.fast is None else self.fast.traffic

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
            **({} if self.fast is None else {"fast": self.fast.size, "traffic": self.fast.traffic}),
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
        "chunk": block.candidate.schedule.chunk,
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
    """Lays the blocks of a path through the fusion DAG out and places every tensor, all in one memory.

    ``space`` is the network's; plans that are made from the same one share what they have in common. ``placement`` is
    that of the path, if it is known.
    """
    placement = place_tensors(network, edges) if placement is None else placement
    return _plan(network, edges, proved, _steps(network, edges, space, placement), placement)


def make_plan_of_two(
    network: Network,
    edges: tuple[Edge, ...],
    fast: Collection[int],
    proved: bool = False,
    space: BlockSpace | None = None,
) -> Plan:
    """As :func:`make_plan` for two memories: workspaces and the tensors ``fast`` lie in the fast one."""
    slow, quick = place_in_two(network, edges, fast)
    steps = _steps(network, edges, space, quick)
    offsets = {tensor: offset for tensor, offset in quick.offsets.items() if tensor >= 0}
    traffic = sum(_traffic(network, step, fast) for step in steps)
    ends = [offset + network.nbytes(tensor) for tensor, offset in offsets.items()]
    ends += [step.workspace_offset + step.block.workspace for step in steps if step.block]
    plan = _plan(network, edges, proved, steps, slow)
    return replace(plan, fast=FastMemory(max(ends, default=0), offsets, traffic))


def plans_of_two(memories: TwoMemories, most_macs: float, most_slow: int) -> tuple[list[Plan], bool]:
    """Plans that have been placed in both memories, and whether every one that might be better was, too.

    What is found by sizes alone may not fit once everything has its place: then less of fast memory is used as well,
    with bytes to spare and with no output over an input but in place, neither of which makes the other needless.
    """
    ideal = _ideal_of_two(memories, most_slow)
    if ideal is not None:
        return [ideal], True
    plans: list[Plan] = []
    are_all = memories.loads_all
    rooms = [Room(0, -1), Room(memories.fast_bytes // 2, -1), Room(distance=0), ALL_ROOM]
    while rooms:
        room = rooms.pop()
        found = [_plan_of_way(memories, way) for way in memories.ways(most_macs, most_slow, room)]
        beyond = [plan.fast_bytes - memories.fast_bytes for plan in found]
        fitting = [plan for plan, more in zip(found, beyond, strict=True) if more <= 0 and plan.head <= most_slow]
        plans += fitting
        if len(fitting) == len(found) and not room.spare:
            break
        are_all = False
        if room == ALL_ROOM:
            rooms.append(Room(spare=min((more for more in beyond if more > 0), default=0)))
    return plans, are_all


def _ideal_of_two(memories: TwoMemories, most_slow: int) -> Plan | None:
    """The plan of which no other is better, if there is one and a place for everything is found."""
    spare = 0
    while spare <= memories.fast_bytes // 4:
        way = memories.ideal(most_slow, Room(spare=spare))
        if way is None:
            return None
        plan = _plan_of_way(memories, way)
        if plan.fast_bytes <= memories.fast_bytes and plan.head <= most_slow:
            return plan
        spare = max(2 * spare, plan.fast_bytes - memories.fast_bytes, TENSOR_ALIGNMENT)
    return None


def _plan_of_way(memories: TwoMemories, way: Way) -> Plan:
    return make_plan_of_two(memories.network, way.edges, way.fast, space=memories.space)


def _steps(
    network: Network, edges: tuple[Edge, ...], space: BlockSpace | None, placement: Placement
) -> tuple[Step, ...]:
    """The steps of a path whose workspaces lie where ``placement`` puts them, with scratch where there is room."""
    space = BlockSpace(network) if space is None else space
    blocks = [space.lay_out(edge.block) if edge.block else None for edge in edges]
    room = spare_room(network, edges, placement)
    blocks = [with_scratch(block, room[step]) if block else None for step, block in enumerate(blocks)]
    return tuple(
        Step(edge, block, placement.offsets[workspace_key(index)] if block else 0)
        for index, (edge, block) in enumerate(zip(edges, blocks, strict=True))
    )


def _plan(
    network: Network, edges: tuple[Edge, ...], proved: bool, steps: tuple[Step, ...], placement: Placement
) -> Plan:
    return Plan(
        steps=steps,
        offsets={key: offset for key, offset in placement.offsets.items() if key >= 0},
        head=placement.total,
        head_bound=placement.bound,
        macs=sum(edge.macs for edge in edges),
        original_macs=network.macs,
        proved=proved,
    )


def _traffic(network: Network, step: Step, fast: Collection[int]) -> int:
    """Bytes that a step reads and writes in slow memory."""
    if step.block is None:
        unit = network.units[step.edge.first]
        return sum(network.nbytes(tensor) for tensor in (*unit.inputs, *unit.outputs))
    output = step.block.candidate.output
    return loaded_bytes(step.block) + (0 if output in fast else network.nbytes(output))
