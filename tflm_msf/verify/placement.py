"""May the tensors of a planned model lie where they are? For plans that another version made."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from tflm_msf.arena import WHEEL64, Buffer, NotPredictedError, head_plan
from tflm_msf.format import CUSTOM_CODE
from tflm_msf.graph import Graph, Model
from tflm_msf.network.units import CONVERSIONS
from tflm_msf.program.decode import outline_of


def placement_problems(model: Model) -> Iterator[str]:
    """Tensors and scratch that share bytes while both are needed, a sentence each.

    An operator's output may lie over an input that nobody reads afterwards, as far as its program, or for a conversion
    TFLM's order of elements, allows. Nothing is said of models whose scratch is not known.
    """
    try:
        buffers = [buffer for buffer in head_plan(model, WHEEL64) if buffer.nbytes > 0]
    except NotPredictedError:
        return
    for one, other in combinations(buffers, 2):
        alive_together = max(one.first, other.first) <= min(one.last, other.last)
        share = max(one.offset, other.offset) < min(one.end, other.end)
        if alive_together and share and not _may_share(model.main, one, other):
            yield f"{_name(model, one)} and {_name(model, other)} share memory while both are needed."


def _may_share(graph: Graph, one: Buffer, other: Buffer) -> bool:
    source, output = sorted((one, other), key=lambda buffer: buffer.first)
    time = output.first
    if source.last != time or source.first == time or source.tensor is None or output.tensor is None or time < 1:
        return False
    op = graph.ops[time - 1]
    inputs = [position for position, index in enumerate(op.inputs) if index == source.tensor[1]]
    outputs = [position for position, index in enumerate(op.outputs) if index == output.tensor[1]]
    if not inputs or not outputs:
        return False
    if op.custom_code == CUSTOM_CODE:
        allowed = outline_of(op.custom_options).overlap
        pair = (inputs[0], len(op.inputs) + outputs[0])
        return allowed is not None and allowed[:2] == pair and source.offset - output.offset >= allowed[2]
    sizes = graph.tensors[output.tensor[1]].nbytes - graph.tensors[source.tensor[1]].nbytes
    return op.builtin in CONVERSIONS and source.offset - output.offset >= max(0, sizes)


def _name(model: Model, buffer: Buffer) -> str:
    if buffer.tensor is None:
        return "the scratch of an operator"
    graph, index = buffer.tensor
    return f"tensor {index} '{model.graphs[graph].tensors[index].name}'"
