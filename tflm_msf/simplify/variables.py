"""Resource variables that keep the last rows of a map from one invocation to the next become rings of a block's state.

The pattern is what converters of streaming networks write: READ_VARIABLE gives the rows of earlier invocations, which
CONCATENATION joins with the new ones; STRIDED_SLICE takes the last of them, and ASSIGN_VARIABLE keeps them. What they
are before the first invocation is assigned by a subgraph that CALL_ONCE runs. A variable is read once and assigned once
after that, so that the joined map is all that anybody sees of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from tflm_msf.errors import MsfError
from tflm_msf.graph import DType, Graph, Model, Op, Tensor
from tflm_msf.ops import ROWS_KEPT

CONTROL_FLOW = ("IF", "WHILE", "CALL")
HANDLES = ("CALL_ONCE", "VAR_HANDLE")


@dataclass(frozen=True)
class _Ring:
    """The operators of one variable: indices of those that go, and what they are replaced by."""

    joins: int
    others: tuple[int, ...]
    append: Op
    start: Tensor


def without_variables(model: Model, source: str) -> Model:
    """The model as one graph whose variables are operators ``ROWS_KEPT``; itself, if it is one graph already.

    Raises:
        MsfError: if it has control flow, or a variable that is no ring of rows.
    """
    if len(model.graphs) == 1:
        return model
    flow = next((op.builtin for graph in model.graphs for op in graph.ops if op.builtin in CONTROL_FLOW), None)
    if flow is not None:
        raise MsfError(f"{source} has control flow ({flow}), which cannot be fused.")
    if {0, *_initialisers(model)} != set(range(len(model.graphs))):
        raise MsfError(f"{source} has {len(model.graphs)} subgraphs (control flow), which cannot be fused.")
    try:
        return _with_rings(model, source)
    except (LookupError, ValueError, ArithmeticError):
        raise MsfError(f"{source} has a variable that no operator names as TFLM wants it; convert it anew.") from None


def _initialisers(model: Model) -> list[int]:
    """Subgraphs that are run once."""
    calls = [op.options for op in model.main.ops if op.builtin == "CALL_ONCE" and op.options is not None]
    return [int(options.fields.get("init_subgraph_index", 0)) for options in calls]


def _with_rings(model: Model, source: str) -> Model:
    graph = model.main
    starts = _initial_values(model, source)
    rings = [
        _ring_of(graph, index, starts, source) for index, op in enumerate(graph.ops) if op.builtin == "READ_VARIABLE"
    ]
    gone = {index for ring in rings for index in ring.others}
    gone |= {index for index, op in enumerate(graph.ops) if op.builtin in HANDLES}
    left = next((op for i, op in enumerate(graph.ops) if i not in gone and op.builtin == "ASSIGN_VARIABLE"), None)
    if left is not None:
        raise MsfError(f"{source} assigns a variable that it does not read as rows, which cannot be fused.")
    tensors = list(graph.tensors)
    joined: dict[int, Op] = {}
    for ring in rings:
        joined[ring.joins] = replace(ring.append, inputs=(*ring.append.inputs, len(tensors)))
        tensors.append(ring.start)
    ops = tuple(joined.get(index, op) for index, op in enumerate(graph.ops) if index not in gone)
    return replace(model, graphs=(replace(graph, tensors=tuple(tensors), ops=ops),))


def _initial_values(model: Model, source: str) -> Mapping[str, Tensor]:
    """What each variable starts as, by its name."""
    values: dict[str, Tensor] = {}
    for index in _initialisers(model):
        graph = model.graphs[index]
        names = _names(graph)
        for assign in graph.ops:
            if assign.builtin == "ASSIGN_VARIABLE" and graph.tensors[assign.inputs[1]].is_constant:
                values[names[assign.inputs[0]]] = graph.tensors[assign.inputs[1]]
            elif assign.builtin != "VAR_HANDLE":
                raise MsfError(f"{source} computes what its variables start as ({assign.name}), which cannot be fused.")
    return values


def _names(graph: Graph) -> dict[int, str]:
    """Which variable each handle is one of."""
    return {
        op.outputs[0]: f"{op.options.fields.get('container', '')}/{op.options.fields.get('shared_name', '')}"
        for op in graph.ops
        if op.builtin == "VAR_HANDLE" and op.options is not None
    }


def _ring_of(graph: Graph, read: int, starts: Mapping[str, Tensor], source: str) -> _Ring:
    """The pattern around a READ_VARIABLE. Raises MsfError if it is another one."""
    names = _names(graph)
    handle, rows = graph.ops[read].inputs[0], graph.ops[read].outputs[0]
    name = names[handle]
    refused = MsfError(
        f"{source} uses its variable '{name.strip('/')}' for something else than the last rows of a map, which cannot "
        "be fused."
    )
    joins = _readers(graph, rows)
    if len(joins) != 1 or name not in starts or rows in graph.outputs:
        raise refused
    join = graph.ops[joins[0]]
    if join.builtin != "CONCATENATION" or len(join.inputs) != 2 or join.inputs[0] != rows:
        raise refused
    cuts = [
        (cut, assign)
        for cut in _readers(graph, join.outputs[0])
        for assign in _readers(graph, graph.ops[cut].outputs[0])
        if graph.ops[assign].builtin == "ASSIGN_VARIABLE" and names.get(graph.ops[assign].inputs[0]) == name
    ]
    users = [i for i, op in enumerate(graph.ops) if op.inputs and names.get(op.inputs[0]) == name]
    if len(cuts) != 1 or users != [read, cuts[0][1]]:
        raise refused
    cut, start = graph.ops[cuts[0][0]], starts[name]
    kept = cut.outputs[0]
    if len(_readers(graph, kept)) != 1 or {kept, join.outputs[0]} & set(graph.outputs):
        raise refused
    if not _keeps_last_rows(graph, join, cut, start.shape):
        raise refused
    append = Op(ROWS_KEPT, (join.inputs[1],), join.outputs)
    return _Ring(joins[0], (read, *cuts[0]), append, start)


def _readers(graph: Graph, tensor: int) -> list[int]:
    return [index for index, op in enumerate(graph.ops) if tensor in op.inputs]


def _keeps_last_rows(graph: Graph, join: Op, cut: Op, kept: tuple[int, ...]) -> bool:
    """True if rows are joined along the first axis that is longer than 1, and the last ones of them are kept."""
    before, added, joined = (graph.tensors[t].shape for t in (*join.inputs, join.outputs[0]))
    if join.options is None or join.options.fields.get("fused_activation_function", 0) != 0 or before != kept:
        return False
    axis = int(join.options.fields.get("axis", 0)) % len(joined)
    if any(size != 1 for size in joined[:axis]) or len(joined) != 4 or axis != 1:
        return False
    if {graph.tensors[t].dtype for t in (*join.inputs, join.outputs[0])} != {DType.INT8}:
        return False
    if before[1] + added[1] != joined[1] or min(before[1], added[1]) < 1:
        return False
    quantizations = {repr(graph.tensors[t].quantization) for t in (*join.inputs, join.outputs[0])}
    if len(quantizations) > 1 or before[:1] + before[2:] != added[:1] + added[2:]:
        return False
    return _slice_of(graph, cut) == (added[axis], joined[axis])


def _slice_of(graph: Graph, cut: Op) -> tuple[int, int] | None:
    """First row and end of a STRIDED_SLICE of rows, all else whole; None for another operator."""
    if cut.builtin != "STRIDED_SLICE" or any(not graph.tensors[t].is_constant for t in cut.inputs[1:4]):
        return None
    shape = graph.tensors[cut.inputs[0]].shape
    begin, end, step = (np.frombuffer(graph.tensors[t].data or b"", "<i4").tolist() for t in cut.inputs[1:4])
    fields = cut.options.fields if cut.options else {}
    if any(fields.get(f"{mask}_mask", 0) for mask in ("ellipsis", "new_axis", "shrink_axis")) or set(step) != {1}:
        return None
    found = []
    for axis, size in enumerate(shape):
        first = 0 if int(fields.get("begin_mask", 0)) >> axis & 1 else begin[axis] % size
        last = size if int(fields.get("end_mask", 0)) >> axis & 1 else min(end[axis], size)
        found.append((first, last if last >= 0 else last + size))
    whole = all(found[axis] == (0, shape[axis]) for axis in (0, 2, 3))
    return found[1] if whole else None
