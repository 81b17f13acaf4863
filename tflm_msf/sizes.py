"""Sizes in bytes as people write them, and as people read them."""

from __future__ import annotations

import re
from decimal import Decimal

_UNITS = {"": 1, "b": 1, "k": 1000, "kb": 1000, "kib": 1024, "m": 1000**2, "mb": 1000**2, "mib": 1024**2}

TENSOR_ALIGNMENT = 16
"""Bytes that tensors are aligned to, in any arena and in fast memory (TFLM's ``MicroArenaBufferAlignment``)."""

LARGEST = 2**63 - 1
MOST_SHOWN = 40
"""Characters of a wrong size that a message repeats."""


def parse_size(text: str) -> int:
    """Bytes of ``65536``, ``64KiB`` (1024), ``64kB`` or ``64k`` (1000), ``1.5MiB``.

    Raises:
        ValueError: with a sentence, for anything else.
    """
    shown = text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", text)
    if match is None or match[2].lower() not in _UNITS:
        raise ValueError(f"'{shown}' is not a size: write 65536, 64KiB (1024 bytes each) or 64kB (1000 bytes each).")
    nbytes = Decimal(match[1]) * _UNITS[match[2].lower()]
    if nbytes > LARGEST:
        raise ValueError(f"'{shown}' is more than any memory holds.")
    return int(nbytes)


def format_size(nbytes: int | None) -> str:
    """Bytes with thousands separators; a dash where they are not known."""
    return "-" if nbytes is None else f"{nbytes:,}"


def align_up(value: int, alignment: int) -> int:
    """``value`` bytes rounded up to a multiple of ``alignment``."""
    return -(-value // alignment) * alignment
