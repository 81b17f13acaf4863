"""How small an arena may be, found by trying."""

from __future__ import annotations

from tflm_msf.errors import MsfError
from tflm_msf.runtime.interpreter import DEFAULT_ARENA_BYTES, MeasuredArena, Session, open_interpreter

_ARENA_ALIGNMENT = 16


def measure_arena(model: bytes, source: str = "the model") -> MeasuredArena:
    """What TFLM reports for a model. Raises :class:`MsfError` as :class:`Session` does."""
    return Session(model, source=source).arena()


def smallest_working_arena(model: bytes, source: str = "the model") -> int:
    """The least number of bytes, in steps of 16, that TFLM can load the model in.

    At least what :func:`measure_arena` reports, and mostly just that. It is more where the head is so small that
    TFLM's notes while it plans (some 70 bytes per tensor, freed afterwards) do not fit where the tensors will be.
    Raises :class:`MsfError` if the model does not load at all.
    """
    too_small = measure_arena(model, source).total - _ARENA_ALIGNMENT
    step = _ARENA_ALIGNMENT
    while not _loads(model, too_small + step):
        too_small += step
        step *= 2
    enough = too_small + step
    while enough - too_small > _ARENA_ALIGNMENT:
        middle = (too_small + enough) // 2 // _ARENA_ALIGNMENT * _ARENA_ALIGNMENT
        if _loads(model, middle):
            enough = middle
        else:
            too_small = middle
    return enough


def _loads(model: bytes, arena_size: int) -> bool:
    if arena_size >= DEFAULT_ARENA_BYTES:
        return True  # it was loaded with this size to be measured
    try:
        open_interpreter(model, arena_size, preserve_all=False, source="the model")
    except MsfError:
        return False
    return True
