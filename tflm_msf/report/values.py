"""What there is to say about plans, in plain values: what ``--json`` prints and what tables are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from tflm_msf.arena import ArenaSize, Target, arena_need, refusals
from tflm_msf.choice import Choice, predicted, slowdowns
from tflm_msf.cost.cycles import cycles_of, energy_of, lines_of
from tflm_msf.cost.slow import SPEEDS, milliseconds
from tflm_msf.cost.time_model import load_costs
from tflm_msf.endings import endings_json
from tflm_msf.format import CUSTOM_CODE, state_size
from tflm_msf.graph import Model
from tflm_msf.graph.pixels import Pixels
from tflm_msf.graph.shapes import stale_shape_sentences
from tflm_msf.graph.step import Step
from tflm_msf.network.units import Network, build_network
from tflm_msf.planner import Planner
from tflm_msf.program.decode import describe_program, fetches_of, is_streamed
from tflm_msf.program.layout import Weights
from tflm_msf.request import Limits, Request


def front_json(planner: Planner) -> list[dict[str, Any]]:
    """The Pareto front in plain values.

    Arena sizes in bytes (``total`` on the target that is shown; ``minimum``: what suffices on all that count), and
    estimated instructions for each core.
    """
    front = []
    for choice in planner.front:
        estimates = {core: round(choice.instructions(core)) for core in load_costs()}
        arena = choice.arena_on(planner.request.shown)
        front.append(
            {
                **choice.plan.to_json(choice.network),
                "total": arena.total if arena else None,
                "minimum": choice.needed if arena else None,
                "instructions": estimates,
            }
        )
    return front


def rewrite_json(planner: Planner, choice: Choice, size_before: int, size_after: int) -> dict[str, Any]:
    """What a rewriting changed; sizes of the files in bytes."""
    plan = choice.plan
    target = planner.request.shown
    return {
        "macs": {"original": plan.original_macs, "plan": plan.macs},
        "overhead": round(plan.overhead, 6),
        "time": time_json(planner, choice) if planner.request.weights is Weights.PACKED else None,
        "target": target.to_json(),
        "arena": {
            "original": size_json(predicted(planner.original, target)),
            "plan": size_json(choice.arena_on(target)),
        },
        "needed": need_json(choice.arena_on, planner.request.targets),
        "memories": memories_json(planner, choice),
        "head_bound": plan.head_bound,
        "proved": plan.proved,
        "flash": {"original": size_before, "plan": size_after},
        "blocks": plan.to_json(choice.network)["blocks"],
        "simplified": [change.to_json() for change in planner.changes],
        "warnings": stale_shape_sentences(planner.original.main, planner.source),
        "unfused": unfused(planner.network),
        "endings": endings_json(planner.network),
        "streamed": planner.network.is_streamed,
        "pixels": pixels_json(choice.model),
        "step": step_json(planner, choice),
        "refused": refused_json(planner.original),
        "notes": [*refusal_notes(planner.original), *lost_names(planner.model, choice.model)],
        "already_rewritten": False,
    }


def memories_json(planner: Planner, choice: Choice) -> dict[str, Any] | None:
    """What a plan for two memories takes of each, and the time that its traffic takes; None for a plan of one memory.

    Bytes; ``slow`` as TFLM or the exported C needs them for the arena. Where the whole arena has room in fast memory
    nothing is slow.
    """
    request = planner.request
    if request.fast_ram is None:
        return None
    is_whole = choice.plan.fast is None
    board = request.board
    speeds = (board.psram.speed,) if board is not None and board.psram is not None else SPEEDS
    return {
        "fast_ram": request.fast_ram,
        "fast": choice.needed if is_whole else choice.plan.fast_bytes,
        "slow": 0 if is_whole else choice.needed,
        "traffic": choice.plan.traffic,
        "least_traffic": 0 if is_whole else planner.least_traffic,
        "times": [
            {"megabytes_per_second": speed, "milliseconds": round(milliseconds(choice.plan.traffic, speed), 3)}
            for speed in speeds
        ],
    }


def time_json(planner: Planner, choice: Choice) -> dict[str, Any]:
    """Estimated instructions of a plan with the kernels' own inner loops, cycles where memory never waits, lines that a
    cache fetches from flash, and energy.

    All but instructions are None for a core where nobody knows them.
    """
    core = planner.request.limits_there.timed_on
    instructions = choice.instructions(core)
    cycles = cycles_of(instructions, core)
    lines = lines_of(cycles, core)
    energy = energy_of(cycles, lines, core)
    return {
        "core": core,
        "instructions": round(instructions),
        "slowdown": round(slowdowns((*planner.front, choice), core)[-1], 3),
        "cycles": None if cycles is None else round(cycles),
        "flash_lines": None if lines is None else round(lines),
        "energy": None if energy is None else {"chip": energy.chip, "microjoules": round(energy.microjoules, 1)},
    }


def unchanged_json(model: Model, size: int, request: Request) -> dict[str, Any]:
    """As :func:`rewrite_json` for a model that was rewritten before, as far as it can be told without the original."""
    target = request.shown
    return {
        "macs": {"original": None, "plan": None},
        "overhead": None,
        "proved": None,
        "time": None,
        "target": target.to_json(),
        "arena": dict.fromkeys(("original", "plan"), arena_json(model, target)),
        "needed": need_json(lambda target: predicted(model, target), request.targets),
        "memories": None,
        "flash": {"original": size, "plan": size},
        "blocks": [describe_program(op.custom_options) for op in model.main.ops if op.custom_code == CUSTOM_CODE],
        "simplified": [],
        "warnings": [],
        "unfused": [unit for unit in unfused(build_network(model.main)) if unit["operator"] != CUSTOM_CODE],
        "endings": [],
        "streamed": is_streamed(model),
        "pixels": pixels_json(model),
        "step": said_step(model),
        "refused": refused_json(model),
        "notes": refusal_notes(model),
        "already_rewritten": True,
    }


def refused_json(model: Model) -> list[dict[str, Any]]:
    """The operators that TFLM does not run, and why; a rewritten model may run without them."""
    return [refusal.to_json() for refusal in refusals(model.main)]


def refusal_notes(model: Model) -> list[str]:
    """The same as sentences."""
    return [f"Before it is rewritten, {refusal}." for refusal in refusals(model.main)]


def lost_names(before: Model, after: Model) -> list[str]:
    """A sentence for each output of a signature that is no tensor any more, because it is inside a fusion block."""
    lost = []
    for old, new in zip(before.signatures, after.signatures, strict=True):
        kept, tensors = {name for name, _ in new.outputs}, before.graphs[old.graph].tensors
        lost += [
            f"Signature '{old.key}' named the inner tensor '{tensors[tensor].name}' its output "
            f"'{name}'; it is inside a fusion block now, and the name was left out."
            for name, tensor in old.outputs
            if name not in kept
        ]
    return lost


def pixels_json(model: Model) -> dict[str, Any] | None:
    """What the rows of a streamed model hold; None if its input is a tensor."""
    return {**Pixels.of(model).to_json(), "fetches": fetches_of(model)} if is_streamed(model) else None


def said_step(model: Model) -> dict[str, Any] | None:
    """What a rewritten model says of its steps; None for one that has none."""
    step = Step.of(model)
    return None if step is None else {**step.to_json(), "state": state_bytes(model)}


def step_json(planner: Planner, choice: Choice) -> dict[str, Any] | None:
    """A step, beside the window planned as a whole at no extra compute; None for a model that is no step model.

    ``state`` is in bytes, and part of the arena.
    """
    said = said_step(choice.model)
    if said is None or planner.window is None:
        return None
    request = replace(planner.request, stateful=None, limits=Limits())
    whole = Planner.of_model(planner.original, planner.source, request, planner.say).choose()
    arena = size_json(whole.arena_on(request.shown))
    return {**said, "macs_of_window": planner.window.macs, "arena_of_window": arena}


def state_bytes(model: Model) -> int:
    """What the blocks of a rewritten model keep from one invocation to the next."""
    return sum(state_size(op.custom_options) for op in model.main.ops if op.custom_code == CUSTOM_CODE)


def arena_json(model: Model, target: Target) -> dict[str, int] | None:
    """Head, tail, total and the least arena that the model starts in, in bytes; None if not predicted."""
    return size_json(predicted(model, target))


def size_json(size: ArenaSize | None) -> dict[str, int] | None:
    """As :func:`arena_json`, of a prediction."""
    if size is None:
        return None
    return {"head": size.head, "tail": size.tail, "total": size.total, "minimum": size.minimum}


def need_json(arena_on: Callable[[Target], ArenaSize | None], targets: Sequence[Target]) -> dict[str, int] | None:
    """Bytes of arena that suffice on all of ``targets``, for builds of TFLM with static memory and (``dynamic``)
    without; None if not predicted.
    """
    sizes = {target: arena_on(target) for target in targets}
    known = {target: size for target, size in sizes.items() if size is not None}
    return arena_need(known.__getitem__, targets)._asdict() if len(known) == len(sizes) else None


def unfused(network: Network) -> list[dict[str, Any]]:
    """Operators that stay TFLM builtins, and why."""
    ops = network.graph.ops
    return [
        {"index": network.in_file(unit.ops[0]), "operator": ops[unit.ops[0]].name, "reason": unit.reason}
        for unit in network.units
        if unit.stage is None
    ]
