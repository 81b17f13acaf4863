"""How long a search may take, who hears what it is doing, and that nothing holds it up."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic

Say = Callable[[str], None]
"""Hears what a search is doing, in half a sentence."""


def silent(_: str) -> None:
    """Nobody hears."""


@dataclass
class Effort:
    """Seconds from now on that a search may take (None: as long as it takes), and ``say``, which hears what it does.

    A search that ran out of time ends with the best it has found, which is then not known to be the best there is.
    """

    seconds: float | None = None
    say: Say = silent
    ran_out: bool = False
    _started: float = field(default_factory=monotonic)

    def is_spent(self) -> bool:
        """True once the time is over; it stays so."""
        if not self.ran_out and self.seconds is not None:
            self.ran_out = monotonic() - self._started > self.seconds
        return self.ran_out


UNLIMITED = Effort()


@contextmanager
def no_collection() -> Iterator[None]:
    """Collects no garbage meanwhile: of the many small tuples that edges are, none is any, and each look at all of them
    takes time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
