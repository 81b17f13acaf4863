"""Text from files, fit for a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """``text`` in one line: control characters, which may steer a terminal, and bytes that are no UTF-8 are escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
