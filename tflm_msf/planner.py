"""A model and everything that can be made of it: its front of plans, and the one that keeps the limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from tflm_msf.arena import WHEEL64, refusal_of
from tflm_msf.blocks.schedule import CHUNKS
from tflm_msf.blocks.space import BlockSpace
from tflm_msf.choice import Choice, choose, choose_of_two, undominated
from tflm_msf.cost.time_model import Costs, load_costs
from tflm_msf.errors import MsfError
from tflm_msf.graph import Model
from tflm_msf.graph.edges import with_int8_ends
from tflm_msf.graph.step import Step
from tflm_msf.network.generations import kept_on
from tflm_msf.network.orders import execution_orders
from tflm_msf.network.steps import as_step
from tflm_msf.network.streaming import with_streamed_input
from tflm_msf.network.time_axis import fitting_hops
from tflm_msf.network.units import Network, build_network
from tflm_msf.plan import plans_of_two
from tflm_msf.program.decode import is_rewritten
from tflm_msf.program.layout import Weights
from tflm_msf.relax import Relaxing
from tflm_msf.request import LEAST_HOP, Limits, Request
from tflm_msf.search.edge import NO_LIMIT, Edge
from tflm_msf.search.effort import Effort, Say, silent
from tflm_msf.search.front import Doubt, is_proved, search_front
from tflm_msf.search.placing import Placer
from tflm_msf.search.presets import Preset, preset_edges
from tflm_msf.search.shortest import Point, Search
from tflm_msf.search.two_memories import TwoMemories, least_traffic
from tflm_msf.simplify import RULES, RULES_WITH_LIBM, Change, Rule, Simplified, simplify
from tflm_msf.simplify.images import SAYS as RUN_BY_IMAGE
from tflm_msf.simplify.variables import without_variables
from tflm_msf.sizes import TENSOR_ALIGNMENT, align_up
from tflm_msf.tflite_io import read_model

MOST_UNITS = 1_000
"""Operators of a model; time and memory for the search grow with the square of it and more."""

DEFAULT_REQUEST = Request()

MOST_UNITS_IN_ALL_CHUNKS = 40
"""Operators up to which a search is made for each length of chunks. Three searches take three times as long: beyond,
the two ends of the front for the longest chunks have shorter ones, of which nothing is proved.
"""

LITTLE_LESS = 0.99
"""Part of a head that has to remain for a plan in shorter chunks of such a network to be looked at."""

MOST_OVERHEAD = 4
"""MAC overhead factor up to which plans of two memories are looked for."""

EVERYTHING_IS_OPEN = Doubt(0, 0)
"""What is not known where execution orders were left out, or time ran out."""


@dataclass(frozen=True)
class Planner:
    """A model and everything that can be made of it, within what ``request`` allows.

    ``original`` is the model in the file. ``model`` has the ends (int8, streamed) that the request asks for, and is
    what ``changes`` have made of it to simplify it; ``network`` is its main graph. Of a step model, ``network`` is one
    step, and ``window`` the network that the step is one of.
    """

    source: str
    original: Model
    model: Model
    network: Network
    request: Request
    changes: tuple[Change, ...] = ()
    say: Say = field(default=silent, compare=False)
    window: Network | None = None

    @classmethod
    def of(cls, data: bytes, source: str, request: Request = DEFAULT_REQUEST, say: Say = silent) -> Planner:
        """As :meth:`of_model`, from the bytes of a ``.tflite`` file. Raises MsfError if they are not a valid model."""
        return cls.of_model(read_model(data, source), source, request, say)

    @classmethod
    def of_model(
        cls,
        original: Model,
        source: str,
        request: Request = DEFAULT_REQUEST,
        say: Say = silent,
        rules: tuple[Rule, ...] | None = None,
    ) -> Planner:
        """Prepares a model for planning.

        Args:
            original: the model in the file.
            source: what to call it in messages.
            request: what to make of it.
            say: hears what a search does.
            rules: those by which it is simplified; None: those of the request.

        Raises:
            MsfError: if it cannot be rewritten, or not so.
        """
        if is_rewritten(original):
            raise MsfError(f"{source} was rewritten by tflm-msf already; plan and rewrite the original model instead.")
        model = without_variables(original, source)
        if request.stream_input or request.int8_io:
            model = with_int8_ends(model, outputs=request.int8_io)
        asked = RULES_WITH_LIBM if request.allow_libm else RULES
        simplified = simplify(model, asked if rules is None else rules)
        model = simplified.model
        network = build_network(model.main, simplified.origins, kept_on(model.main, request.named_target))
        if not network.units:
            raise MsfError(f"{source} has no operator that computes anything, so there is nothing to rewrite.")
        _require_that_tflm_runs(network, source)
        if len(network.units) > MOST_UNITS:
            raise MsfError(f"{source} has {len(network.units):,} operators; more than {MOST_UNITS:,} are not planned.")
        window = None
        if request.stateful is not None:
            _require_no_variables(original, source)
            _require_one_image(simplified, source)
            window = network
            hop = fitting_hops(network, source)[0] if request.stateful == LEAST_HOP else request.stateful
            network, step = as_step(network, hop, source)
            model = step.written_into(model)
        if request.stream_input:
            model = request.pixels.written_into(model)
            network = with_streamed_input(network, source, request.pixels, request.most_fetches)
        return cls(source, original, model, network, request, simplified.changes, say, window)

    def within(self, preset: Preset) -> Planner:
        """The same with another schedule space, or itself."""
        if preset is self.request.preset:
            return self
        return replace(self, request=replace(self.request, preset=preset))

    @property
    def step(self) -> Step | None:
        """What the planned model is, if it is a step model."""
        return Step.of(self.model)

    def with_hop(self, hop: int) -> Planner:
        """Another step model, of so many new rows. Raises MsfError as :meth:`of_model`."""
        request = replace(self.request, stateful=hop)
        return Planner.of_model(self.original, self.source, request, self.say)

    @cached_property
    def edges(self) -> list[Edge]:
        """The fusion DAG of the model's own execution order."""
        return preset_edges(self.network, self.request.preset)

    @cached_property
    def front(self) -> tuple[Choice, ...]:
        """Plans that no other beats, least MACs first: in arena, MACs and time; of two memories, in traffic and MACs.

        Where a whole arena has room in fast memory, the plans of one memory with which it has.
        """
        return self._front_of_one if self.request.fast_ram is None else self.in_fast_memory or self.front_of_two()

    @cached_property
    def in_fast_memory(self) -> tuple[Choice, ...]:
        """Plans of one memory whose arena is no larger than the fast one: no byte of the slow one is needed."""
        fast_ram = self.request.fast_ram
        if fast_ram is None or sum(self.network.nbytes(tensor) for tensor in self.network.inputs) > fast_ram:
            return ()
        alone = replace(self, request=replace(self.request, fast_ram=None))
        return tuple(choice for choice in alone.front if choice.needed <= fast_ram)

    @property
    def least_traffic(self) -> int:
        """Bytes that have to be read and written in slow memory: the inputs, and the outputs, once."""
        return least_traffic(self.network)

    def front_of_two(self, most_slow: int = NO_LIMIT) -> tuple[Choice, ...]:
        """Plans of two memories, the slow head at most ``most_slow`` bytes, that no other beats in traffic and MACs.

        None that makes more than :data:`MOST_OVERHEAD` times the MACs.
        """
        assert self.request.fast_ram is not None
        _require_no_rows_kept(self.network, self.source)
        effort = Effort(self.request.time_limit, self.say)
        orders = execution_orders(self.network)
        found: list[Choice] = []
        proved = orders.are_all
        for network in orders.networks:
            memories = TwoMemories(network, BlockSpace(network), self.request.fast_ram, effort)
            plans, are_all = plans_of_two(memories, MOST_OVERHEAD * network.macs, most_slow)
            proved &= are_all
            found += [Choice(self.model, network, plan, self.request.weights, self.request.targets) for plan in plans]
            if effort.is_spent():
                break
        proved &= not effort.ran_out
        kept: list[Choice] = []
        for choice in sorted(found, key=lambda c: (c.plan.macs, c.plan.traffic, c.plan.head)):
            if not kept or choice.plan.traffic < kept[-1].plan.traffic:
                kept.append(replace(choice, plan=replace(choice.plan, proved=proved)))
        return tuple(kept)

    @cached_property
    def _front_of_one(self) -> tuple[Choice, ...]:
        return self.front_in(self._chunks)

    @property
    def _chunks(self) -> tuple[int, ...]:
        """Lengths of chunks to choose from: the longest only where time is not known, and in those of papers."""
        is_free = self.request.preset is Preset.FULL and self.request.weights is Weights.PACKED
        return CHUNKS if is_free else CHUNKS[:1]

    def front_in(self, chunks: Sequence[int]) -> tuple[Choice, ...]:
        """Plans of one memory that no other beats in arena, MACs and estimated time at once, least MACs first.

        The shorter the chunks, the less memory and the more time: for each length in turn, plans are looked for that
        take less of an arena than all those of longer ones. Plans are ``proved`` if every execution order was searched
        to its end, and what remained unknown on the way (whether a path has a placement, say) cannot beat the plan
        with chunks as long as its own.
        Where a model takes more to start than to run, a plan of fewer blocks may take less, with a larger head.
        """
        found = self._where_blocks_cost(self.request.block_bytes, chunks)
        if self.request.block_bytes < WHEEL64.block_bytes and any(map(_starts_in_more, found)):
            found += self._where_blocks_cost(WHEEL64.block_bytes, chunks)
        return tuple(undominated(found, self.request.timed_on))

    def _where_blocks_cost(self, block_bytes: int, chunks: Sequence[int]) -> list[Choice]:
        """The plans for least head and ``block_bytes`` of tail a block."""
        effort = Effort(self.request.time_limit, self.say)
        orders = execution_orders(self.network)
        places = [_Place.of(network, load_costs()[self.request.timed_on]) for network in orders.networks]
        known: list[Point] = []
        found = self._search(places, chunks[0], block_bytes, known, orders.are_all, effort)
        if max(len(place.network.units) for place in places) > MOST_UNITS_IN_ALL_CHUNKS:
            found += _shortened(found, chunks[1:2])
            chunks = ()
        for chunk in chunks[1:]:
            if not effort.is_spent():
                found += self._search(places, chunk, block_bytes, known, orders.are_all, effort)
        if not found:
            raise MsfError(
                f"{self.source} keeps rows from one invocation to the next, and no block of such a plan can hold them "
                "together with what reads them."
            )
        return [self._choice(*each) for each in found]

    def _search(
        self, places: Sequence[_Place], chunk: int, block_bytes: int, known: list[Point], are_all: bool, effort: Effort
    ) -> list[_Found]:
        """Plans in such chunks that beat all ``known`` ones, to which they are added."""
        doubts = [] if are_all else [EVERYTHING_IS_OPEN]
        found: list[tuple[_Place, Point]] = []
        for place, edges in _best_first(self._spaces(places, chunk, effort), block_bytes):
            front = search_front(edges, len(place.network.units), block_bytes, place.placer, known, effort)
            known += front.points
            doubts += front.doubts
            found += [(place, point) for point in front.points]
        if effort.ran_out:
            doubts.append(EVERYTHING_IS_OPEN)
        return [
            (place, point, is_proved(point.macs, point.head + block_bytes * len(point.edges), doubts))
            for place, point in found
        ]

    def _spaces(self, places: Sequence[_Place], chunk: int, effort: Effort) -> list[_Space]:
        return [_Space(place, preset_edges(place.network, self.request.preset, effort, chunk)) for place in places]

    def _choice(self, place: _Place, point: Point, proved: bool) -> Choice:
        plan = place.relaxing.plan(point.edges, proved)
        return Choice(self.model, place.network, plan, self.request.weights, self.request.targets)

    def choose(self, limits: Limits | None = None) -> Choice:
        """The plan for the request's limits, or for others (see :func:`tflm_msf.choice.choose`).

        In a limit on RAM its blocks are as fast as there is room for.

        Raises:
            MsfError: if no plan keeps the limits; the message names the closest one.
        """
        limits = self.request.limits_there if limits is None else limits
        if self.request.fast_ram is not None:
            return self._choose_of_two(limits, self.request.fast_ram)
        chosen = choose(self.front, limits, self.source)
        return chosen if limits.ram is None else self._filling(limits.ram, chosen)

    def _choose_of_two(self, limits: Limits, fast_ram: int) -> Choice:
        if self.in_fast_memory:
            alone = replace(self, request=replace(self.request, fast_ram=None))
            return alone.choose(replace(limits, ram=min(fast_ram, limits.ram or fast_ram)))
        choices, most_slow = self.front, NO_LIMIT
        while limits.ram is not None and choices and all(choice.needed > limits.ram for choice in choices):
            beside = min(choice.needed - choice.plan.head for choice in choices)
            most_slow = min(limits.ram - beside, most_slow - TENSOR_ALIGNMENT)
            choices = self.front_of_two(most_slow) if most_slow > 0 else ()
        return choose_of_two(choices or self.front, limits, self.source)

    def _filling(self, ram: int, chosen: Choice) -> Choice:
        """The same blocks, as fast as they can be in ``ram`` bytes of arena."""
        edges = tuple(step.edge for step in chosen.plan.steps)
        relaxing = Relaxing(chosen.network, load_costs()[self.request.timed_on])
        plan = relaxing.plan(edges, chosen.plan.proved, chosen.plan.head + ram - chosen.needed)
        filling = replace(chosen, plan=plan)
        return filling if filling.needed <= ram else chosen


class _Place(NamedTuple):
    """An execution order, and what lays its plans out."""

    network: Network
    placer: Placer
    relaxing: Relaxing

    @classmethod
    def of(cls, network: Network, costs: Costs) -> _Place:
        placer = Placer(network)
        return cls(network, placer, Relaxing(network, costs, BlockSpace(network), placer.place))


_Found = tuple[_Place, Point, bool]
"""A path in an execution order, and whether nothing beats it for certain."""


class _Space(NamedTuple):
    """An execution order, and the fusion DAG of it."""

    place: _Place
    edges: list[Edge]


def _shortened(found: Sequence[_Found], chunks: Sequence[int]) -> list[_Found]:
    """The two ends of a front in shorter chunks, if there are any, and if heads become less by more than a little."""
    ends = {id(each[1]): each for each in (*found[:1], *found[-1:])}.values()
    shorter = [(place, place.relaxing.in_chunks(point, chunk), point) for place, point, _ in ends for chunk in chunks]
    return [(place, point, False) for place, point, longer in shorter if point.head <= longer.head * LITTLE_LESS]


def _best_first(spaces: list[_Space], block_bytes: int) -> list[_Space]:
    """Execution orders by the bytes that no plan of the least MACs can go below: the better ones are searched first."""

    def least_possible(space: _Space) -> int:
        units = len(space.place.network.units)
        first = Search(space.edges, units).cheapest(NO_LIMIT, units)
        return first.head + block_bytes * len(first.edges) if first else NO_LIMIT

    return sorted(spaces, key=least_possible) if len(spaces) > 1 else spaces


def _starts_in_more(choice: Choice) -> bool:
    """True if what TFLM needs to start, not head and tail of the running model, decides the arena."""
    sizes = filter(None, map(choice.arena_on, choice.targets))
    return any(size.minimum > align_up(size.total, TENSOR_ALIGNMENT) for size in sizes)


def _require_no_rows_kept(network: Network, source: str) -> None:
    if any(unit.stage is not None and unit.stage.history for unit in network.units):
        raise MsfError(
            f"{source} keeps rows from one invocation to the next, which are not planned for two memories: leave "
            "--fast-ram out."
        )


def _require_no_variables(original: Model, source: str) -> None:
    if len(original.graphs) > 1:
        raise MsfError(f"{source} keeps rows from one invocation to the next already: leave --stateful out.")


def _require_one_image(simplified: Simplified, source: str) -> None:
    if any(change.says == RUN_BY_IMAGE for change in simplified.changes):
        raise MsfError(f"{source} takes several images at once: convert it with a batch of 1, or leave --stateful out.")


def _require_that_tflm_runs(network: Network, source: str) -> None:
    """Raises MsfError if an operator that stays one of TFLM's is known to fail there, whatever is done."""
    for unit in network.units:
        if unit.stage is None:
            index = unit.ops[0]
            refusal = refusal_of(network.graph.ops[index], network.graph, network.in_file(index))
            if refusal is not None:
                raise MsfError(f"{source}: {refusal}.")
