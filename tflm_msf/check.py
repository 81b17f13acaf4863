"""Limits in a file, and whether a model keeps them: for continuous integration."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tflm_msf.arena import Target, find_target
from tflm_msf.boards import Board, find_board
from tflm_msf.choice import Choice, predicted
from tflm_msf.cost.time_model import load_costs
from tflm_msf.errors import LimitMissedError, MsfError
from tflm_msf.graph import Model
from tflm_msf.planner import Planner
from tflm_msf.program.decode import is_rewritten
from tflm_msf.request import Limits, Request
from tflm_msf.sizes import parse_size
from tflm_msf.tflite_io import write_model

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

KEYS = ("board", "target", "core", "arena", "flash", "overhead", "instructions")


@dataclass(frozen=True)
class Place:
    """Where a model has to run, and what it may take there. None: whatever it takes.

    ``arena`` and ``flash`` are in bytes, ``overhead`` is the MAC overhead factor F, ``instructions`` are those that the
    time model estimates for one inference on ``core``.
    """

    name: str
    board: Board | None = None
    target: Target | None = None
    core: str | None = None
    arena: int | None = None
    flash: int | None = None
    overhead: float | None = None
    instructions: float | None = None

    def request(self, request: Request) -> Request:
        """The request for this place: with no limit on RAM and compute, no compute twice."""
        limits = Limits(self.arena, self.overhead, core=self.core)
        return replace(request, limits=limits, board=self.board, target=self.target)


@dataclass(frozen=True)
class Checked:
    """One limit and the value that was found; None: it is not known, and so not kept."""

    place: str
    what: str
    limit: float
    value: float | None

    @property
    def is_kept(self) -> bool:
        """True if the value is known and within the limit."""
        return self.value is not None and self.value <= self.limit

    def to_json(self) -> dict[str, Any]:
        """In plain values."""
        value = None if self.value is None else round(self.value, 6)
        return {"place": self.place, "what": self.what, "limit": self.limit, "value": value, "kept": self.is_kept}


def read_limits(text: str, source: str) -> tuple[Place, ...]:
    """A table for each place (see :class:`Place`); the name of the table names it.

    Raises:
        MsfError: for what is no TOML, an unknown key, a value that is no limit, or a file without any.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MsfError(f"{source} is no TOML: {error}.") from None
    places = tuple(_place(name, table, source) for name, table in tables.items())
    if not places:
        raise MsfError(f'{source} has no limits: write a table such as [mcu] with arena = "64KiB".')
    return places


def _place(name: str, table: object, source: str) -> Place:
    if not isinstance(table, Mapping):
        raise MsfError(f"{source}: '{name}' stands alone; limits are in tables such as [mcu].")
    unknown = [key for key in table if key not in KEYS]
    if unknown:
        raise MsfError(f"{source}: [{name}] has an unknown key '{unknown[0]}'; known are {', '.join(KEYS)}.")
    where = f"{source}: [{name}]"
    board = find_board(str(table["board"])) if "board" in table else None
    target = find_target(str(table["target"])) if "target" in table else None
    core = str(table["core"]) if "core" in table else None
    if core is not None and core not in load_costs():
        raise MsfError(f"{where} names a core '{core}'; known are {', '.join(load_costs())}.")
    return Place(
        name,
        board,
        target,
        core,
        _size(table, "arena", where),
        _size(table, "flash", where),
        _number(table, "overhead", where, 1.0),
        _number(table, "instructions", where, 0.0),
    )


def _size(table: Mapping[str, Any], key: str, where: str) -> int | None:
    if key not in table:
        return None
    try:
        return parse_size(str(table[key]))
    except ValueError as error:
        raise MsfError(f"{where} {key}: {error}") from None


def _number(table: Mapping[str, Any], key: str, where: str, least: float) -> float | None:
    value = table.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value < math.inf:
        raise MsfError(f"{where} {key} is {value!r}; write a number of at least {least:g}.")
    return float(value)


def check(model: Model, size: int, source: str, places: tuple[Place, ...], request: Request) -> list[Checked]:
    """Compares what a model takes with what it may take.

    Args:
        model: an original, which is taken as the request rewrites it within the limits; or a rewritten one, as it is.
        size: of the model's file, in bytes.
        source: what to call it in messages.
        places: where it has to run.
        request: what to make of an original; its limits do not matter.

    Returns:
        One entry for each limit.

    Raises:
        MsfError: if the model cannot be rewritten, or for limits that cannot be told from a rewritten file.
    """
    if is_rewritten(model):
        return [found for place in places for found in _of_rewritten(model, size, place, source)]
    planner = Planner.of_model(model, source, request)
    return [found for place in places for found in _of_plan(planner, place)]


def _of_rewritten(model: Model, size: int, place: Place, source: str) -> Iterator[Checked]:
    for key in ("overhead", "instructions"):
        if getattr(place, key) is not None:
            raise MsfError(f"{source} is rewritten already, and its {key} is known from the original only: give that.")
    request = place.request(Request())
    ram = request.limits_there.ram
    if ram is not None:
        sizes = [predicted(model, target) for target in request.targets]
        arena = max((found.minimum for found in sizes if found is not None), default=0)
        yield Checked(place.name, "arena", ram, None if None in sizes else arena)
    if place.flash is not None:
        yield Checked(place.name, "flash", place.flash, size)


def _of_plan(planner: Planner, place: Place) -> Iterator[Checked]:
    there = replace(planner, request=place.request(planner.request))
    limits = there.request.limits_there
    choice = _choice(there)
    if limits.ram is not None:
        is_known = None not in (choice.arena_on(target) for target in there.request.targets)
        yield Checked(place.name, "arena", limits.ram, choice.needed if is_known else None)
    if place.overhead is not None:
        yield Checked(place.name, "overhead", place.overhead, choice.plan.overhead)
    if place.flash is not None:
        yield Checked(place.name, "flash", place.flash, len(write_model(choice.model)))
    if place.instructions is not None:
        yield Checked(place.name, "instructions", place.instructions, choice.instructions(limits.timed_on))


def _choice(planner: Planner) -> Choice:
    """The plan within the limits; if there is none, that of the least arena, by which the limit is missed least."""
    try:
        return planner.choose()
    except LimitMissedError:
        return planner.choose(Limits(None, math.inf))
