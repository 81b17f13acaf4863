"""What "bit-exact" and "predicted to the byte" mean, as assertions, for every schedule of a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

import numpy as np

from tflm_msf.arena import WHEEL64, predict
from tflm_msf.blocks.schedule import CHUNKS, Schedule, schedules
from tflm_msf.blocks.space import BlockSpace
from tflm_msf.format import Order
from tflm_msf.graph import Model
from tflm_msf.inputs import Array, make_inputs
from tflm_msf.network.units import Network, build_network
from tflm_msf.plan import make_plan
from tflm_msf.program.assemble import assemble
from tflm_msf.program.layout import Weights
from tflm_msf.runtime import Session
from tflm_msf.search.dag import find_edges
from tflm_msf.search.edge import Edge
from tflm_msf.search.front import pareto_front
from tflm_msf.tflite_io import write_model

NO_LIMIT = 1 << 40
BLOCK_TAIL_BYTES = 136


class Original:
    """A model, the network it makes, and what stock TFLM computes on a few inputs (made up if none are given)."""

    def __init__(self, model: Model, inputs: Sequence[Sequence[Array]] = ()) -> None:
        self.model = model
        self.network = build_network(model.main)
        self.inputs = inputs or make_inputs(model.main, runs=3, seed=0)
        content = write_model(model)
        session = Session(content)
        self.expected = [session.run(values) for values in self.inputs]
        self.whole = Session(content, preserve_all=True)
        self.whole.run(self.inputs[0])

    def assert_exact(self, path: tuple[Edge, ...], weights: Weights = Weights.PACKED) -> None:
        """Rewrite with the schedule ``path`` and compare outputs, inner tensors and arena sizes."""
        plan = make_plan(self.network, path)
        rewritten = assemble(self.model, self.network, plan, weights)
        content = write_model(rewritten)
        session = Session(content)
        told = _describe(self.network, path)
        for values, expected in zip(self.inputs, self.expected, strict=True):
            for number, (want, got) in enumerate(zip(expected, session.run(values), strict=True)):
                assert np.array_equal(want, got), f"output {number}: {_difference(want, got)}\n{told}"
        self._assert_inner_tensors_equal(rewritten, content, told)
        measured, predicted = session.arena(), predict(rewritten, WHEEL64)
        assert (measured.head, measured.total) == (predicted.head, predicted.total), told
        assert plan.head_bound <= plan.head == measured.head, told

    def _assert_inner_tensors_equal(self, rewritten: Model, content: bytes, told: str) -> None:
        session = Session(content, preserve_all=True)
        session.run(self.inputs[0])
        index_of = {tensor.name: index for index, tensor in enumerate(rewritten.main.tensors)}
        written = [(op.builtin, output) for op in self.model.main.ops for output in op.outputs]
        for builtin, output in written:
            tensor = self.model.main.tensors[output]
            index = index_of.get(tensor.name)
            if index is not None and any(index in other.outputs for other in rewritten.main.ops):
                want, got = self.whole.tensor(output), session.tensor(index)
                assert np.array_equal(want, got), f"{builtin} {tensor.name}: {_difference(want, got)}\n{told}"


def assert_every_block_exact(model: Model, inputs: Sequence[Sequence[Array]] = ()) -> None:
    """Every run of units as one block, in strips of every width; the other units on their own."""
    original = Original(model, inputs)
    units = len(original.network.units)
    assert all(unit.stage for unit in original.network.units), [unit.reason for unit in original.network.units]
    alone = [next(blocks_to(original.network, last)) for last in range(units)]
    for last in range(units):
        for edge in blocks_to(original.network, last):
            original.assert_exact((*alone[: edge.first], edge, *alone[last + 1 :]))


def assert_each_exact(model: Model, inputs: Sequence[Sequence[Array]] = ()) -> None:
    """Every unit on its own, all in the widest strips, then all in the next to widest, and so on."""
    original = Original(model, inputs)
    assert all(unit.stage for unit in original.network.units), [unit.reason for unit in original.network.units]
    choices = [
        [edge for edge in blocks_to(original.network, last) if edge.first == last]
        for last in range(len(original.network.units))
    ]
    for turn in range(max(len(edges) for edges in choices)):
        original.assert_exact(tuple(edges[min(turn, len(edges) - 1)] for edges in choices))


def pareto_paths(network: Network, most: int) -> list[tuple[Edge, ...]]:
    """Up to ``most`` plans of the Pareto front, its ends among them."""
    front = pareto_front(find_edges(network), len(network.units), BLOCK_TAIL_BYTES)
    assert front, "no plan at all"
    chosen = {round(position) for position in np.linspace(0, len(front) - 1, most)}
    return [front[position].edges for position in sorted(chosen)]


def random_path(network: Network, random: Random) -> tuple[Edge, ...]:
    """Any blocks with any strips, good or bad: what no search would choose has to be exact too."""
    path: list[Edge] = []
    last = len(network.units) - 1
    while last >= 0:
        ways: dict[Schedule | None, list[Edge]] = {}
        for edge in blocks_to(network, last):
            ways.setdefault(edge.block.schedule if edge.block else None, []).append(edge)
        choices = random.choice(list(ways.values()))
        edge = choices[-1] if random.random() < 0.5 else random.choice(choices)
        path.append(rescheduled(network, edge, random))
        last = path[-1].first - 1
    return tuple(reversed(path))


def rescheduled(network: Network, edge: Edge, random: Random) -> Edge:
    """The same block by any schedule that makes the same pixels."""
    if edge.block is None:
        return edge
    schedule = edge.block.schedule._replace(chunk=random.choice(CHUNKS), order=random.choice([*Order]))
    return edge._replace(block=BlockSpace(network).rescheduled(edge.block, schedule))


def blocks_to(network: Network, last: int) -> Iterator[Edge]:
    """Every block that ends at unit ``last``, for every schedule; for a builtin, itself."""
    if network.units[last].stage is None:
        yield Edge(last, last, 0, 0, None)
    space = BlockSpace(network)
    if schedules(network, last):
        for found in space.candidates(last, schedules(network, last), NO_LIMIT):
            yield Edge(found.first, found.last, 0, found.macs, found)


def _difference(want: Array, got: Array) -> str:
    index = tuple(int(axis[0]) for axis in np.nonzero(want != got))
    return f"{np.count_nonzero(want != got)} of {want.size} differ, first at {index}: {got[index]} for {want[index]}"


def _describe(network: Network, path: tuple[Edge, ...]) -> str:
    """The schedule and the network, for whoever has to find the reason."""
    tensors, ops = network.graph.tensors, network.graph.ops
    lines = []
    for edge in path:
        lines.append(f"block, {edge.block.schedule}" if edge.block else "builtin")
        for unit in network.units[edge.first : edge.last + 1]:
            for op in (ops[index] for index in unit.ops):
                named = [f"{tensors[t].name}{list(tensors[t].shape)}" for t in (*op.outputs, *op.inputs) if t >= 0]
                fields = dict(op.options.fields) if op.options else {}
                lines.append(f"  {named[0]} = {op.builtin}({', '.join(named[1:])}) {fields}")
    return "\n".join(lines)
