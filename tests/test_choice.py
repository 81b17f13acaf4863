"""Which plan is chosen for which limits, on a made-up front."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import pytest

from tflm_msf.choice import Choice, choose, slowdowns, undominated
from tflm_msf.errors import MsfError
from tflm_msf.program.layout import Weights
from tflm_msf.request import Limits, Request


@dataclass(frozen=True)
class _Plan:
    overhead: float
    macs: int


@dataclass(frozen=True)
class _Choice:
    plan: _Plan
    needed: int
    times: Mapping[str, float]
    weights: Weights = Weights.PACKED

    def instructions(self, core: str) -> float:
        return self.times[core]


def made(rows: Iterable[tuple[float, int, int, int]], weights: Weights = Weights.PACKED) -> list[Choice]:
    """Plans of so much overhead, arena, and time on two cores."""
    choices = [_Choice(_Plan(f, int(f * 1000)), size, {"m4": a, "rv32": b}, weights) for f, size, a, b in rows]
    return cast(list[Choice], choices)


def front(weights: Weights = Weights.PACKED) -> list[Choice]:
    return made([(1.0, 9000, 100, 210), (1.1, 8000, 180, 200), (1.2, 7000, 130, 230), (1.5, 5000, 190, 400)], weights)


def chosen(**limits: Any) -> int:
    return front().index(choose(front(), Limits(**limits), "net"))


def test_a_slowdown_is_relative_to_the_fastest_plan_on_a_core() -> None:
    assert slowdowns(front(), "m4") == [1.0, 1.8, 1.3, 1.9]
    assert slowdowns(front(), "rv32") == [1.05, 1.0, 1.15, 2.0]


def test_the_least_arena_within_a_slowdown() -> None:
    assert chosen(max_slowdown=1.0) == 0
    assert chosen(max_slowdown=1.5) == 2
    assert chosen(max_slowdown=1.0, core="rv32") == 1
    assert chosen(max_slowdown=2.0) == 3


def test_a_slowdown_alone_allows_any_overhead_and_both_hold_together() -> None:
    assert chosen() == 0
    assert chosen(max_slowdown=9.0) == 3
    assert chosen(max_slowdown=9.0, max_overhead=1.2) == 2
    assert chosen(max_slowdown=1.1, max_overhead=9.0) == 0


def test_without_limits_a_tenth_more_time_for_less_arena() -> None:
    """And with a limit on the overhead a tenth more than that; an overhead of infinity is no limit."""
    in_chunks = made([(1.0, 8000, 140, 140), (1.0, 8500, 110, 111), (1.0, 9000, 100, 100), (1.2, 7500, 131, 132)])

    def needed(**limits: Any) -> int:
        return choose(in_chunks, Limits(**limits), "net").needed

    assert needed() == 8500
    assert needed(core="rv32") == 9000
    assert needed(max_slowdown=1.4, max_overhead=1.0) == 8000
    assert needed(max_overhead=1.2) == 7500
    assert needed(max_overhead=1.19) == 8500
    assert needed(max_overhead=1.3, max_slowdown=1.0) == 9000
    assert needed(max_overhead=float("inf")) == 7500


def test_of_plans_of_one_arena_the_fastest() -> None:
    assert choose(made([(1.0, 8000, 105, 100), (1.0, 8000, 100, 100)]), Limits(), "net").instructions("m4") == 100


def test_plans_that_another_one_beats_in_everything_are_left_out() -> None:
    slower, smaller = (1.0, 9000, 110, 90), (1.1, 8000, 120, 100)
    kept = undominated(made([(1.0, 9000, 100, 100), slower, smaller, (1.2, 8500, 130, 100)]), "m4")
    assert [choice.needed for choice in kept] == [9000, 8000]
    assert [choice.needed for choice in undominated(made([slower, smaller]), "rv32")] == [9000, 8000]


def test_with_a_limit_on_ram_the_fastest_that_fits() -> None:
    assert chosen(ram=8000) == 2
    assert choose(front(Weights.PLAIN), Limits(ram=8000), "net").needed == 8000, "by MACs, where no time is known"
    assert chosen(ram=8000, max_slowdown=2.0) == 2
    assert chosen(ram=8000, max_slowdown=2.0, max_overhead=1.1) == 1


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (Limits(ram=4000), r"does not fit 4,000 bytes of arena: the least reachable is 5,000 bytes"),
        (Limits(ram=8000, max_slowdown=1.2), r"fits 8,000 bytes .* only at 1\.300 times .* on m4, above the 1\.2"),
        (Limits(ram=6000, max_overhead=1.2), r"fits 6,000 bytes .* only at a MAC overhead of 1\.500, above the 1\.2"),
        (Limits(ram=8000, max_overhead=1.1, max_slowdown=1.5), r"only at 1\.800 times"),
        (Limits(max_slowdown=0.5), r"a slowdown of 0\.5 cannot be kept"),
        (Limits(max_overhead=float("nan")), r"a MAC overhead of nan cannot be kept"),
    ],
)
def test_limits_that_no_plan_keeps(limits: Limits, sentence: str) -> None:
    with pytest.raises(MsfError, match=sentence):
        choose(front(), limits, "net")


def test_a_model_without_blocks_has_no_slowdown() -> None:
    builtin = cast(list[Choice], [_Choice(_Plan(1.0, 0), 100, {"m4": 0.0})])
    assert slowdowns(builtin, "m4") == [1.0]


@pytest.mark.parametrize("seconds", [-1.0, float("nan")])
def test_a_time_limit_is_a_number_of_seconds(seconds: float) -> None:
    with pytest.raises(MsfError, match=r"a time limit of .* cannot be kept"):
        Request(time_limit=seconds)
