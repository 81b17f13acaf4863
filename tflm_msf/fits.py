"""Which boards hold a model, before and after rewriting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from tflm_msf.arena import Target
from tflm_msf.boards import Board
from tflm_msf.choice import Choice, predicted
from tflm_msf.errors import MsfError
from tflm_msf.graph import Model
from tflm_msf.planner import DEFAULT_REQUEST, Planner
from tflm_msf.request import DEFAULT_CORE, Limits, Request
from tflm_msf.tflite_io import read_model

TFLM_CODE = 64 * 1024
"""Bytes of flash for TFLM's interpreter and a few of its kernels: an estimate, for -Os on a Cortex-M."""

KERNEL_CODE = 24 * 1024
"""Bytes of flash for the kernels of fusion blocks: more than they take at -Os on a Cortex-M4."""


@dataclass(frozen=True)
class Version:
    """A model, original or rewritten: arena and flash in bytes; ``arena`` is None where it is not predicted."""

    arena: int | None
    flash: int
    overhead: float

    def fits(self, board: Board) -> bool:
        """True if arena and flash are both known to suffice."""
        return not self.lacking(board)

    def lacking(self, board: Board) -> tuple[str, ...]:
        """What the board has too little of: "ram" (also if the arena is not known), "flash"."""
        has_ram = self.arena is not None and self.arena <= board.usable_ram
        has_flash = self.flash <= board.usable_flash
        return (*(() if has_ram else ("ram",)), *(() if has_flash else ("flash",)))

    def to_json(self, board: Board) -> dict[str, Any]:
        """Plain values."""
        overhead = round(self.overhead, 6)
        return {
            "fits": self.fits(board),
            "lacking": list(self.lacking(board)),
            "arena": self.arena,
            "flash": self.flash,
            "overhead": overhead,
        }


@dataclass(frozen=True)
class TwoMemoriesFit:
    """A rewritten model in a board's RAM and its PSRAM of ``psram`` bytes: bytes of each, and bytes read and written in
    the PSRAM in one inference.
    """

    psram: int
    fast: int
    slow: int
    traffic: int
    overhead: float


@dataclass(frozen=True)
class Fit:
    """A model on a board: as it was, rewritten, and rewritten with streamed input.

    Of the rewritten ones, the fastest that fits; else the least arena (None: there is none). ``in_two``: where
    the rewritten model does not fit the RAM of a board with PSRAM, what it takes of both.
    """

    board: Board
    original: Version
    rewritten: Version | None
    streamed: Version | None
    in_two: TwoMemoriesFit | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values; sizes in bytes."""
        versions = {"original": self.original, "rewritten": self.rewritten, "streamed": self.streamed}
        return {
            "board": self.board.name,
            "usable_ram": self.board.usable_ram,
            "usable_flash": self.board.usable_flash,
            **{name: version.to_json(self.board) if version else None for name, version in versions.items()},
            "two_memories": None if self.in_two is None else asdict(self.in_two),
        }


def find_fits(data: bytes, source: str, boards: Sequence[Board], request: Request = DEFAULT_REQUEST) -> list[Fit]:
    """How a model fits each board, by what TFLM allocates there, in the plan that `rewrite --board` would choose.

    The figure is what that plan needs; `rewrite --board` may use more of the board's RAM to make its blocks faster.

    Args:
        data: the original ``.tflite`` file.
        source: what to call it in messages.
        boards: where to put it.
        request: what to make of it; its limits do not matter, and input is streamed besides.

    Returns:
        One result for each board, in order. The rewritten file is taken to be as large as the original, which it is
        at most.

    Raises:
        MsfError: if the model cannot be read.
    """
    model = read_model(data, source)
    code = len(data) + TFLM_CODE
    fits = []
    asked = {board.target: replace(request, target=board.target) for board in boards}
    rewritten_on, streamed_on = {}, {}
    for target, there in asked.items():
        rewritten_on[target] = _versions(Planner.of_model(model, source, there), target, code + KERNEL_CODE)
        streamed_on[target] = _versions(_streamed(model, source, there), target, code + KERNEL_CODE)
    for board in boards:
        before = predicted(model, board.target)
        original = Version(before.minimum if before else None, code, 1.0)
        rewritten = _best(rewritten_on[board.target], board)
        in_two = None
        if board.psram is not None and rewritten is not None and "ram" in rewritten.lacking(board):
            in_two = _in_two(model, source, replace(request, target=board.target), board, board.psram.size)
        fits.append(Fit(board, original, rewritten, _best(streamed_on[board.target], board), in_two))
    return fits


def _in_two(model: Model, source: str, request: Request, board: Board, psram: int) -> TwoMemoriesFit | None:
    """A model in a board's RAM and its PSRAM, if it can be there."""
    there = replace(request, fast_ram=board.usable_ram)
    try:
        choice = Planner.of_model(model, source, there).choose(Limits(ram=psram))
    except MsfError:
        return None
    overhead = round(choice.plan.overhead, 6)
    return TwoMemoriesFit(psram, choice.plan.fast_bytes, choice.needed, choice.plan.traffic, overhead)


def _streamed(model: Model, source: str, request: Request) -> Planner | None:
    """The model with streamed input, if it can have that."""
    try:
        return Planner.of_model(model, source, replace(request, stream_input=True))
    except MsfError:
        return None


_Planned = tuple[Choice, Version]
"""A plan, and what is made of the model with it."""


def _versions(planner: Planner | None, target: Target, flash: int) -> list[_Planned]:
    """One for each plan whose arena on ``target`` is known."""
    sizes = [(choice, choice.arena_on(target)) for choice in (planner.front if planner else ())]
    return [(choice, Version(size.minimum, flash, choice.plan.overhead)) for choice, size in sizes if size is not None]


def _best(planned: Sequence[_Planned], board: Board) -> Version | None:
    """The fastest in the board's RAM, as `rewrite --board` chooses; flash is the same for all of them."""
    if not planned:
        return None
    core = board.timed_as or DEFAULT_CORE
    priced = [(choice.instructions(core), version.arena or 0, version) for choice, version in planned]
    fitting = [each for each in priced if "ram" not in each[-1].lacking(board)]
    if fitting:
        return min(fitting, key=lambda each: each[:2])[-1]
    return min(priced, key=lambda each: (each[1], each[0]))[-1]
