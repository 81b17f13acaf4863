"""The families are what they are called, at the size that was asked for, and are planned."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.families import FAMILIES
from benchmarks.growth import SIZES, Timing, draw
from tflm_msf.network.units import build_network


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_grows_with_what_is_asked_for(family: str) -> None:
    sizes = [len(FAMILIES[family](operators).main.ops) for operators in (20, 60)]
    assert sizes[0] in range(11, 24) and sizes[1] in range(45, 64)
    units = build_network(FAMILIES[family](20).main).units
    assert all(unit.stage is not None for unit in units)
    is_chain = all(len(unit.inputs) == 1 for unit in units)
    assert is_chain == (family == "chain")


def test_the_picture_shows_every_family(tmp_path: Path) -> None:
    found = [Timing(family, size, size / 10, True, 40) for family, sizes in SIZES.items() for size in sizes]
    draw(found, tmp_path / "growth.svg")
    drawn = (tmp_path / "growth.svg").read_text()
    assert all(f"<!-- {family} -->" in drawn for family in FAMILIES)
