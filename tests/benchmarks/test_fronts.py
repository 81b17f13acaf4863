"""Fronts are as good as those that are kept: what that means, and that it is so."""

from __future__ import annotations

import pytest

from benchmarks.fronts import Plan, fronts, load, verdict
from testing.corpus import model_paths

BEFORE = [Plan(100, 50, True), Plan(120, 40, False)]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (BEFORE, "equal"),
        ([Plan(100, 50, True), Plan(120, 40, True)], "equal"),
        ([Plan(100, 50, True), Plan(120, 39, False)], "better"),
        ([Plan(100, 50, True), Plan(110, 45, False), Plan(120, 40, False)], "better"),
        ([Plan(100, 50, True)], "worse"),
        ([Plan(100, 51, True), Plan(120, 40, False)], "worse"),
        ([Plan(100, 50, False), Plan(120, 40, False)], "worse"),
        ([Plan(100, 40, False)], "better"),
        ([Plan(100, 49, False), Plan(120, 40, False)], "better"),
        ([Plan(99, 50, False), Plan(120, 40, False)], "better"),
        ([Plan(100, 49, False)], "worse"),
    ],
)
def test_a_front_is_compared_point_by_point(now: list[Plan], expected: str) -> None:
    assert verdict(BEFORE, now) == expected


def test_what_was_never_kept_is_new() -> None:
    assert verdict([], BEFORE) == "new"


@pytest.mark.slow
def test_no_front_of_the_corpus_is_worse() -> None:
    if not model_paths():
        pytest.skip("the corpus is absent")
    before = load()
    found = dict(fronts())
    assert found.keys() == before.keys()
    assert {name for name, plans in found.items() if verdict(before[name], plans) == "worse"} == set()
