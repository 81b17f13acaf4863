"""The compiled core: what takes the planner most of its time, in C.

Each function of ``core.h`` gives what a Python one gives, decision by decision. That one is its definition, what it is
tested against, and what runs where the core was not compiled. No plan depends on which of the two ran.
"""

from __future__ import annotations

import ctypes
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path


@cache
def load_core() -> ctypes.CDLL | None:
    """The core, or None where it was not compiled."""
    directory = Path(__file__).parent
    path = next((p for suffix in EXTENSION_SUFFIXES for p in [directory / f"_core{suffix}"] if p.exists()), None)
    try:
        return ctypes.CDLL(str(path)) if path else None
    except OSError:
        return None
