"""Mutants of the product that only waste RAM or MACs: every bit stays right, so only tests that see waste can fail.

``python -m tests.waste [PYTEST ARGUMENTS]`` runs tests with each of them and says how many fail, on how many models.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tflm_msf.blocks import rings, space
from tflm_msf.blocks.overlap import Overlaps
from tflm_msf.blocks.walk import BlockWalk

ROOT = Path(__file__).parents[1]
VARIABLE = "TFLM_MSF_WASTE"
FAILED = re.compile(r"^FAILED (\S+?)(?:\[(.+)\])?(?: - .*)?$", re.MULTILINE)


class Mutant(NamedTuple):
    """A function of the product, and what it gives instead of its result (which comes before the arguments)."""

    owner: Any
    name: str
    change: Callable[..., Any]

    def apply(self) -> None:
        """Changes the function for the rest of the process."""
        original = getattr(self.owner, self.name)
        setattr(self.owner, self.name, lambda *arguments: self.change(original(*arguments), *arguments))


def _more_if_residual(rows: int, network: Any, tensor: int) -> int:
    return rows + int(len(network.consumers[tensor]) > 1)


def _apart(found: list[tuple[int, int] | None], *_: Any) -> list[None]:
    return [None] * len(found)


def _chunks_side_by_side(_: Any, walk: Any) -> Any:
    return walk._without_chunks() + sum(group.chunk_bytes for group in walk._groups.values())


def _a_column_more(demand: Any, walk: Any, stage: Any) -> Any:
    if stage.reduces:
        return demand
    return walk._strips.demand(demand.rows, demand.x0, np.minimum(demand.x1 + 1, stage.output_map.w))


MUTANTS: Mapping[str, Mutant] = {
    "a row more in every ring": Mutant(rings, "ring_rows", lambda rows, *_: rows + 1),
    "a row more in rings with several readers": Mutant(rings, "ring_rows", _more_if_residual),
    "four columns more in every ring": Mutant(rings, "newest_cols", lambda columns, *_: columns + 4),
    "64 bytes more from an output to the input under it": Mutant(
        Overlaps, "_distance", lambda found, *_: None if found is None else found + 64
    ),
    "an output never over an input": Mutant(BlockWalk, "_over_inputs", _apart),
    "chunks of all groups side by side": Mutant(BlockWalk, "_workspace", _chunks_side_by_side),
    "progress records of twice their size": Mutant(BlockWalk, "_progress_bytes", lambda size, _: 2 * size),
    "a column more in every strip": Mutant(BlockWalk, "_needed_by_readers", _a_column_more),
}


WITHOUT_COMPILED_WALKS = Mutant(space, "load_core", lambda _: None)


class Caught(NamedTuple):
    """Tests that failed, and the models among their parameters."""

    tests: int
    models: int


def caught(name: str, arguments: Sequence[str]) -> Caught:
    """Runs tests with a mutant. Raises RuntimeError if they did not run."""
    command = [sys.executable, "-m", "pytest", "-p", "tests.waste", "-rf", "--tb=no", "-m", "not slow", *arguments]
    environment = {**os.environ, VARIABLE: name}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stdout + done.stderr)
    failed = FAILED.findall(done.stdout)
    return Caught(len(failed), len({model for _, model in failed}))


def pytest_configure() -> None:
    """As a plugin: applies the mutant that is asked for; blocks are walked in Python, which is what it changes."""
    WITHOUT_COMPILED_WALKS.apply()
    MUTANTS[os.environ[VARIABLE]].apply()


if __name__ == "__main__":
    for mutant in MUTANTS:
        found = caught(mutant, sys.argv[1:] or ["tests/blocks/test_walk.py"])
        print(f"{mutant}: {found.tests} tests on {found.models} models")
