"""The search of :mod:`tflm_msf.search.shortest` in the compiled core."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from weakref import finalize

from tflm_msf.search.nogoods import Conflict
from tflm_msf.search.rest import Columns, Rest

_NONE, _FOUND, _CUT_SHORT = 0, 1, 2
_IsSpent = ctypes.CFUNCTYPE(ctypes.c_int)


class CorePaths:
    """Paths over ``columns``, and the no-goods that were learnt about them. All methods raise MemoryError."""

    def __init__(self, core: ctypes.CDLL, columns: Columns, is_spent: Callable[[], bool]) -> None:
        self._core = core
        self._columns = columns
        self._is_spent = _IsSpent(is_spent)
        self._rest: Rest | None = None
        core.msf_core_paths_new.restype = ctypes.c_void_p
        made = core.msf_core_paths_new(ctypes.byref(columns.in_core), ctypes.c_int64(columns.cuts))
        self._paths = ctypes.c_void_p(_there(made))
        finalize(self, core.msf_core_paths_free, self._paths)

    def avoid(self, conflict: Conflict) -> None:
        """Keeps a no-good out of paths whose limit is below what it needs."""
        roles = [(edge, position) for position, edges in enumerate(conflict.edges) for edge in edges]
        count = len(roles)
        done = self._core.msf_core_paths_avoid(
            self._paths,
            (ctypes.c_int64 * count)(*(edge for edge, _ in roles)),
            (ctypes.c_int32 * count)(*(position for _, position in roles)),
            count,
            len(conflict.edges),
            ctypes.c_int64(conflict.needed),
        )
        _there(done)

    def best(
        self, rest: Rest, head_limit: int, max_edges: int, most_states: int
    ) -> tuple[list[int] | None, int | None]:
        """The edges of the best path, None if there is none; and, if the search for it was cut short, the MACs that no
        path has fewer of.
        """
        if rest is not self._rest:
            self._rest = rest
            side = ctypes.c_int64(rest.macs.shape[1])
            _there(self._core.msf_core_paths_within(self._paths, *rest.addresses, side))
        trail = (ctypes.c_int64 * self._columns.cuts)()
        count, least = ctypes.c_int32(), ctypes.c_int64()
        result = self._core.msf_core_paths_best(
            self._paths,
            ctypes.c_int64(head_limit),
            ctypes.c_int64(max_edges),
            ctypes.c_int64(most_states),
            self._is_spent,
            trail,
            ctypes.byref(count),
            ctypes.byref(least),
        )
        if result not in (_NONE, _FOUND, _CUT_SHORT):
            raise MemoryError
        return (
            trail[: count.value] if result == _FOUND else None,
            least.value if result == _CUT_SHORT else None,
        )


def _there(made: int | None) -> int:
    if not made:
        raise MemoryError
    return made
