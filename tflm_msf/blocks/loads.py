"""Blocks that read inputs in slow memory: each byte once, by a unit that copies it into the workspace.

What reads such an input then reads the copy, of which the block keeps a ring, or a chunk, as of any inner map. So slow
memory is read as often as strips share columns, and never by windows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from tflm_msf.blocks.block import Block
from tflm_msf.network.units import Network, Unit
from tflm_msf.ops import Map, Stage, StageOp


class Loaded(NamedTuple):
    """A network in which units ``first`` to ``last`` are those of a block, what loads its slow inputs included."""

    network: Network
    first: int
    last: int


def with_loads(network: Network, first: int, last: int, slow: Iterable[int]) -> Loaded:
    """The network with units in front of unit ``first`` that copy the tensors ``slow`` for units ``first`` to ``last``.

    A load counts a MAC for every byte that it copies. Tensors that it makes have numbers of their own. What only the
    beginning of an output is copied from is read once as it is.
    """
    names = _names(network, first, last, slow)
    loads = tuple(Unit((), (tensor,), (name,), _load(tensor, grid, name)) for (tensor, grid), name in names.items())
    units = network.units
    reading = tuple(_reading(unit, names) for unit in units[first : last + 1])
    tensors = network.graph.tensors + tuple(network.graph.tensors[tensor] for tensor, _ in names)
    graph = replace(network.graph, tensors=tensors)
    expanded = replace(network, graph=graph, units=(*units[:first], *loads, *reading, *units[last + 1 :]))
    return Loaded(expanded, first, last + len(loads))


def _load(tensor: int, grid: Map, name: int) -> Stage:
    return Stage(StageOp.SLICE, (tensor,), name, (grid,), grid, macs_per_pixel=grid.c, args=(0,))


def loaded_bytes(block: Block) -> int:
    """Bytes that a block reads of the inputs that it loads, halos of strips as often as they are read."""
    copied = 0
    for group in block.groups:
        pixels = group.rows * sum(x1 - x0 for x0, x1 in group.strips)
        stages = [block.network.stage(unit) for unit in group.units]
        copied += sum(pixels * stage.output_map.c for stage in stages if _loads(block, stage))
    before = block.network.stage(block.groups[-1].units[-1])
    return copied + (before.prefix_map.elements if before.prefix in block.candidate.loads else 0)


def _loads(block: Block, stage: Stage) -> bool:
    return stage.op is StageOp.SLICE and stage.inputs[0] in block.candidate.loads


def _names(network: Network, first: int, last: int, slow: Iterable[int]) -> dict[tuple[int, Map], int]:
    """A number for the copy of each slow tensor, for each map that it is read as."""
    wanted = set(slow)
    read = dict.fromkeys(
        (tensor, grid)
        for unit in range(first, last + 1)
        for stage in [network.stage(unit)]
        for tensor, grid in zip(stage.inputs, stage.input_maps, strict=False)
        if tensor in wanted
    )
    return {each: len(network.graph.tensors) + number for number, each in enumerate(read)}


def _reading(unit: Unit, names: dict[tuple[int, Map], int]) -> Unit:
    """The unit, reading copies where there are some."""
    assert unit.stage is not None
    stage = unit.stage
    maps = zip(stage.inputs, stage.input_maps, strict=False)
    inputs = tuple(names.get(each, each[0]) for each in maps)
    changed = replace(stage, inputs=inputs)
    return replace(unit, inputs=tuple(dict.fromkeys(changed.reads)), stage=changed)
