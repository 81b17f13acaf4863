"""Ways out of a cut: the compiled core gives what its definition gives, however many are asked for."""

from __future__ import annotations

from random import Random

import pytest

from tests.search.test_rest import random_edges
from tflm_msf.search import ways as module
from tflm_msf.search.rest import Columns, Rest, columns_of, find_rest
from tflm_msf.search.ways import Way, Ways


def all_ways(columns: Columns, rest: Rest, limit: int, column: int) -> list[list[Way]]:
    """Of each cut, asked for one by one."""
    found = []
    for cut in range(columns.cuts):
        ways, place, here = Ways(columns, rest, cut, limit, column), 0, []
        while (way := ways.at(place)) is not None:
            here.append(way)
            place += 1
        found.append(here)
    return found


@pytest.mark.parametrize("seed", range(30))
def test_the_core_gives_what_its_definition_gives(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = columns_of(random_edges(Random(seed), 12) + random_edges(Random(-seed), 12), 12)
    for limit in (0, 3, 7):
        for most in (0, 1, 4):
            rest = find_rest(columns, limit, most)
            for column in range(most + 1):
                compiled = all_ways(columns, rest, limit, column)
                with monkeypatch.context() as patched:
                    patched.setattr(module, "load_core", lambda: None)
                    assert all_ways(columns, rest, limit, column) == compiled
