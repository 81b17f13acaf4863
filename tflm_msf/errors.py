"""The exceptions that a user is meant to see."""

from __future__ import annotations

USAGE_STATUS = 2
"""Exit status of the command line for whatever a user is told in a sentence, unless a command says otherwise."""


class MsfError(Exception):
    """A sentence for the user: what is wrong, where, and what to do about it.

    The command line prints it on stderr and exits with ``status``.
    """

    status = USAGE_STATUS


class LimitMissedError(MsfError):
    """No plan keeps the limits.

    ``arena`` (bytes) and ``overhead`` are those of the plan that comes closest.
    """

    def __init__(self, message: str, arena: int, overhead: float) -> None:
        super().__init__(message)
        self.arena = arena
        self.overhead = overhead
