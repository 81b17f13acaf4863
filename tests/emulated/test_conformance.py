"""Every core computes networks in plans to the bit, and one that did not would be found."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.emulator import BOARDS, SIMULATED, load_core
from benchmarks.firmware import Case
from tests.emulated.conformance import compare
from tests.emulated.pairs import Pair, first_pairs
from tests.ends import end_network
from tflm_msf.format import StageOp
from tflm_msf.format.limits import MAX_SHORT_SHIFT
from tflm_msf.network.units import build_network
from tflm_msf.program.decode import operators_of
from tflm_msf.program.layout import Weights, packed

WRONG_LOOPS = (Path(__file__).parent / "wrong_loops.c").read_text()
LOOPS = ("msf_convolve", "msf_convolve_depthwise", "msf_add_values", "msf_dot", "msf_add_to_sums")
COLUMNS = "msf_convolve_columns"
WITHOUT_COLUMNS = ("m55", "lx106")
"""Cores whose loops have ways of their own with a depthwise 3x3."""


def loops_of(core: str) -> tuple[str, ...]:
    """Simulated cores run too few pairs for all loops; theirs are those of cores in QEMU."""
    if core in SIMULATED:
        return LOOPS[:1]
    return LOOPS if core in WITHOUT_COLUMNS else (*LOOPS, COLUMNS)


SOME = 100
LEAST = 240
"""Pairs that every core runs, simulated ones too."""

MANY = 1200
"""Pairs that every core in QEMU runs."""


def some_pairs(core: str) -> tuple[Pair, ...]:
    """Few for cores that take a second for each."""
    pairs = first_pairs(SOME)
    return tuple(pair for pair in pairs if pair.macs < 5000)[:12] if core in SIMULATED else pairs


@pytest.mark.parametrize("core", BOARDS)
def test_some_pairs(core: str) -> None:
    done = compare(load_core(core), some_pairs(core))
    assert done.differing == 0, done.log
    assert done.pairs == (12 if core in SIMULATED else SOME)


@pytest.mark.slow
@pytest.mark.parametrize("core", BOARDS)
def test_all_pairs(core: str) -> None:
    pairs = first_pairs(LEAST if core in SIMULATED else MANY)
    done = compare(load_core(core), pairs)
    assert done.differing == 0, done.log
    assert done.pairs == len(pairs) >= 200


@pytest.mark.parametrize(("core", "loop"), [(core, loop) for core in BOARDS for loop in loops_of(core)])
def test_a_wrong_loop_would_be_found(core: str, loop: str) -> None:
    """What :func:`test_some_pairs` runs on a core would find each loop that is wrong in some cases only."""
    link = [f"-Wl,--wrap={loop}"]
    done = compare(load_core(core), some_pairs(core), link=link, more_sources={"wrong_loops.c": WRONG_LOOPS})
    assert done.differing > 0


def test_pairs_are_of_all_kinds() -> None:
    pairs = first_pairs(LEAST)
    used = Counter(stage for pair in pairs for stage in operators_of(pair.model))
    assert {op for op, _ in used} == set(StageOp)
    for op in (StageOp.CONV_2D, StageOp.DEPTHWISE_CONV_2D):
        assert used[op, 0] > 20 and used[op, 1] > 20
    assert used[StageOp.SOURCE, 0] > 20
    assert sum(pair.name.startswith("streaming") for pair in pairs) > 5
    assert len({pair.name for pair in pairs}) == LEAST
    assert len({case.outputs for pair in pairs for case in pair.cases}) > LEAST / 2


def test_networks_reach_the_ends_of_what_kernels_take() -> None:
    networks = [build_network(end_network(seed).main) for seed in range(60)]
    stages = [unit.stage for network in networks for unit in network.units if unit.stage is not None]
    weighted = [(stage, stage.requantization) for stage in stages if stage.requantization is not None]
    short = {-int(shift) for stage, scales in weighted if packed(stage, Weights.PACKED) for shift in scales.shifts}
    assert short >= set(range(1, MAX_SHORT_SHIFT + 1))
    assert {-128, 127} <= {stage.out_zero for stage in stages}
    assert any(low == high for low, high in (stage.activation for stage in stages))
    assert {1, 3, 5, 7, 9, 15, 17} <= {stage.output_map.c for stage, _ in weighted}
    assert any(stage.weights and set(stage.weights) <= {0x80, 0x7F} for stage in stages)


def test_one_wrong_byte_is_seen() -> None:
    good, other = first_pairs(SOME)[:2]
    case = other.cases[0]
    wrong = replace(other, cases=[Case(case.inputs, case.outputs[:-1] + bytes([case.outputs[-1] ^ 1]))])
    done = compare(load_core("m4"), [good, wrong])
    assert (done.pairs, done.differing) == (2, 1)
    assert f"{other.name}, case 0, output" in done.log
