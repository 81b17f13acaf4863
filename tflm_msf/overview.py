"""Everything about a model and its plan on one page, and the pictures of it: plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from tflm_msf.advice import advise, choose_or_advise
from tflm_msf.analyze import boards_that_hold
from tflm_msf.arena import MCU32, Target, live_bytes
from tflm_msf.boards import load_boards
from tflm_msf.choice import Choice
from tflm_msf.compare import front_curves, tflm_today
from tflm_msf.fits import find_fits
from tflm_msf.graph import Model
from tflm_msf.inspect import peak
from tflm_msf.network.units import build_network
from tflm_msf.planner import DEFAULT_REQUEST, Planner
from tflm_msf.report.memory import memory_json
from tflm_msf.report.values import front_json, rewrite_json
from tflm_msf.request import Request
from tflm_msf.search.effort import Say, silent
from tflm_msf.tflite_io import read_model, write_model


def overview(data: bytes, source: str, request: Request = DEFAULT_REQUEST, say: Say = silent) -> dict[str, Any]:
    """What the page of a model shows.

    Args:
        data: an original ``.tflite`` file.
        source: what to call it.
        request: what to make of it, within which limits.
        say: hears what is being done.

    Returns:
        Plain values, sizes in bytes; see ``report`` in ``docs/schema.json``.

    Raises:
        MsfError: if the model cannot be read, or the limits cannot be kept.
    """
    model = read_model(data, source)
    planner = Planner.of_model(model, source, request, say)
    choice = choose_or_advise(planner)
    memories = memories_json(planner, choice)
    say("the presets")
    curves = front_curves(planner)
    say("the boards")
    fits = find_fits(data, source, load_boards(), request)
    say("advice")
    limits = request.limits_there
    return {
        "source": source,
        "operators": len(model.main.ops),
        "target": request.shown.to_json(),
        "limits": {"ram": limits.ram, "overhead": limits.max_overhead, "slowdown": limits.max_slowdown},
        "peak": peak(model),
        "today": tflm_today(planner),
        "plan": rewrite_json(planner, choice, len(data), len(write_model(choice.model))),
        "chosen": _nearest(planner, choice),
        "front": front_json(planner),
        "presets": {name: [list(point) for point in curve] for name, curve in curves.items()},
        "memory": memories,
        "layers": layers_json(planner.original, choice, memories),
        "boards": [fit.to_json() for fit in fits],
        "holds": boards_that_hold(fits),
        "advice": [advice.to_json() for advice in advise(planner)],
    }


def _nearest(planner: Planner, choice: Choice) -> int:
    """The point of the front that a plan is, or was before its blocks were made faster in the room that is left."""
    distances = [
        (abs(point.plan.macs - choice.plan.macs), abs(point.needed - choice.needed)) for point in planner.front
    ]
    return distances.index(min(distances))


def memories_json(planner: Planner, choice: Choice) -> dict[str, Any]:
    """What lies where and when, ``before`` and ``after``; see :func:`tflm_msf.report.memory.memory_json`."""
    target = _placed_by(planner.request)
    return {
        "before": memory_json(planner.original, target),
        "after": memory_json(choice.model, target, _computed(choice)),
    }


def _placed_by(request: Request) -> Target:
    """A TFLM: exported C, which has none, keeps the plan's offsets, as this one does."""
    return request.shown if request.shown.is_tflm else MCU32


def _computed(choice: Choice) -> list[list[int]]:
    """The operators of the original that each step of a plan computes."""
    network = choice.network
    ranges = (network.units[step.edge.first : step.edge.last + 1] for step in choice.plan.steps)
    return [sorted({network.in_file(op) for unit in units for op in unit.ops}) for units in ranges]


def layers_json(model: Model, choice: Choice, memories: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each operator of the original: what it reads, its MACs, its block, and the bytes in use ``before`` and ``after``.

    ``after`` is None where the operator was folded away, or what TFLM makes of the plan is not known.
    """
    graph = model.main
    before = [step["bytes"] for step in memories["before"]["steps"]] if memories["before"] else live_bytes(model)
    made_by = {tensor: index for index, op in enumerate(graph.ops) for tensor in op.outputs}
    step_of = _with_views(_steps_of(choice), len(graph.ops))
    blocks = list(accumulate(int(step.block is not None) for step in choice.plan.steps))
    after = [step["bytes"] for step in memories["after"]["steps"]] if memories["after"] else []
    macs = {unit.ops[-1]: unit.stage.macs for unit in build_network(graph).units if unit.stage}
    layers = []
    for index, op in enumerate(graph.ops):
        step = step_of.get(index)
        is_fused = step is not None and choice.plan.steps[step].block is not None
        layers.append(
            {
                "index": index,
                "operator": op.name,
                "shape": list(graph.tensors[op.outputs[0]].shape) if op.outputs else [],
                "reads": sorted({made_by[tensor] for tensor in op.inputs if made_by.get(tensor, index) < index}),
                "macs": macs.get(index),
                "block": blocks[step] - 1 if step is not None and is_fused else None,
                "before": before[index],
                "after": after[step] if step is not None and after else None,
            }
        )
    return layers


def _steps_of(choice: Choice) -> dict[int, int]:
    """The step of the plan that computes each operator of the original."""
    return {op: number for number, operators in enumerate(_computed(choice)) for op in operators}


def _with_views(step_of: Mapping[int, int], count: int) -> dict[int, int]:
    """The same with operators that vanished between two that one step computes: reshapes, for the most part."""
    filled = dict(step_of)
    for index in range(1, count):
        following = next((step_of[later] for later in range(index, count) if later in step_of), None)
        if index not in filled and following is not None and filled.get(index - 1) == following:
            filled[index] = following
    return filled


def picture_values(planner: Planner, choice: Choice) -> tuple[dict[str, Any], Sequence[Mapping[str, Any]]]:
    """What the pictures of memory and of the network are drawn from."""
    memories = memories_json(planner, choice)
    return memories, layers_json(planner.original, choice, memories)
