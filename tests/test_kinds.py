"""Networks of many kinds: the bits and the bytes of real TFLM at three plans of each, and with streamed input."""

from __future__ import annotations

from random import Random

import pytest

from tests.exactness import Original, pareto_paths, random_path
from tests.kinds import KINDS, Kinds, network, u_net_aligned
from tflm_msf.network.units import Network
from tflm_msf.request import Request
from tflm_msf.rewrite import rewrite_file
from tflm_msf.search.edge import Edge
from tflm_msf.tflite_io import read_model, write_model
from tflm_msf.verify import verify

PLANS = 3

STAY_BUILTIN = {"float_ends": {"QUANTIZE"}}
"""Operators that are not fused; of all other networks, every operator is."""


def three_plans(network: Network) -> list[tuple[Edge, ...]]:
    """The ends and the middle of the front; where it is shorter, plans that no search would choose."""
    random = Random(0)
    paths = dict.fromkeys(pareto_paths(network, most=PLANS))
    while len(paths) < PLANS:
        paths[random_path(network, random)] = None
    return list(paths)


@pytest.mark.parametrize("name", KINDS)
def test_three_plans_are_exact(name: str) -> None:
    original = Original(network(name))
    unfused = {original.model.main.ops[unit.ops[0]].builtin for unit in original.network.units if unit.stage is None}
    assert unfused == STAY_BUILTIN.get(name, set())
    for path in three_plans(original.network):
        original.assert_exact(path)


@pytest.mark.parametrize("name", [name for name in KINDS if name != "two_inputs"])
def test_rows_of_the_input_may_be_streamed(name: str) -> None:
    original = write_model(network(name))
    rewritten = rewrite_file(original, name, Request(stream_input=True)).data
    report = verify(original, rewritten, runs=3)
    assert report.passed, (report.mismatches, report.problems)
    assert read_model(rewritten, name).main.inputs == ()


def test_a_u_net_with_aligned_corners_takes_less_than_a_quarter() -> None:
    layers = Kinds(Random(0))
    model = layers.model(u_net_aligned(layers, size=60, width=16))
    report = rewrite_file(write_model(model), "a U-Net").report
    assert 4 * report["arena"]["plan"]["total"] <= report["arena"]["original"]["total"]
