"""The whole journey: bytes of a model in, bytes of the rewritten model and a report out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from tflm_msf.arena import MCU32, WHEEL64, Target
from tflm_msf.choice import Choice, Limits, choose, predicted, slowdowns
from tflm_msf.errors import MsfError
from tflm_msf.fusion.network import Network, build_network
from tflm_msf.fusion.order import execution_orders
from tflm_msf.fusion.placing import Placer
from tflm_msf.fusion.plan import make_plan
from tflm_msf.fusion.presets import Preset, preset_edges
from tflm_msf.fusion.search import Edge, Point, pareto_front
from tflm_msf.fusion.streaming import with_streamed_input
from tflm_msf.fusion.time_model import load_costs
from tflm_msf.graph import Model
from tflm_msf.graph.edges import with_int8_ends
from tflm_msf.graph.pixels import AS_THE_MODEL, Pixels
from tflm_msf.program.assemble import assemble
from tflm_msf.program.decode import describe_program, is_streamed
from tflm_msf.program.encode import CUSTOM_CODE
from tflm_msf.program.layout import Weights
from tflm_msf.tflite_io import read_model, write_model

BLOCK_TAIL_BYTES = 136
"""What one more block adds to a 64-bit tail: an operator (64), and its output, params and workspace (24 each)."""

NO_LIMITS = Limits()

MOST_UNITS = 1_000
"""Operators of a model; time and memory for the search grow with the square of it and more."""


@dataclass(frozen=True)
class Planner:
    """A model and everything that can be made of it, within the schedule space that ``preset`` names.

    ``weights`` says how those of convolutions are laid out; no plan depends on it.
    """

    source: str
    model: Model
    network: Network
    preset: Preset = Preset.FULL
    weights: Weights = Weights.BLOCKED

    @classmethod
    def of(
        cls,
        data: bytes,
        source: str,
        stream_input: bool = False,
        int8_io: bool = False,
        preset: Preset = Preset.FULL,
        pixels: Pixels = AS_THE_MODEL,
        weights: Weights = Weights.BLOCKED,
    ) -> Planner:
        """Reads a model.

        Args:
            data: a ``.tflite`` file.
            source: what to call it in messages.
            stream_input: get the input row by row from the application instead of from a tensor. A float input that is
                only quantised then arrives as int8.
            int8_io: let float inputs and outputs that are only quantised and dequantised be int8.
            preset: the schedule space to search.
            pixels: what the rows of a streamed input hold.
            weights: how those of convolutions are laid out.

        Raises:
            MsfError: if the bytes are not a valid model, or one that cannot be rewritten.
        """
        if pixels != AS_THE_MODEL and not stream_input:
            raise MsfError("pixels have a format only where rows are streamed: add --stream-input.")
        model = read_model(data, source)
        if is_rewritten(model):
            raise MsfError(f"{source} was rewritten by tflm-msf already; plan and rewrite the original model instead.")
        if len(model.graphs) > 1:
            raise MsfError(f"{source} has {len(model.graphs)} subgraphs (control flow), which cannot be fused.")
        if stream_input or int8_io:
            model = with_int8_ends(model, outputs=int8_io)
        network = build_network(model.main)
        if not network.units:
            raise MsfError(f"{source} has no operator that computes anything, so there is nothing to rewrite.")
        if len(network.units) > MOST_UNITS:
            raise MsfError(f"{source} has {len(network.units):,} operators; more than {MOST_UNITS:,} are not planned.")
        if stream_input:
            model = pixels.written_into(model)
            network = with_streamed_input(network, source, pixels)
        return cls(source, model, network, preset, weights)

    @cached_property
    def edges(self) -> list[Edge]:
        """The fusion DAG of the model's own execution order."""
        return preset_edges(self.network, self.preset)

    @cached_property
    def front(self) -> tuple[Choice, ...]:
        """Plans that no other beats in both arena and MACs, least MACs first."""
        spaces = [_Space(network, self._edges_of(network)) for network in execution_orders(self.network)]
        known: list[Point] = []
        choices = []
        for space in sorted(spaces, key=_least_possible):
            points = _points_of(space, Placer(space.network), known)
            known += points
            choices += [self._choice(space.network, point) for point in points]
        return tuple(_undominated(choices))

    def _edges_of(self, network: Network) -> list[Edge]:
        return self.edges if network is self.network else preset_edges(network, self.preset)

    def _choice(self, network: Network, point: Point) -> Choice:
        plan = make_plan(network, point.edges)
        model = assemble(self.model, network, plan, self.weights)
        return Choice(network, plan, model, predicted(model, WHEEL64))

    def choose(self, limits: Limits = NO_LIMITS) -> Choice:
        """The plan for a user's limits (see :func:`tflm_msf.choice.choose`).

        Raises:
            MsfError: if no plan keeps the limits; the message names the closest one. Plain weights: if time is limited.
        """
        if limits.max_slowdown is not None and self.weights is Weights.PLAIN:
            raise MsfError(
                "the time of convolutions in CMSIS-NN or ESP-NN is not estimated: leave --max-slowdown out, or choose "
                "--weights blocked."
            )
        return choose(self.front, limits, self.source)


class _Space(NamedTuple):
    """An execution order, and the fusion DAG of it."""

    network: Network
    edges: list[Edge]


def _points_of(space: _Space, placer: Placer | None = None, known: Sequence[Point] = ()) -> list[Point]:
    return pareto_front(space.edges, len(space.network.units), BLOCK_TAIL_BYTES, placer, known)


def _least_possible(space: _Space) -> int:
    """Bytes that no plan of the least MACs can go below: the better orders are searched first."""
    first = _points_of(space)[0]
    return first.head + BLOCK_TAIL_BYTES * len(first.edges)


def is_rewritten(model: Model) -> bool:
    """True if the model holds fusion blocks."""
    return any(op.custom_code == CUSTOM_CODE for op in model.main.ops)


def _undominated(choices: list[Choice]) -> list[Choice]:
    """Those that remain once every tensor has its real place."""
    kept: list[Choice] = []
    for choice in sorted(choices, key=lambda c: (c.plan.macs, c.needed)):
        if not kept or choice.needed < kept[-1].needed:
            kept.append(choice)
    return kept


@dataclass(frozen=True)
class Rewritten:
    """A rewritten file and what there is to say about it."""

    data: bytes
    report: dict[str, Any]


def rewrite_file(
    data: bytes,
    source: str,
    limits: Limits = NO_LIMITS,
    stream_input: bool = False,
    int8_io: bool = False,
    preset: Preset = Preset.FULL,
    pixels: Pixels = AS_THE_MODEL,
    weights: Weights = Weights.BLOCKED,
) -> Rewritten:
    """Rewrites a model. One that was rewritten already stays as it is, if nothing is asked for but the default.

    Args:
        data: the original ``.tflite`` file.
        source: what to call it in messages.
        limits: what the plan may take.
        stream_input: see :meth:`Planner.of`.
        int8_io: see :meth:`Planner.of`.
        preset: see :meth:`Planner.of`.
        pixels: see :meth:`Planner.of`.
        weights: see :meth:`Planner.of`.

    Raises:
        MsfError: if the model cannot be read or the limits cannot be kept.
    """
    model = read_model(data, source)
    asked_for_more = stream_input or int8_io or preset is not Preset.FULL or limits.are_set
    is_usual = pixels == AS_THE_MODEL and weights is Weights.BLOCKED
    if is_rewritten(model) and not asked_for_more and is_usual:
        return Rewritten(data, _report_unchanged(model, len(data)))
    planner = Planner.of(data, source, stream_input, int8_io, preset, pixels, weights)
    choice = planner.choose(limits)
    rewritten = write_model(choice.model)
    return Rewritten(rewritten, _report(planner, choice, limits.core, len(data), len(rewritten)))


def front_json(planner: Planner) -> list[dict[str, Any]]:
    """The Pareto front in plain values.

    Arena sizes in bytes, for this computer and (``total32``) a 32-bit MCU; estimated instructions for each core.
    """
    front = []
    for choice in planner.front:
        estimates = {core: round(choice.instructions(core)) for core in load_costs()}
        plan = choice.plan.to_json(choice.network)
        arena, arena32 = choice.arena, predicted(choice.model, MCU32)
        total = arena.total if arena else None
        total32 = arena32.total if arena32 else None
        front.append({**plan, "total": total, "total32": total32, "instructions": estimates})
    return front


def _report(planner: Planner, choice: Choice, core: str, size_before: int, size_after: int) -> dict[str, Any]:
    plan = choice.plan
    return {
        "macs": {"original": plan.original_macs, "plan": plan.macs},
        "overhead": round(plan.overhead, 6),
        "time": _time_json(planner, choice, core) if planner.weights is Weights.BLOCKED else None,
        "arena": {"original": arena_json(planner.model, WHEEL64), "plan": arena_json(choice.model, WHEEL64)},
        "arena32": {"original": arena_json(planner.model, MCU32), "plan": arena_json(choice.model, MCU32)},
        "head_bound": plan.head_bound,
        "flash": {"original": size_before, "plan": size_after},
        "blocks": plan.to_json(choice.network)["blocks"],
        "unfused": unfused(planner.network),
        "streamed": planner.network.is_streamed,
        "pixels": pixels_json(choice.model),
        "already_rewritten": False,
    }


def _time_json(planner: Planner, choice: Choice, core: str) -> dict[str, Any]:
    """Estimated instructions of a plan with the kernels' own inner loops."""
    return {
        "core": core,
        "instructions": round(choice.instructions(core)),
        "slowdown": round(slowdowns(planner.front, core)[planner.front.index(choice)], 3),
    }


def _report_unchanged(model: Model, size: int) -> dict[str, Any]:
    """As :func:`_report`, as far as it can be told without the original."""
    return {
        "macs": {"original": None, "plan": None},
        "overhead": None,
        "time": None,
        "arena": dict.fromkeys(("original", "plan"), arena_json(model, WHEEL64)),
        "arena32": dict.fromkeys(("original", "plan"), arena_json(model, MCU32)),
        "flash": {"original": size, "plan": size},
        "blocks": [describe_program(op.custom_options) for op in model.main.ops if op.custom_code == CUSTOM_CODE],
        "unfused": [unit for unit in unfused(build_network(model.main)) if unit["operator"] != CUSTOM_CODE],
        "streamed": is_streamed(model),
        "pixels": pixels_json(model),
        "already_rewritten": True,
    }


def pixels_json(model: Model) -> dict[str, Any] | None:
    """What the rows of a streamed model hold; None if its input is a tensor."""
    return Pixels.of(model).to_json() if is_streamed(model) else None


def arena_json(model: Model, target: Target) -> dict[str, int] | None:
    """Head, tail, total and the least arena that the model starts in, in bytes; None if not predicted."""
    size = predicted(model, target)
    if size is None:
        return None
    return {"head": size.head, "tail": size.tail, "total": size.total, "minimum": size.minimum}


def unfused(network: Network) -> list[dict[str, Any]]:
    """Operators that stay TFLM builtins, and why."""
    ops = network.graph.ops
    return [
        {"index": unit.ops[0], "operator": ops[unit.ops[0]].name, "reason": unit.reason}
        for unit in network.units
        if unit.stage is None
    ]
