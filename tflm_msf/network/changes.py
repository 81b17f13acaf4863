"""Networks that a model could have been: without operators that end blocks, or with paddings where they cost nothing.

They compute something else. What they would take says what these operators cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tflm_msf.graph import DType, Graph, Op
from tflm_msf.network.units import Network, Unit
from tflm_msf.ops import Stage, StageOp

PADDING_ITSELF = (StageOp.CONV_2D, StageOp.DEPTHWISE_CONV_2D, StageOp.MAX_POOL_2D, StageOp.AVERAGE_POOL_2D)
"""What has a padding of its own."""


def without(graph: Graph, ops: Sequence[int]) -> Graph | None:
    """The graph without these operators: who reads what they make reads what they read.

    Operators in float between int8 tensors go as a whole. None if one of them does more than turn one int8 tensor into
    another of its shape, or makes an output of the graph.
    """
    gone: dict[int, int] = {}
    left_out: set[int] = set()
    for index in ops:
        run = _between_int8(graph, index)
        if run is None:
            return None
        source, target = _data_inputs(graph, graph.ops[run[0]])[0], graph.ops[run[-1]].outputs[0]
        if graph.tensors[source].shape != graph.tensors[target].shape or target in graph.outputs:
            return None
        gone[target] = source
        left_out.update(run)

    def kept(tensor: int) -> int:
        while tensor in gone:
            tensor = gone[tensor]
        return tensor

    remaining = [op for index, op in enumerate(graph.ops) if index not in left_out]
    return replace(graph, ops=tuple(replace(op, inputs=tuple(map(kept, op.inputs))) for op in remaining))


def _between_int8(graph: Graph, index: int) -> list[int] | None:
    """Operator ``index`` with those around it, from one int8 tensor to the next; each reads what the last one makes."""
    run = [index]
    while (source := _only_input(graph, graph.ops[run[0]])) is not None and not _is_int8(graph, source):
        before = next((at for at, op in enumerate(graph.ops) if source in op.outputs), None)
        if before is None:
            return None
        run.insert(0, before)
    while len(graph.ops[run[-1]].outputs) == 1 and not _is_int8(graph, graph.ops[run[-1]].outputs[0]):
        readers = [at for at, op in enumerate(graph.ops) if graph.ops[run[-1]].outputs[0] in op.inputs]
        if len(readers) != 1:
            return None
        run.append(readers[0])
    has_ends = all(len(graph.ops[at].outputs) == 1 and _only_input(graph, graph.ops[at]) is not None for at in run)
    return run if has_ends else None


def _data_inputs(graph: Graph, op: Op) -> list[int]:
    return [tensor for tensor in op.inputs if tensor >= 0 and not graph.tensors[tensor].is_constant]


def _only_input(graph: Graph, op: Op) -> int | None:
    found = _data_inputs(graph, op)
    return found[0] if len(found) == 1 else None


def _is_int8(graph: Graph, tensor: int) -> bool:
    return graph.tensors[tensor].dtype is DType.INT8


def padding_themselves(network: Network) -> tuple[Network, tuple[int, ...]]:
    """The network with every PAD in the padding of what reads it, where that has one; and these PADs' operators."""
    units: list[Unit | None] = list(network.units)
    folded: list[int] = []
    for index, unit in enumerate(network.units):
        pad = unit.stage
        if pad is None or pad.op is not StageOp.PAD:
            continue
        readers = network.consumers.get(unit.outputs[0], ())
        if unit.outputs[0] in network.outputs or not readers:
            continue
        padded = [_padded(unit, pad, network.units[reader]) for reader in readers]
        if None not in padded:
            units[index] = None
            for reader, changed in zip(readers, padded, strict=True):
                units[reader] = changed
            folded += unit.ops
    return replace(network, units=tuple(unit for unit in units if unit is not None)), tuple(folded)


def _padded(pad_unit: Unit, pad: Stage, reader: Unit) -> Unit | None:
    stage = reader.stage
    is_alike = stage is not None and stage.op in PADDING_ITSELF and stage.input_maps[0] == pad.output_map
    if stage is None or not is_alike or pad.input_maps[0].c != pad.output_map.c:
        return None
    top, left = stage.window.pad_top + pad.window.pad_top, stage.window.pad_left + pad.window.pad_left
    window = replace(stage.window, pad_top=top, pad_left=left)
    changed = replace(stage, inputs=pad.inputs, input_maps=pad.input_maps, window=window)
    return replace(reader, inputs=pad_unit.inputs, stage=changed)
