"""A streamed input of which rows may be fetched again: strips up to the row source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import pytest

from testing.layers import Geometry, Layers, Weighting
from testing.networks import random_network
from tests.blocks.test_compiled import assert_the_core_is_right
from tests.exactness import Original, random_path
from tests.search.test_search import Cost, all_edges, best_of, costs, paths, small_network
from tflm_msf.arena import WHEEL64
from tflm_msf.camera import Camera, CameraFormat
from tflm_msf.errors import MsfError
from tflm_msf.graph import Model
from tflm_msf.inputs import make_inputs
from tflm_msf.network.streaming import with_streamed_input
from tflm_msf.network.units import Network, build_network
from tflm_msf.ops.stage import ANY_NUMBER
from tflm_msf.program.decode import fetches_of
from tflm_msf.request import Limits, Request
from tflm_msf.rewrite import rewrite_file
from tflm_msf.runtime import Session, interpreter
from tflm_msf.runtime.native import RowSource, row_source
from tflm_msf.search.dag import find_edges
from tflm_msf.search.front import pareto_front
from tflm_msf.search.placing import Placer
from tflm_msf.tflite_io import read_model, write_model
from tflm_msf.verify.run import verify

AGAIN = Request(stream_input=True, most_fetches=ANY_NUMBER, limits=Limits(max_overhead=2))


def streamed(model: Model, most_fetches: int = ANY_NUMBER) -> Network | None:
    """The network with its input streamed; None if it cannot be."""
    try:
        return with_streamed_input(build_network(model.main), "it", AGAIN.pixels, most_fetches)
    except MsfError:
        return None


def wide() -> Model:
    """Rings of wide maps at the front, where strips pay."""
    layers = Layers(Random(5))
    x = layers.conv(layers.input(1, 24, 24, 3), 12, Geometry(), Weighting())
    x = layers.depthwise(x, 1, Geometry(stride=(2, 2)), Weighting())
    x = layers.conv(x, 4, Geometry((1, 1)), Weighting())
    return layers.model([layers.conv(x, 3, Geometry(stride=(2, 2)), Weighting())])


@pytest.mark.parametrize("block", range(8))
def test_random_networks_in_random_strips_are_exact(block: int) -> None:
    cut = 0
    for seed in range(12 * block, 12 * block + 12):
        model, random = random_network(Random(seed)), Random(seed)
        network = streamed(model)
        if network is None:
            continue
        original = Original(model)
        original.network = network
        for _ in range(4):
            path = random_path(network, random)
            original.assert_exact(path)
            first = path[0].block
            cut += first is not None and first.schedule.tile_w < network.stage(first.last).output_map.w
    assert cut > 0


@pytest.mark.parametrize("block", range(5))
def test_the_front_is_that_of_all_plans(block: int) -> None:
    tail = WHEEL64.block_bytes
    for network in filter(None, (streamed(small_network(Random(seed))) for seed in range(6 * block, 6 * block + 6))):
        placer, cuts = Placer(network), len(network.units)
        found = {
            Cost(placer.head(path) + tail * len(path), sum(edge.macs for edge in path))
            for path in paths(all_edges(network), cuts)
        }
        front = pareto_front(find_edges(network), cuts, tail, placer)
        assert costs(front, tail) == best_of(found)


@pytest.mark.parametrize("most_fetches", [2, 3, ANY_NUMBER])
def test_the_compiled_walk_knows_how_often_rows_may_be_fetched(most_fetches: int) -> None:
    for network in filter(None, (streamed(random_network(Random(seed)), most_fetches) for seed in range(30))):
        assert_the_core_is_right(network)


def test_rows_are_fetched_as_often_as_is_said_and_no_more_than_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: Counter[int] = Counter()

    @contextmanager
    def counted(rows: RowSource) -> Iterator[None]:
        def count(y: int, size: int) -> bytes | None:
            fetched[y] += 1
            return rows(y, size)

        with row_source(count):
            yield

    monkeypatch.setattr(interpreter, "row_source", counted)
    data = write_model(wide())
    arenas = []
    for most in (1, 2, 4, ANY_NUMBER):
        request = Request(stream_input=True, most_fetches=most, limits=Limits(max_overhead=2))
        result = rewrite_file(data, "it", request)
        times = fetches_of(read_model(result.data, "it"))
        fetched.clear()
        Session(result.data).run(make_inputs(wide().main, 1, 0)[0])
        assert times <= most and set(fetched.values()) == {times} and len(fetched) == 24
        assert result.report["pixels"]["fetches"] == times
        arenas.append(result.report["arena"]["plan"]["total"])
    assert arenas == sorted(arenas, reverse=True) and arenas[0] > 1.2 * arenas[-1]


def test_a_file_says_how_often_and_verify_reads_it() -> None:
    data = write_model(wide())
    rewritten = rewrite_file(data, "it", AGAIN).data
    assert fetches_of(read_model(rewritten, "it")) > 1
    assert verify(data, rewritten, 3).passed
    once = rewrite_file(data, "it", Request(stream_input=True, limits=Limits(max_overhead=2))).data
    assert fetches_of(read_model(once, "it")) == 1


def test_fetching_again_is_for_rows_that_are_streamed_and_no_cameras() -> None:
    with pytest.raises(MsfError, match="add --stream-input"):
        Request(most_fetches=2)
    with pytest.raises(MsfError, match="at least 1"):
        Request(stream_input=True, most_fetches=0)
    with pytest.raises(MsfError, match="in order, once"):
        Request(stream_input=True, most_fetches=2, camera=Camera(32, 24, CameraFormat.RGB888))
