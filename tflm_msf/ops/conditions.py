"""What an operator has to be like to be fused, declared where it is lowered; ``docs/OPERATORS.md`` is made of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Lowering = TypeVar("Lowering", bound=Callable[..., object])

_DECLARED: dict[Callable[..., object], tuple[str, ...]] = {}


def fused_if(*conditions: str) -> Callable[[Lowering], Lowering]:
    """Declares what a lowering requires, besides what all of them do (``ALWAYS_REQUIRED``)."""

    def declare(lowering: Lowering) -> Lowering:
        _DECLARED[lowering] = conditions
        return lowering

    return declare


def conditions_of(lowering: Callable[..., object]) -> tuple[str, ...]:
    """What was declared; KeyError if nothing was."""
    return _DECLARED[lowering]


ALWAYS_REQUIRED = (
    "one image, or a batch in a network of which every operator is fusable and none mixes images; at most three other "
    "dimensions, none above 65,535 (height or width: 4,194,303 where the other is at most 254)",
    "activations are int8, computed by the network, with one positive scale and one zero point each",
    "a fused activation is none, RELU, RELU_N1_TO_1 or RELU6",
    "the output has the shape that follows from the inputs",
)
"""For every operator, but where it says otherwise."""

SCALES = "scales whose ratio TFLM's fixed-point arithmetic takes"
WINDOW = "kernel, stride and dilation from 1 to 255"
WEIGHTS = "dense constant int8 weights, with one scale or one for each output channel"
BIAS = "the bias, if any, is a constant of type int32"
TWO_MAPS = "two maps of the same size, or a map and a constant or single pixel that is broadcast over height and width"
CONSTANTS = "positions and sizes are constants of type int32"
RATIO = "heights and widths whose ratio has small numbers: factors up to 16 over steps up to 255"
