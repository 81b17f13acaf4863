"""Tests see waste: mutants that take more RAM or MACs than they need make many of them fail."""

from __future__ import annotations

import pytest

from tests.waste import MUTANTS, caught


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS)
def test_waste_is_seen_on_many_models(mutant: str) -> None:
    found = caught(mutant, ["tests/blocks/test_walk.py"])
    assert found.tests >= 10 and found.models >= 5, found
