"""Networks with scales far apart on emulated cores: every output byte as TFLM gives it on this computer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import islice
from random import Random

import pytest

from benchmarks.emulator import CORES, load_core
from benchmarks.firmware import make_cases
from tests.emulated.several import Expected, compare_all
from tests.exactness import random_path
from tests.far_scales import far_network
from tflm_msf.errors import MsfError
from tflm_msf.network.units import build_network
from tflm_msf.plan import make_plan
from tflm_msf.program.assemble import assemble
from tflm_msf.program.layout import Weights
from tflm_msf.tflite_io import write_model

CASES = 2
MOST_BYTES = 20_000
"""Outputs of a network, which its firmware holds."""

AT_A_TIME = 20


def expected_of(seed: int) -> Iterator[Expected]:
    """The network of a seed in a random plan, weights plain for every third; nothing if it cannot be fused whole."""
    model = far_network(seed)
    network = build_network(model.main)
    if not all(unit.stage for unit in network.units):
        return
    try:
        cases = make_cases(write_model(model), CASES)
    except MsfError:
        return
    if len(cases[0].outputs) <= MOST_BYTES:
        plan = make_plan(network, random_path(network, Random(seed)))
        yield Expected(assemble(model, network, plan, Weights.PLAIN if seed % 3 == 0 else Weights.BLOCKED), cases)


@cache
def some_networks(first_seed: int, count: int) -> tuple[Expected, ...]:
    found = (expected for seed in range(first_seed, first_seed + 50 * count) for expected in expected_of(seed))
    return tuple(islice(found, count))


def check(core: str, first_seed: int, count: int) -> None:
    networks = some_networks(first_seed, count)
    assert len(networks) == count
    done = compare_all(load_core(core), networks)
    assert done.differing == 0, done.log
    assert done.compared == sum(len(case.outputs) for network in networks for case in network.cases)


@pytest.mark.parametrize("core", CORES)
def test_some_networks(core: str) -> None:
    check(core, 0, 6)


@pytest.mark.slow
@pytest.mark.parametrize("first_seed", range(1000, 11000, 1000))
@pytest.mark.parametrize("core", CORES)
def test_two_hundred_networks(core: str, first_seed: int) -> None:
    check(core, first_seed, AT_A_TIME)


def test_one_wrong_byte_is_seen() -> None:
    good, other = some_networks(0, 2)
    case = other.cases[0]
    wrong = replace(other, cases=[replace(case, outputs=case.outputs[:-1] + bytes([case.outputs[-1] ^ 1]))])
    done = compare_all(load_core("m4"), [good, wrong])
    assert done.differing == 1
    assert "m1, case 0" in done.log
