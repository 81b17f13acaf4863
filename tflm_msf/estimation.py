"""What a network will take once it is trained, converted and rewritten: from its layers alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tflm_msf.choice import Choice
from tflm_msf.cost.time_model import load_costs
from tflm_msf.graph import Model
from tflm_msf.layers import Layer
from tflm_msf.layers.build import model_of
from tflm_msf.planner import DEFAULT_REQUEST, Planner
from tflm_msf.request import Limits, Request
from tflm_msf.tflite_io import write_model


@dataclass(frozen=True)
class Estimate:
    """A network's plan, and what it takes.

    Arena, MACs and plan are those of the rewritten model, whatever its weights. Instructions and flash depend on
    weights a little.
    """

    planner: Planner
    choice: Choice

    @property
    def arena(self) -> int:
        """Bytes of arena that suffice on the targets that count."""
        return self.choice.needed

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return self.choice.plan.macs

    @property
    def overhead(self) -> float:
        """MAC overhead factor F: MACs of the plan / MACs of the network layer by layer."""
        return self.choice.plan.overhead

    @cached_property
    def instructions(self) -> Mapping[str, int]:
        """Estimated instructions of one inference on each core, without those of builtins that stay."""
        return {core: round(self.choice.instructions(core)) for core in load_costs()}

    @cached_property
    def flash(self) -> int:
        """Bytes of the rewritten model's file."""
        return len(write_model(self.choice.model))

    def within(self, limits: Limits) -> Estimate:
        """The same network's plan for other limits. Raises MsfError if no plan keeps them."""
        return Estimate(self.planner, self.planner.choose(limits))

    def to_json(self) -> dict[str, Any]:
        """In plain values."""
        return {
            **self.choice.plan.to_json(self.choice.network),
            "arena": self.arena,
            "instructions": dict(self.instructions),
            "flash": self.flash,
        }


def estimate_layers(
    layers: Sequence[Layer], request: Request = DEFAULT_REQUEST, source: str = "the network"
) -> Estimate:
    """What a network takes.

    Args:
        layers: the network.
        request: what to make of it, within which limits.
        source: what to call it in messages.

    Raises:
        MsfError: for layers that do not fit each other, or limits that cannot be kept.
    """
    return estimate_model(model_of(layers), request, source)


def estimate_model(model: Model, request: Request, source: str) -> Estimate:
    """As :func:`estimate_layers`, of a model whose weights may be made up."""
    planner = Planner.of_model(model, source, request)
    return Estimate(planner, planner.choose())
