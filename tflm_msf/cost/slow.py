"""What a byte in slow memory costs in time.

Nominal figures, not measured here. An octal PSRAM moves two bytes a clock, 160 MB/s at 80 MHz; what caches fetch of it
is lines, each behind a command, an address and a latency of about as many clocks as the line itself takes, so half of
that is taken: 80 MB/s. A quad PSRAM moves half a byte a clock: 20 MB/s at 40 MHz. Boards say theirs.
"""

from __future__ import annotations

SPEEDS = (80.0, 20.0)
"""Millions of bytes a second: of an octal and of a quad PSRAM."""


def milliseconds(traffic: int, speed: float) -> float:
    """Time in slow memory for ``traffic`` bytes read and written, at ``speed`` millions of bytes a second."""
    return traffic / (speed * 1e3)
