"""1-D networks: one block from end to end whatever shapes are in between, bit for bit."""

from __future__ import annotations

from random import Random

import pytest

from testing.layers import Geometry
from tests.exactness import Original, pareto_paths, random_path
from tests.simplify.one_dimension import OneDimension, classifier, random_one_dimension
from tflm_msf.network.units import build_network
from tflm_msf.request import Request
from tflm_msf.rewrite import rewrite_file
from tflm_msf.simplify import simplify
from tflm_msf.tflite_io import write_model
from tflm_msf.verify import verify


@pytest.mark.parametrize("seed", range(25))
def test_random_networks_keep_every_bit(seed: int) -> None:
    random = Random(seed)
    original = Original(simplify(random_one_dimension(random)).model)
    units = original.network.units
    assert all(grid.w == 1 for unit in units if unit.stage for grid in (*unit.stage.input_maps, unit.stage.output_map))
    for path in [*pareto_paths(original.network, 2), random_path(original.network, random)]:
        original.assert_exact(path)


def test_a_row_that_a_map_of_several_rows_becomes_stays_a_row() -> None:
    """What an image is reduced to is in step with the rows that it is made from."""
    layers = OneDimension(Random(1))
    x = layers.max_pool(layers.input(1, 6, 20, 2), Geometry((6, 1), same=False))
    y = layers.pool_1d(layers.conv_1d(layers.reshape(x, 1, 20, 2), 4, 3), 2)
    network = build_network(simplify(layers.model([y])).model.main)
    stages = [unit.stage for unit in network.units]
    assert stages[0] is not None and stages[0].output_map == (1, 20, 2)
    assert stages[1] is not None and stages[1].input_maps[0] == (1, 20, 2)


@pytest.mark.parametrize(
    ("samples", "streamed", "limit"),
    [(48_000, False, 60_000), (48_000, True, 6_000), (100_000, False, 110_000), (100_000, True, 6_000)],
)
def test_raw_audio(samples: int, streamed: bool, limit: int) -> None:
    """Three seconds at 16 kHz, and more than six: longer than 16 bits count."""
    data = write_model(classifier(samples))
    rewritten = rewrite_file(data, "audio", Request(stream_input=streamed)).data
    report = verify(data, rewritten, runs=1)
    assert report.passed, (report.mismatches, report.problems)
    assert report.arena_original is not None
    assert report.arena_original.measured.total > 500_000
    assert report.arena_rewritten.measured.total <= limit
