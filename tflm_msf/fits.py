"""Which boards hold a model, before and after rewriting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tflm_msf.arena import Target
from tflm_msf.boards import Board
from tflm_msf.rewrite import Choice, Planner, predicted

TFLM_CODE = 64 * 1024
"""Bytes of flash for TFLM's interpreter and a few of its kernels: an estimate, for -Os on a Cortex-M."""

KERNEL_CODE = 24 * 1024
"""Bytes of flash for the kernels of fusion blocks: more than they take at -Os on a Cortex-M4."""


@dataclass(frozen=True)
class Version:
    """A model, original or rewritten, on a board: arena and flash in bytes; ``arena`` None where not predicted."""

    arena: int | None
    flash: int
    overhead: float

    def fits(self, board: Board) -> bool:
        """True if arena and flash are both known to suffice."""
        return self.arena is not None and self.arena <= board.usable_ram and self.flash <= board.usable_flash

    def to_json(self, board: Board) -> dict[str, Any]:
        """Plain values."""
        overhead = round(self.overhead, 6)
        return {"fits": self.fits(board), "arena": self.arena, "flash": self.flash, "overhead": overhead}


@dataclass(frozen=True)
class Fit:
    """A model on a board, as it was and rewritten with the least compute that fits (None: nothing does)."""

    board: Board
    original: Version
    rewritten: Version | None
    least_arena: int | None

    def to_json(self) -> dict[str, Any]:
        """Plain values; sizes in bytes. ``least_arena`` is what no plan goes below."""
        return {
            "board": self.board.name,
            "usable_ram": self.board.usable_ram,
            "usable_flash": self.board.usable_flash,
            "original": self.original.to_json(self.board),
            "rewritten": self.rewritten.to_json(self.board) if self.rewritten else None,
            "least_arena": self.least_arena,
        }


def find_fits(planner: Planner, boards: tuple[Board, ...], original_size: int) -> list[Fit]:
    """How a model fits each board, by what TFLM allocates there.

    Args:
        planner: the model.
        boards: where to put it.
        original_size: bytes of the original file.

    Returns:
        One result for each board, in order. The rewritten file is taken to be as large as the original, which it is
        at most.
    """
    arenas = {target: _arenas(planner, target) for target in {board.target for board in boards}}
    return [_fit(planner, board, original_size, arenas[board.target]) for board in boards]


def _arenas(planner: Planner, target: Target) -> list[tuple[Choice, int]]:
    """The plans whose arena on ``target`` is known, and that arena."""
    sizes = [(choice, predicted(choice.model, target)) for choice in planner.front]
    return [(choice, size.minimum) for choice, size in sizes if size is not None]


def _fit(planner: Planner, board: Board, size: int, arenas: list[tuple[Choice, int]]) -> Fit:
    before = predicted(planner.model, board.target)
    original = Version(before.minimum if before else None, size + TFLM_CODE, 1.0)
    versions = [Version(arena, size + TFLM_CODE + KERNEL_CODE, choice.plan.overhead) for choice, arena in arenas]
    fitting = [version for version in versions if version.fits(board)]
    best = min(fitting, key=lambda version: (version.overhead, version.arena), default=None)
    return Fit(board, original, best, min((arena for _, arena in arenas), default=None))
