"""The time model predicts what it was not fitted to, and the fitting finds what can be found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import time_counts
from benchmarks.emulator import load_core, missing_tools
from benchmarks.firmware import MODEL, make_cases, measure, with_kernels
from benchmarks.time_counts import TIMED, Counted, is_random, read_counts, write_counts
from benchmarks.time_model import counted_on, errors, fit, is_held_back, nonnegative_least_squares, write_costs
from testing.corpus import corpus_model
from tflm_msf.cost.time_model import TAKEN_FOR, instructions, load_costs
from tflm_msf.export import export_c
from tflm_msf.planner import Planner
from tflm_msf.request import Limits

LARGEST_ERROR = 0.10


@pytest.mark.parametrize("core", TIMED)
def test_plans_that_were_held_back_are_predicted_within_ten_per_cent(core: str) -> None:
    counted = read_counts()
    held = counted_on(core, [e for e, is_held in zip(counted, is_held_back(counted), strict=True) if is_held])
    assert len(held) > 20
    assert max(entry.overhead for entry in held) > 2
    assert max(map(abs, errors(held, core, load_costs()[core]))) < LARGEST_ERROR


def test_all_plans_of_some_models_are_held_back() -> None:
    counted = read_counts()
    held = is_held_back(counted)
    models = {entry.model for entry in counted if not is_random(entry)}
    unknown = models - {entry.model for entry, is_held in zip(counted, held, strict=True) if not is_held}
    assert len(unknown) >= 3
    assert any(is_held and entry.model not in unknown for entry, is_held in zip(counted, held, strict=True))


def test_every_core_was_counted() -> None:
    assert set(load_costs()) == set(TIMED)
    counted = read_counts()
    assert all(len(counted_on(core, counted)) > 0.95 * len(counted) for core in TIMED)


@pytest.mark.skipif(bool(missing_tools()), reason="the emulators are not installed")
def test_counts_on_one_core_leave_those_on_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only plans that do other work than they did are counted on all cores."""
    corpus_model("mlperf__ad01_fc")
    monkeypatch.setattr(time_counts, "MODELS", ("mlperf__ad01_fc",))
    monkeypatch.setattr(time_counts, "RANDOM_NETWORKS", 0)
    known = [entry for entry in read_counts() if entry.model == "mlperf__ad01_fc"]
    marked = [replace(entry, instructions={"m4": 1, "m33": 2}) for entry in known[1:]]
    other, *same = time_counts.measure_all(["m4"], [replace(known[0], work={"steps": 1}), *marked])
    assert other.instructions.keys() == set(TIMED)
    for entry, before in zip(same, known[1:], strict=True):
        assert entry.instructions == {"m4": pytest.approx(before.instructions["m4"], rel=LARGEST_ERROR), "m33": 2}


def test_the_costs_of_the_tool_are_those_of_the_stored_counts() -> None:
    fitted = fit(read_counts(), "m4")
    assert {kind: pytest.approx(cost, rel=1e-3) for kind, cost in fitted.items()} == load_costs()["m4"]


@pytest.mark.slow
@pytest.mark.skipif(bool(missing_tools()), reason="the emulators are not installed")
@pytest.mark.parametrize("core", TIMED)
@pytest.mark.parametrize("limits", [Limits(), Limits(max_overhead=9.0)], ids=["F1.0", "min-ram"])
def test_the_kernels_still_take_what_was_counted(core: str, limits: Limits) -> None:
    """If this fails, kernels have changed: ``python -m benchmarks.time_model`` fits anew."""
    data = corpus_model("mlperf__vww_96")
    choice = Planner.of(data, "vww").choose(limits)
    done = measure(load_core(core), with_kernels(export_c(choice.model, MODEL)), make_cases(data, runs=1))
    assert choice.instructions(core) == pytest.approx(done.instructions[0], rel=LARGEST_ERROR)


def test_a_fit_recovers_costs_and_says_what_costs_nothing() -> None:
    random = np.random.default_rng(1)
    costs = {"macs": 3.0, "steps": 100.0, "free": 0.0}
    counted = []
    for number in range(20):
        work = {kind: int(random.integers(1000, 100_000)) for kind in costs}
        total = round(sum(costs[kind] * count for kind, count in work.items()))
        counted.append(Counted(f"model {number}", "plan", 1.0, work, {"m4": total}))
    fitted = fit(counted, "m4")
    assert fitted["macs"] == pytest.approx(3.0, rel=0.01)
    assert fitted["steps"] == pytest.approx(100.0, rel=0.01)
    assert fitted["free"] < 0.1


@pytest.mark.parametrize("core", TIMED)
def test_what_no_fit_has_seen_raises(core: str) -> None:
    costs = load_costs()[core]
    measured = {kind for entry in read_counts() for kind in entry.work}
    assert not measured & TAKEN_FOR.keys()
    assert set(TAKEN_FOR.values()) <= costs.keys()
    assert instructions({"maximum_values": 2}, costs) == 2 * costs["add_values"]
    with pytest.raises(KeyError, match="unheard_of"):
        instructions({"unheard_of": 1}, costs)


def test_no_cost_is_negative() -> None:
    matrix = np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 3.0]])
    fitted = nonnegative_least_squares(matrix, np.array([3.0, 2.0, 1.0]))
    assert fitted[1] == 0
    assert fitted[0] == pytest.approx(2.0, rel=1e-3)


def test_counts_and_costs_are_read_as_they_were_written(tmp_path: Path) -> None:
    counted = [Counted("a", "full 0", 1.5, {"steps": 3}, {"m4": 7}), Counted("b", "full 1", 1.0, {}, {"m4": 8})]
    write_counts(counted, tmp_path / "counts.json")
    assert read_counts(tmp_path / "counts.json") == counted
    write_costs({"m4": {"steps": 1.5}}, tmp_path / "costs.toml")
    assert "[m4]\nsteps = 1.5" in (tmp_path / "costs.toml").read_text()
