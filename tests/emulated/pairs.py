"""Random networks in random plans, with the outputs that TFLM gives: what every core has to compute to the bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, count, islice
from random import Random

from benchmarks.firmware import Case
from testing.networks import random_network
from testing.wide_networks import random_wide_network
from tests.batches import batched
from tests.ends import end_network
from tests.exactness import blocks_to, random_path
from tests.far_scales import far_network
from tests.kinds import KINDS, Kinds, u_net_aligned
from tests.kinds import network as network_of_kind
from tests.streaming_models import streaming_model
from tflm_msf.errors import MsfError
from tflm_msf.graph import Model
from tflm_msf.inputs import make_inputs
from tflm_msf.network.streaming import with_streamed_input
from tflm_msf.network.units import Network, build_network
from tflm_msf.ops.stage import ANY_NUMBER
from tflm_msf.plan import make_plan
from tflm_msf.planner import Planner
from tflm_msf.program.assemble import assemble
from tflm_msf.program.layout import Weights
from tflm_msf.request import Request
from tflm_msf.runtime import Session
from tflm_msf.search.edge import Edge
from tflm_msf.simplify import simplify
from tflm_msf.tflite_io import write_model

CASES = 2
MOST_MACS = 200_000
"""Of a plan: what a simulated core does within a second."""

MOST_BYTES = 6_000
"""Inputs and outputs of one inference, which firmware holds."""

PLANS = 2
"""Of each network."""


@dataclass(frozen=True)
class Pair:
    """A network in one plan, fused whole. Cases are in order: a network with a state goes from one to the next."""

    name: str
    model: Model
    cases: Sequence[Case]
    macs: int


def _wide(seed: int) -> Model:
    return random_wide_network(Random(f"many {seed}"))


def _plain(seed: int) -> Model:
    return random_network(Random(f"plain {seed}"))


def _kind(seed: int) -> Model:
    return network_of_kind(list(KINDS)[seed // len(TURNS) % len(KINDS)])


TURNS: tuple[Callable[[int], Model], ...] = (
    *(far_network, end_network, _kind, _wide, _plain),
    *(end_network, _kind, far_network, _wide, streaming_model),
)
"""What the networks are, in turns."""


def _aligned() -> Model:
    layers = Kinds(Random("aligned"))
    return layers.model(u_net_aligned(layers, size=12, width=3))


def _batch() -> Model:
    return simplify(batched(network_of_kind("electrodes"), 3)).model


FIRST: Mapping[str, Callable[[], Model]] = {
    "aligned corners": _aligned,
    "grouped and shuffled": lambda: network_of_kind("shuffled_groups"),
    "electrodes": lambda: network_of_kind("electrodes"),
    "a batch": _batch,
}
"""Networks that come first, so that few pairs have them too."""


@cache
def first_pairs(number: int) -> tuple[Pair, ...]:
    """The first so many pairs; always the same."""
    first = (_pairs_with(name, name, make()) for name, make in FIRST.items())
    return tuple(islice(chain.from_iterable(chain(first, map(_pairs_of, count()))), number))


def _pairs_of(seed: int) -> Iterator[Pair]:
    """The pairs of a seed."""
    make = TURNS[seed % len(TURNS)]
    model = make(seed)
    if make is streaming_model:
        yield _streaming_pair(f"streaming {seed}", model)
    else:
        yield from _pairs_with(f"{make.__name__.strip('_')} {seed}", str(seed), model)


def _pairs_with(name: str, seed: str, model: Model) -> Iterator[Pair]:
    """The pairs of a network: none if TFLM refuses it, or if it cannot be fused whole, or is large."""
    built = build_network(model.main)
    if not all(unit.stage for unit in built.units):
        return
    cases = _cases_of(model)
    if not cases or len(cases[0].inputs) + len(cases[0].outputs) > MOST_BYTES:
        return
    for number in range(PLANS):
        yield from _pair(f"{name} plan {number}", model, built, cases, Random(f"{seed} {number}"))


def _cases_of(model: Model) -> list[Case]:
    """What TFLM makes of a few inputs; none if it refuses the network."""
    try:
        session = Session(write_model(model))
        inputs = make_inputs(model.main, CASES + 5, seed=0)[-CASES:]  # the ends of the range are among them
        return [
            Case(
                b"".join(value.tobytes() for value in values),
                b"".join(value.tobytes() for value in session.run(values)),
            )
            for values in inputs
        ]
    except MsfError:
        return []


def _pair(name: str, model: Model, network: Network, cases: Sequence[Case], random: Random) -> Iterator[Pair]:
    """The network in a plan that no search would choose, in its layers, or with its input streamed."""
    weights = Weights.PLAIN if random.random() < 0.3 else Weights.PACKED
    if len(network.inputs) == 1 and random.random() < 0.25:
        try:
            network = with_streamed_input(network, name, Request().pixels, ANY_NUMBER)
            name += " streamed"
        except MsfError:
            pass
    path = _layers(network) if random.random() < 0.15 else random_path(network, random)
    macs = sum(edge.macs for edge in path)
    if macs <= MOST_MACS:
        yield Pair(name, assemble(model, network, make_plan(network, path), weights), cases, macs)


def _layers(network: Network) -> tuple[Edge, ...]:
    """Each layer as a block of its own, in whole rows."""
    alone = (blocks_to(network, last) for last in range(len(network.units)))
    return tuple(next(edge for edge in edges if edge.first == edge.last) for edges in alone)


def _streaming_pair(name: str, model: Model) -> Pair:
    """A network that keeps rows from one inference to the next."""
    choice = Planner.of_model(model, name).choose()
    return Pair(name, choice.model, _cases_of(model), choice.plan.macs)
