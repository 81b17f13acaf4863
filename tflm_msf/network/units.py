"""The graph as fusion sees it: units in execution order, joined by activation tensors.

A unit is what cannot be cut further: one operator, or a PAD with the convolution that swallows it. Reshapes vanish
where the bytes stay in place: a tensor and its reshaped self are one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from tflm_msf.arena import scratch_of
from tflm_msf.format.limits import can_be_numbered
from tflm_msf.graph import NO_TENSOR, Graph, Op, Tensor
from tflm_msf.network.turns import turned_alike
from tflm_msf.ops import AddTensor, Map, NotFusableError, Stage, StageOp, lower_all, map_of

VIEWS = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
"""Operators that change a tensor's shape and leave its bytes alone."""

CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")
"""Operators that turn each element into one of another type."""


@dataclass(frozen=True)
class Unit:
    """One or two operators that run as one stage, or one operator that stays a TFLM builtin (``stage`` is None).

    ``inputs`` are the activation tensors that it reads, each once; ``reason`` says why there is no stage.
    """

    ops: tuple[int, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    stage: Stage | None = None
    reason: str = ""


class WindowRows(NamedTuple):
    """Rows of a tensor of the window network, up to row ``end`` of it (exclusive)."""

    tensor: int
    end: int


@dataclass(frozen=True)
class Network:
    """Units in execution order. ``alias`` maps each reshaped tensor to the one that stands for all its shapes.

    ``copies`` maps tensors that copies of units make to the tensor that the unit itself makes. ``origins`` gives the
    index in the file of each operator of the graph, if they are others. ``shows``: which rows of
    the network that looks at a window each tensor that a step model keeps ends with.
    """

    graph: Graph
    units: tuple[Unit, ...]
    alias: Mapping[int, int]
    is_streamed: bool = False
    copies: Mapping[int, int] = field(default_factory=dict)
    origins: tuple[int, ...] = ()
    shows: Mapping[int, WindowRows] = field(default_factory=dict)

    def in_file(self, op: int) -> int:
        """The index in the file of an operator of the graph."""
        return self.origins[op] if self.origins else op

    @cached_property
    def producer(self) -> Mapping[int, int]:
        """Unit that writes each activation tensor."""
        return {tensor: index for index, unit in enumerate(self.units) for tensor in unit.outputs}

    @cached_property
    def consumers(self) -> Mapping[int, tuple[int, ...]]:
        """Units that read each activation tensor, in order."""
        readers: dict[int, list[int]] = {}
        for index, unit in enumerate(self.units):
            for tensor in unit.inputs:
                readers.setdefault(tensor, []).append(index)
        return {tensor: tuple(units) for tensor, units in readers.items()}

    @cached_property
    def outputs(self) -> tuple[int, ...]:
        """The graph's outputs, as they are called here."""
        return tuple(self.alias.get(tensor, tensor) for tensor in self.graph.outputs)

    @cached_property
    def inputs(self) -> tuple[int, ...]:
        """The graph's inputs, as they are called here; none if the input is streamed."""
        if self.is_streamed:
            return ()
        return tuple(self.alias.get(tensor, tensor) for tensor in self.graph.inputs)

    @cached_property
    def last_use(self) -> Mapping[int, int]:
        """Last unit that reads each tensor; the number of units for the graph's outputs."""
        last = {tensor: readers[-1] for tensor, readers in self.consumers.items()}
        for tensor, unit in self.producer.items():
            last.setdefault(tensor, unit)
        return last | dict.fromkeys(self.outputs, len(self.units))

    @cached_property
    def lifetimes(self) -> tuple[tuple[int, int, int], ...]:
        """Each input and each tensor that a unit makes, the unit that makes it (-1: none) and the last that reads it.

        An input that nobody reads counts as read by the first unit.
        """
        tensors = dict.fromkeys([*self.inputs, *self.producer])
        return tuple((tensor, self.producer.get(tensor, -1), self.last_use.get(tensor, 0)) for tensor in tensors)

    @cached_property
    def crossing(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """For each unit, the tensors that were made before it, and that it or a later one reads; each with its last
        reader.
        """
        found: list[list[tuple[int, int]]] = [[] for _ in self.units]
        for tensor, made, read in self.lifetimes:
            for alive in found[made + 1 : read + 1]:
                alive.append((tensor, read))
        return tuple(map(tuple, found))

    def overwritten(self, index: int) -> tuple[int, int] | None:
        """The input that builtin unit ``index`` may write its output over, and the bytes by which that has to start
        behind the output; None if there is no such input.

        TFLM converts element after element from the first one on, so that with this distance each is read before it
        is overwritten.
        """
        unit = self.units[index]
        if unit.stage is not None or self.graph.ops[unit.ops[0]].builtin not in CONVERSIONS:
            return None
        if len(unit.inputs) != 1 or len(unit.outputs) != 1 or unit.inputs == unit.outputs:
            return None
        source, output = unit.inputs[0], unit.outputs[0]
        return (source, max(0, self.nbytes(output) - self.nbytes(source))) if self.last_use[source] <= index else None

    @cached_property
    def scratch(self) -> Mapping[int, tuple[int, ...]]:
        """Bytes of each scratch buffer of units that stay builtins."""
        builtins = ((index, unit.ops[0]) for index, unit in enumerate(self.units) if unit.stage is None)
        return {index: scratch_of(self.graph.ops[op], self.graph) for index, op in builtins}

    def stage(self, unit: int) -> Stage:
        """The stage of a unit that is not a builtin."""
        stage = self.units[unit].stage
        assert stage is not None
        return stage

    def nbytes(self, tensor: int) -> int:
        """Bytes of a tensor."""
        return self._sizes[tensor]

    @cached_property
    def _sizes(self) -> tuple[int, ...]:
        return tuple(tensor.nbytes for tensor in self.graph.tensors)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of everything that could be fused."""
        return sum(unit.stage.macs for unit in self.units if unit.stage)


NONE_KEPT: Mapping[int, str] = {}


def build_network(graph: Graph, origins: tuple[int, ...] = (), kept: Mapping[int, str] = NONE_KEPT) -> Network:
    """Lowers every operator that can be fused, folds paddings, turns rows into columns, and lets reshapes vanish.

    Args:
        graph: the operators.
        origins: the index in the file of each of them, if they are others.
        kept: operators that shall stay builtins though they could be fused, by index, and why.
    """
    network = _lowered(graph, origins, kept)
    wide = _beyond_a_block(network)
    return build_network(graph, origins, {**kept, **wide}) if wide else network


def _beyond_a_block(network: Network) -> dict[int, str]:
    """Operators whose maps no block can number: a row that is longer than 16 bits count, and could not be turned."""
    reason = "a row of its maps has more pixels than a block can number"
    stages = ((unit, unit.stage) for unit in network.units if unit.stage is not None)
    return {op: reason for unit, stage in stages if not can_be_numbered(*stage.extent) for op in unit.ops}


def _lowered(graph: Graph, origins: tuple[int, ...], kept: Mapping[int, str]) -> Network:
    alone = [kept.get(index) or _lowered_alone(graph, op) for index, op in enumerate(graph.ops)]
    fusable = {index: not isinstance(stages, str) for index, stages in enumerate(alone)}
    alias = _find_aliases(graph, fusable)
    units: list[Unit] = []
    maps: dict[int, Map] = {}
    tensors = list(graph.tensors)

    def add_tensor(tensor: Tensor) -> int:
        tensors.append(tensor)
        return len(tensors) - 1

    for index, op in enumerate(graph.ops):
        if _is_view(op) and alias.get(op.outputs[0], op.outputs[0]) == alias.get(op.inputs[0], op.inputs[0]):
            _pass_map_on(op, maps)
            continue
        lowered = _lower_units(graph, index, alone[index], maps, alias, add_tensor)
        stages = (unit.stage for unit in lowered if unit.stage is not None)
        maps.update((stage.output, stage.output_map) for stage in stages if stage.prefix is None)
        units.extend(lowered)
    graph = replace(graph, tensors=tuple(tensors))
    folded = _fold_kept_rows(_fold_paddings(_turned_alike(units), graph, alias))
    return Network(graph, folded, alias, origins=origins)


def _turned_alike(units: list[Unit]) -> tuple[Unit, ...]:
    stages = turned_alike([unit.stage for unit in units])
    return tuple(replace(unit, stage=stage) for unit, stage in zip(units, stages, strict=True))


def _pass_map_on(op: Op, maps: dict[int, Map]) -> None:
    if op.inputs[0] in maps:
        maps[op.outputs[0]] = maps[op.inputs[0]]


Alone = tuple[Stage, ...] | str
"""The stages of an operator whose inputs lie as their shapes say; or why it stays a builtin."""


def _lowered_alone(graph: Graph, op: Op) -> Alone:
    try:
        return lower_all(graph, op, {}, lambda _: len(graph.tensors))
    except NotFusableError as error:
        return str(error)


def _lower_units(
    graph: Graph, index: int, alone: Alone, maps: Mapping[int, Map], alias: Mapping[int, int], add_tensor: AddTensor
) -> list[Unit]:
    """Units of one operator, which is lowered anew only where that gives other stages than ``alone``: if an input lies
    otherwise than its shape says, or if stages hand a tensor on, which needs a number.
    """
    op = graph.ops[index]

    def activations(tensors: tuple[int, ...]) -> tuple[int, ...]:
        named = (alias.get(t, t) for t in tensors if t != NO_TENSOR and not graph.tensors[t].is_constant)
        return tuple(dict.fromkeys(named))

    if isinstance(alone, str):
        return [Unit((index,), activations(op.inputs), activations(op.outputs), reason=alone)]
    is_as_alone = len(alone) == 1 and not any(_lies_otherwise(graph, tensor, maps) for tensor in op.inputs)
    units = []
    for stage in alone if is_as_alone else lower_all(graph, op, maps, add_tensor):
        inputs = tuple(alias.get(tensor, tensor) for tensor in stage.inputs)
        output = alias.get(stage.output, stage.output)
        prefix = None if stage.prefix is None else alias.get(stage.prefix, stage.prefix)
        named = replace(stage, inputs=inputs, output=output, prefix=prefix)
        units.append(Unit((index,), tuple(dict.fromkeys(named.reads)), (output,), named))
    return units


def _lies_otherwise(graph: Graph, tensor: int, maps: Mapping[int, Map]) -> bool:
    try:
        return tensor in maps and maps[tensor] != map_of(graph.tensors[tensor])
    except NotFusableError:
        return True


def _find_aliases(graph: Graph, fusable: Mapping[int, bool]) -> dict[int, int]:
    """Which tensors are one under different shapes, each mapped to the member that gets to exist.

    A tensor whose shape somebody outside the fused blocks sees (the caller, a builtin) must exist itself, so at most
    one of those can be in a class; a reshape that would join two of them stays.
    """
    seen = set(graph.inputs) | set(graph.outputs)
    for index, op in enumerate(graph.ops):
        if not fusable[index] and not _is_view(op):
            seen.update(op.inputs + op.outputs)
    members: dict[int, list[int]] = {}
    root: dict[int, int] = {}
    for op in graph.ops:
        if not _is_view(op) or graph.tensors[op.inputs[0]].is_constant:
            continue
        source, target = root.get(op.inputs[0], op.inputs[0]), op.outputs[0]
        joined = [*members.get(source, [source]), target]
        if sum(tensor in seen for tensor in joined) <= 1 and _same_bytes(graph, source, target):
            members[source] = joined
            root[target] = source
        else:
            seen.update((op.inputs[0], target))
    alias = {}
    for joined in members.values():
        representative = next((tensor for tensor in joined if tensor in seen), joined[0])
        alias.update(dict.fromkeys(joined, representative))
    return alias


def _is_view(op: Op) -> bool:
    return op.builtin in VIEWS and op.inputs[:1] not in ((), (NO_TENSOR,)) and len(op.outputs) == 1


def _same_bytes(graph: Graph, a: int, b: int) -> bool:
    return graph.tensors[a].nbytes == graph.tensors[b].nbytes and graph.tensors[a].dtype == graph.tensors[b].dtype


def _fold_paddings(units: tuple[Unit, ...], graph: Graph, alias: Mapping[int, int]) -> tuple[Unit, ...]:
    """A PAD that only convolutions read becomes their own padding: both pad with the zero point."""
    readers: dict[int, list[int]] = {}
    for index, unit in enumerate(units):
        for tensor in unit.inputs:
            readers.setdefault(tensor, []).append(index)
    outputs = {alias.get(tensor, tensor) for tensor in graph.outputs}
    result: list[Unit | None] = list(units)
    for index, unit in enumerate(units):
        if unit.stage is None or unit.stage.op is not StageOp.PAD or unit.stage.output in outputs:
            continue
        using = readers.get(unit.stage.output, [])
        folded = [_padded(unit, unit.stage, units[number]) for number in using]
        if folded and None not in folded:
            for number, padded in zip(using, folded, strict=True):
                result[number] = padded
            result[index] = None
    return tuple(unit for unit in result if unit is not None)


def _fold_kept_rows(units: tuple[Unit, ...]) -> tuple[Unit, ...]:
    """A convolution whose output is only added to rows that are kept makes these rows itself, where they stay."""
    result: list[Unit | None] = list(units)
    producers = {unit.outputs[0]: index for index, unit in enumerate(units) if unit.stage is not None}
    for index, unit in enumerate(units):
        maker = producers.get(unit.inputs[0]) if unit.stage is not None and unit.stage.history else None
        if unit.stage is None or maker is None or sum(unit.inputs[0] in other.inputs for other in units) > 1:
            continue
        made = units[maker].stage
        if made is None or made.op not in (StageOp.CONV_2D, StageOp.DEPTHWISE_CONV_2D):
            continue
        if made.output_map != unit.stage.input_maps[0]:
            continue
        window = made.window
        shifted = replace(window, pad_top=window.pad_top + unit.stage.history * window.stride_h)
        kept = unit.stage
        stage = replace(
            made, output=kept.output, output_map=kept.output_map, window=shifted, history=kept.history, start=kept.start
        )
        result[index] = Unit(units[maker].ops + unit.ops, units[maker].inputs, unit.outputs, stage)
        result[maker] = None
    return tuple(unit for unit in result if unit is not None)


def _can_pad(reader: Stage, pad: Stage) -> bool:
    """True for a convolution that sees the padded map as it is, not reshaped, and pads with the same value."""
    is_conv = reader.op in (StageOp.CONV_2D, StageOp.DEPTHWISE_CONV_2D, StageOp.GROUPED_CONV_2D)
    same_map = reader.input_maps[0] == pad.output_map and pad.input_maps[0].c == pad.output_map.c
    return is_conv and same_map and reader.in_zero == pad.in_zero


def _padded(pad_unit: Unit, pad: Stage, conv_unit: Unit) -> Unit | None:
    """The convolution with the padding in it; None if it is none, or another one."""
    conv = conv_unit.stage
    if conv is None or not _can_pad(conv, pad):
        return None
    window = replace(
        conv.window,
        pad_top=conv.window.pad_top + pad.window.pad_top,
        pad_left=conv.window.pad_left + pad.window.pad_left,
    )
    stage = replace(conv, inputs=pad.inputs, input_maps=pad.input_maps, window=window)
    return Unit(pad_unit.ops + conv_unit.ops, pad_unit.inputs, conv_unit.outputs, stage)
