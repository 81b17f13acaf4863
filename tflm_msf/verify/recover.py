"""Which plan a rewritten file was made by, found again from its operators and programs and the original."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import NamedTuple

from tflm_msf.arena import TARGETS, Target
from tflm_msf.blocks.block import Block, Candidate
from tflm_msf.blocks.space import BlockSpace
from tflm_msf.choice import Choice
from tflm_msf.errors import MsfError
from tflm_msf.format import CUSTOM_CODE
from tflm_msf.graph import Model
from tflm_msf.graph.pixels import AS_THE_MODEL, Pixels
from tflm_msf.graph.step import Step
from tflm_msf.network.orders import execution_orders
from tflm_msf.network.units import Network
from tflm_msf.ops import Map, StageOp
from tflm_msf.plan import Plan, make_plan, make_plan_of_two
from tflm_msf.planner import Planner
from tflm_msf.program.decode import ProgramOutline, fetches_of, is_streamed, outline_of
from tflm_msf.program.layout import Weights
from tflm_msf.request import Request
from tflm_msf.search.edge import Edge
from tflm_msf.simplify import RULES, RULES_WITH_LIBM, Rule

NO_LIMIT = 1 << 62


@dataclass(frozen=True)
class _Step:
    """An operator of the rewritten file: the name of what it writes, and for a block what its program says."""

    output: str
    program: ProgramOutline | None


class Recovered(NamedTuple):
    """A plan, and whether it has tables that hang on how a C library rounds."""

    choice: Choice
    hangs_on_libm: bool


def recover(original: Model, rewritten: Model, source: str) -> Recovered | None:
    """The plan that ``rewritten`` was made by; None if no plan of ``original`` has its operators.

    The stages of each program say how many units its block takes, so that for each execution order there is one cut of
    the network that fits, or none. Files for a named target may keep more builtins; files from before models were
    simplified have those of the original as it is.
    """
    targets = {target.generation: target for target in TARGETS.values()}
    ways = product((RULES, RULES_WITH_LIBM, ()), (None, *targets.values()))
    found = ((_of_network(original, rewritten, source, *way), way[0] is RULES_WITH_LIBM) for way in ways)
    return next((Recovered(choice, on_libm) for choice, on_libm in found if choice is not None), None)


def _of_network(
    original: Model, rewritten: Model, source: str, rules: tuple[Rule, ...], target: Target | None
) -> Choice | None:
    try:
        request = replace(_request(original, rewritten), target=target)
        planner = Planner.of_model(original, source, request, rules=rules)
        steps = [_step(rewritten, number) for number in range(len(rewritten.main.ops))]
    except MsfError:
        return None
    found = []
    for network in execution_orders(planner.network).networks:
        path = _path(network, steps)
        if path is not None:
            found.append((_matching_names(network, path, steps), network, path))
    if not found:
        return None
    _, network, path = max(found, key=lambda candidate: candidate[0])
    return Choice(planner.model, network, _plan(network, path, steps), planner.request.weights)


def _plan(network: Network, path: tuple[Edge, ...], steps: Sequence[_Step]) -> Plan:
    """The plan of a path, with what lies in fast memory where the programs say so."""
    made = [(edge.block, step.program) for edge, step in zip(path, steps, strict=True)]
    if not any(program and program.has_two_memories for _, program in made):
        return make_plan(network, path)
    fast = {block.output for block, program in made if block and program and len(block.inputs) + 1 in program.fast}
    return make_plan_of_two(network, path, fast)


def _request(original: Model, rewritten: Model) -> Request:
    streamed, step = is_streamed(rewritten), Step.of(rewritten)
    ends = [(original.main.outputs, rewritten.main.outputs)]
    if not streamed:
        ends.append((original.main.inputs, rewritten.main.inputs))
    types_differ = any(
        original.main.tensors[ours].dtype != rewritten.main.tensors[theirs].dtype
        for before, after in ends
        for ours, theirs in zip(before, after, strict=False)
    )
    return Request(
        stream_input=streamed,
        pixels=Pixels.of(rewritten) if streamed else AS_THE_MODEL,
        most_fetches=fetches_of(rewritten),
        int8_io=types_differ,
        stateful=None if step is None else step.hop,
        weights=Weights.PACKED if _has_packed_weights(rewritten) else Weights.PLAIN,
    )


def _has_packed_weights(model: Model) -> bool:
    programs = (outline_of(op.custom_options) for op in model.main.ops if op.custom_code == CUSTOM_CODE)
    return any(program.has_packed_weights for program in programs)


def _step(model: Model, number: int) -> _Step:
    op = model.main.ops[number]
    name = model.main.tensors[op.outputs[0]].name if op.outputs and op.outputs[0] >= 0 else ""
    return _Step(name, outline_of(op.custom_options) if op.custom_code == CUSTOM_CODE else None)


def _path(network: Network, steps: Sequence[_Step]) -> tuple[Edge, ...] | None:
    """The edges that the steps are, in order; None if they are not those of this network."""
    space, path, unit = BlockSpace(network), [], 0
    for step in steps:
        edge = next(_edges(network, space, unit, step), None)
        if edge is None:
            return None
        path.append(edge)
        unit = edge.last + 1
    return tuple(path) if unit == len(network.units) else None


def _edges(network: Network, space: BlockSpace, unit: int, step: _Step) -> Iterator[Edge]:
    """Edges from ``unit`` on that a step may be."""
    if unit >= len(network.units):
        return
    program = step.program
    if program is None:
        if network.units[unit].stage is None:
            yield Edge(unit, unit, 0, 0, None)
        return
    candidates = list(_candidates(space, unit, program, len(network.units)))
    candidates.sort(key=lambda candidate: candidate.workspace != program.workspace)
    for candidate in candidates:
        block = space.lay_out(candidate)
        if program.stages == _stages(block) and _is_in_chunks(block, program.chunks):
            yield Edge(candidate.first, candidate.last, 0, candidate.macs, candidate)


def _candidates(space: BlockSpace, unit: int, program: ProgramOutline, units: int) -> Iterator[Candidate]:
    """Blocks from ``unit`` on that have as many stages as the program, or fewer units because some run again.

    A last stage that continues a tensor has one that copies its beginning in front.
    """
    count = len(program.stages)
    for last in range(min(unit + count, units) - 1, unit - 1, -1):
        for found in _ending_at(space, last, program):
            if found.first != unit:
                continue
            loads = tuple(tensor for number, tensor in enumerate(found.inputs) if number not in program.fast)
            if program.has_two_memories and loads:
                yield from (block for block, _ in space.loading([found], loads, NO_LIMIT))
            elif found.recomputes or last >= unit + count - 2:
                yield found if program.overlap else found._replace(overlap_input=None, overlap=0)


def _ending_at(space: BlockSpace, last: int, program: ProgramOutline) -> Iterator[Candidate]:
    """A walk is over schedules that differ in their strips."""
    for schedule in program.schedules:
        yield from space.candidates(last, (schedule,), NO_LIMIT)


def _matching_names(network: Network, path: Sequence[Edge], steps: Sequence[_Step]) -> int:
    tensors = network.graph.tensors
    return sum(
        tensors[network.units[edge.last].outputs[0]].name == step.output
        for edge, step in zip(path, steps, strict=True)
        if network.units[edge.last].outputs
    )


def _stages(block: Block) -> tuple[tuple[StageOp, Map], ...]:
    """Operators and output maps of a block's stages as they stand in its program."""
    units = (block.network.units[unit] for group in block.groups for unit in group.units)
    stages = [unit.stage for unit in units if unit.stage is not None]
    copied = [] if stages[-1].prefix is None else [(StageOp.SLICE, stages[-1].prefix_map)]
    return (*copied, *((stage.op, stage.output_map) for stage in stages))


def _is_in_chunks(block: Block, chunks: Sequence[int]) -> bool:
    """True if the groups make so many pixels at a time; a program may have one more in front, which copies."""
    own = tuple(group.chunk for group in block.groups)
    return tuple(chunks[-len(own) :]) == own
