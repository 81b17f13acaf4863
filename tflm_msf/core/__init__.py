"""The compiled core: what takes the planner most of its time, in C.

Each function of ``core.h`` gives what a Python one gives, decision by decision. That one is its definition, what it is
tested against, and what runs where there is no C compiler. No plan depends on which of the two ran.
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path

from tflm_msf.compiled import Recipe, shared_library
from tflm_msf.errors import MsfError

_HERE = Path(__file__).parent
RECIPE = Recipe("core", tuple(sorted(_HERE.glob("*.c"))), (_HERE,))


@cache
def load_core() -> ctypes.CDLL | None:
    """The core, or None where it cannot be compiled."""
    try:
        return shared_library(RECIPE)
    except MsfError:
        return None
