"""Resource variables that keep the last rows of a map from one invocation to the next become rings of a block's state.

The pattern is what converters of streaming networks write: READ_VARIABLE gives the rows of earlier invocations, which
CONCATENATION joins with the new ones; STRIDED_SLICE takes the last of them, and ASSIGN_VARIABLE keeps them. What they
are before the first invocation is assigned by a subgraph that CALL_ONCE runs. A variable is read once and assigned once
after that, so that the joined map is all that anybody sees of it. Whatever else is done with variables stays TFLM's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from tflm_msf.errors import MsfError
from tflm_msf.graph import NO_TENSOR, DType, Graph, Model, Op, Tensor
from tflm_msf.ops import ROWS_KEPT
from tflm_msf.simplify.rule import with_names

CONTROL_FLOW = ("IF", "WHILE", "CALL")


@dataclass(frozen=True)
class _Ring:
    """The operators of one variable: indices of those that go, and what they are replaced by."""

    name: str
    joins: int
    others: tuple[int, ...]
    append: Op
    start: Tensor


def without_variables(model: Model, source: str) -> Model:
    """The model with operators ``ROWS_KEPT`` in place of variables that keep rows; itself, if it has none of these.

    Variables that are something else stay, and with them what TFLM has for them.

    Raises:
        MsfError: if it has control flow, or operators on variables that name none.
    """
    if len(model.graphs) == 1:
        return model
    flow = next((op.builtin for graph in model.graphs for op in graph.ops if op.builtin in CONTROL_FLOW), None)
    if flow is not None:
        raise MsfError(f"{source} has control flow ({flow}), which cannot be fused.")
    if {0, *_initialisers(model)} != set(range(len(model.graphs))):
        raise MsfError(f"{source} has {len(model.graphs)} subgraphs (control flow), which cannot be fused.")
    try:
        return _with_rings(model)
    except (LookupError, ValueError, ArithmeticError):
        raise MsfError(f"{source} has a variable that no operator names as TFLM wants it; convert it anew.") from None


def _initialisers(model: Model) -> list[int]:
    """Subgraphs that are run once."""
    calls = [op.options for op in model.main.ops if op.builtin == "CALL_ONCE" and op.options is not None]
    return [int(options.fields.get("init_subgraph_index", 0)) for options in calls]


def _with_rings(model: Model) -> Model:
    graph = model.main
    starts = _initial_values(model)
    reads = [index for index, op in enumerate(graph.ops) if op.builtin == "READ_VARIABLE"]
    rings = [ring for read in reads for ring in [_ring_of(graph, read, starts)] if ring is not None]
    names = {ring.name for ring in rings}
    graphs = [graph, *(_without_handles(other, names) if names else other for other in model.graphs[1:])]
    gone = {index for ring in rings for index in ring.others}
    tensors = list(graph.tensors)
    joined: dict[int, Op] = {}
    for ring in rings:
        joined[ring.joins] = replace(ring.append, inputs=(*ring.append.inputs, len(tensors)))
        tensors.append(ring.start)
    of_rings = _of(graph, names)
    ops = tuple(joined.get(i, op) for i, op in enumerate(graph.ops) if i not in gone and i not in of_rings)
    main = replace(graph, tensors=tuple(tensors), ops=ops)
    if any(other.ops for other in graphs[1:]) or any(op.builtin == "VAR_HANDLE" for op in ops):
        return replace(model, graphs=(main, *graphs[1:]))
    once = tuple(op for op in ops if op.builtin != "CALL_ONCE")
    return replace(model, graphs=(replace(main, ops=once),))


def _of(graph: Graph, variables: Collection[str]) -> set[int]:
    """The operators that give handles of some variables, or use these."""
    handles = {tensor for tensor, name in _names(graph).items() if name in variables}
    return {index for index, op in enumerate(graph.ops) if handles & {*op.outputs, *op.inputs[:1]}}


def _without_handles(graph: Graph, variables: Collection[str]) -> Graph:
    """A graph that has nothing to do with some variables any more, nor their tensors."""
    gone = _of(graph, variables)
    ops = [op for index, op in enumerate(graph.ops) if index not in gone]
    ends = (*graph.inputs, *graph.outputs)
    left = sorted({t for op in ops for t in (*op.inputs, *op.outputs) if t != NO_TENSOR} | {*ends})
    index = {tensor: number for number, tensor in enumerate(left)} | {NO_TENSOR: NO_TENSOR}
    return replace(
        graph,
        tensors=tuple(graph.tensors[tensor] for tensor in left),
        ops=tuple(with_names(op, index) for op in ops),
        inputs=tuple(index[tensor] for tensor in graph.inputs),
        outputs=tuple(index[tensor] for tensor in graph.outputs),
    )


def _initial_values(model: Model) -> Mapping[str, Tensor]:
    """What each variable starts as, by its name; those that are computed are left out."""
    values: dict[str, Tensor] = {}
    for index in _initialisers(model):
        graph = model.graphs[index]
        names = _names(graph)
        assigned = [op for op in graph.ops if op.builtin == "ASSIGN_VARIABLE"]
        counts = Counter(names[assign.inputs[0]] for assign in assigned)
        for assign in assigned:
            name, value = names[assign.inputs[0]], graph.tensors[assign.inputs[1]]
            if value.is_constant and counts[name] == 1:
                values[name] = value
    return values


def _names(graph: Graph) -> dict[int, str]:
    """Which variable each handle is one of."""
    return {
        op.outputs[0]: f"{op.options.fields.get('container', '')}/{op.options.fields.get('shared_name', '')}"
        for op in graph.ops
        if op.builtin == "VAR_HANDLE" and op.options is not None
    }


def _ring_of(graph: Graph, read: int, starts: Mapping[str, Tensor]) -> _Ring | None:
    """The pattern around a READ_VARIABLE; None if it is another one."""
    names = _names(graph)
    handle, rows = graph.ops[read].inputs[0], graph.ops[read].outputs[0]
    name = names[handle]
    joins = _readers(graph, rows)
    if len(joins) != 1 or name not in starts or rows in graph.outputs:
        return None
    join = graph.ops[joins[0]]
    if join.builtin != "CONCATENATION" or len(join.inputs) != 2 or join.inputs[0] != rows:
        return None
    cuts = [
        (cut, assign)
        for cut in _readers(graph, join.outputs[0])
        for assign in _readers(graph, graph.ops[cut].outputs[0])
        if graph.ops[assign].builtin == "ASSIGN_VARIABLE" and names.get(graph.ops[assign].inputs[0]) == name
    ]
    users = [i for i, op in enumerate(graph.ops) if op.inputs and names.get(op.inputs[0]) == name]
    if len(cuts) != 1 or users != [read, cuts[0][1]]:
        return None
    cut, start = graph.ops[cuts[0][0]], starts[name]
    kept = cut.outputs[0]
    if len(_readers(graph, kept)) != 1 or {kept, join.outputs[0]} & set(graph.outputs):
        return None
    if not _keeps_last_rows(graph, join, cut, start.shape):
        return None
    append = Op(ROWS_KEPT, (join.inputs[1],), join.outputs)
    return _Ring(name, joins[0], (read, *cuts[0]), append, start)


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
