"""The search of :mod:`tflm_msf.arena.placement.dbm` in the compiled core."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence

from tflm_msf.arena.placement.dbm import MOST_HELD, CutShortError, Pair, Span

_NONE, _FOUND, _CUT_SHORT = 0, 1, 2


class _Span(ctypes.Structure):
    _fields_ = (("size", ctypes.c_int64), ("first", ctypes.c_int32), ("last", ctypes.c_int32))


class _Distance(ctypes.Structure):
    _fields_ = (("low", ctypes.c_int32), ("up", ctypes.c_int32), ("bytes", ctypes.c_int64))


def search_compiled(
    core: ctypes.CDLL, spans: Sequence[Span], distances: Mapping[Pair, int], limit: int, most_nodes: int
) -> list[int] | None:
    """As :meth:`tflm_msf.arena.placement.dbm.ZoneSearch.run`. Raises CutShortError likewise, and MemoryError."""
    offsets = (ctypes.c_int64 * len(spans))()
    found = core.msf_core_zones(
        (_Span * len(spans))(*spans),  # type: ignore[misc] # tuples do
        len(spans),
        (_Distance * len(distances))(*((*pair, least) for pair, least in distances.items())),  # type: ignore[misc]
        len(distances),
        ctypes.c_int64(limit),
        most_nodes,
        ctypes.c_int64(MOST_HELD),
        offsets,
    )
    if found == _CUT_SHORT:
        raise CutShortError
    if found not in (_NONE, _FOUND):
        raise MemoryError
    return list(offsets) if found == _FOUND else None


def place_compiled(core: ctypes.CDLL, spans: Sequence[Span], distances: Mapping[Pair, int]) -> list[int]:
    """Offsets of ``spans`` put down one after the other, each as low as it goes. Raises MemoryError."""
    offsets = (ctypes.c_int64 * len(spans))()
    done = core.msf_core_in_order(
        (_Span * len(spans))(*spans),  # type: ignore[misc] # tuples do
        len(spans),
        (_Distance * len(distances))(*((*pair, least) for pair, least in distances.items())),  # type: ignore[misc]
        len(distances),
        offsets,
    )
    if not done:
        raise MemoryError
    return list(offsets)
