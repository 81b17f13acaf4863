"""Plans for two memories: the same bits, sizes to the byte, and no plan that reads and writes less in the slow one."""

from __future__ import annotations

from random import Random

import pytest

from testing.layers import Geometry, Layers, Weighting
from testing.networks import random_network
from tflm_msf.blocks.block import Candidate
from tflm_msf.blocks.loads import loaded_bytes
from tflm_msf.blocks.space import BlockSpace
from tflm_msf.errors import LimitMissedError, MsfError
from tflm_msf.inputs import make_inputs
from tflm_msf.network.units import Network
from tflm_msf.plan import make_plan_of_two, plans_of_two
from tflm_msf.planner import Planner
from tflm_msf.program.decode import fast_bytes
from tflm_msf.request import Limits, Request
from tflm_msf.runtime import Session
from tflm_msf.runtime.native import load_kernels
from tflm_msf.search.dag import padded_bytes
from tflm_msf.search.edge import NO_LIMIT
from tflm_msf.search.two_memories import Room, TwoMemories, Way
from tflm_msf.sizes import align_up
from tflm_msf.tflite_io import write_model
from tflm_msf.verify import verify

SIZES = (192, 512, 1024, 2048)


def chain(random: Random, pairs: int = 3) -> bytes:
    layers = Layers(random)
    x = layers.input(1, random.randint(6, 12), random.randint(5, 8), 3)
    for _ in range(pairs):
        x = layers.conv(x, random.choice((4, 8)), Geometry((3, 3), (random.choice((1, 2)), 1)), Weighting())
        x = layers.depthwise(x, 1, Geometry((3, 3)), Weighting())
    return write_model(layers.model([x]))


@pytest.mark.parametrize("seed", range(16))
def test_random_networks_give_the_same_bits_in_two_memories(seed: int) -> None:
    data = write_model(random_network(Random(seed)))
    for fast_ram in SIZES:
        planner = Planner.of(data, f"network {seed}", Request(fast_ram=fast_ram))
        for choice in (*planner.front_of_two()[:1], *planner.front_of_two()[-1:]):
            assert choice.plan.fast_bytes <= fast_ram
            made = write_model(choice.model)
            assert fast_bytes(choice.model) == choice.plan.fast_bytes
            report = verify(data, made, runs=2)
            assert report.passed, report.problems


@pytest.mark.parametrize("seed", range(8))
def test_no_way_reads_and_writes_less(seed: int) -> None:
    """Against every path with every choice of memories, by sizes."""
    planner = Planner.of(chain(Random(seed), 2), "chain", Request())
    network = planner.network
    memories = TwoMemories(network, BlockSpace(network), 700)
    choices: Choices = {}
    for (first, last), plain in memories.plain.items():
        choices[first, last, False] = [(block, 0) for block in plain]
        choices[first, last, True] = list(memories.space.loading(plain, plain[0].inputs, 700))
    _AFTER.clear()
    expected = ways(network, choices, 0, frozenset())
    best: list[tuple[int, int]] = []
    for traffic, macs in sorted(expected):
        if not best or macs < best[-1][1]:
            best.append((traffic, macs))
    found = memories.ways(room=Room(distance=-1))
    assert [(way.traffic, way.macs) for way in found] == best
    for way in found:
        plan = make_plan_of_two(network, way.edges, way.fast, space=memories.space)
        assert plan.traffic == way.traffic
        assert plan.fast_bytes <= 700
        assert plan.head == max(edge.head for edge in way.edges)


Choices = dict[tuple[int, int, bool], list[tuple[Candidate, int]]]
"""By first and last unit, and whether the input is loaded: blocks, and the bytes that they read."""


def ways(network: Network, choices: Choices, cut: int, fast: frozenset[int]) -> set[tuple[int, int]]:
    """Traffic and MACs of all that may follow ``cut``, of a network without branches, in 700 bytes of fast memory."""
    if cut == len(network.units):
        return {(0, 0)}
    found = set()
    for (first, last, is_loaded), blocks in choices.items():
        if first != cut or is_loaded is bool(fast):
            continue
        for is_fast in (False, True):
            for block, read in blocks:
                output, held = block.output, sum(padded_bytes(network, tensor) for tensor in fast)
                held += align_up(block.workspace, 16) + is_fast * padded_bytes(network, output)
                if held <= 700 and not (is_fast and output in network.outputs):
                    written = 0 if is_fast else network.nbytes(output)
                    rest = after(network, choices, last + 1, frozenset((output,)) if is_fast else frozenset())
                    found |= {(read + written + traffic, block.macs + macs) for traffic, macs in rest}
    return found


_AFTER: dict[tuple[int, int, frozenset[int]], set[tuple[int, int]]] = {}


def after(network: Network, choices: Choices, cut: int, fast: frozenset[int]) -> set[tuple[int, int]]:
    """As :func:`ways`, found once."""
    key = id(choices), cut, fast
    if key not in _AFTER:
        _AFTER[key] = ways(network, choices, cut, fast)
    return _AFTER[key]


def test_a_load_reads_every_byte_of_whole_rows_once() -> None:
    planner = Planner.of(chain(Random(1)), "chain", Request())
    network = planner.network
    memories = TwoMemories(network, BlockSpace(network), 4096)
    seen = 0
    for plain in memories.plain.values():
        for block, read in memories.space.loading(plain, plain[0].inputs, 4096):
            assert loaded_bytes(memories.space.lay_out(block)) == read
            if block.schedule.tile_w == network.stage(block.last).output_map.w and block.first == 0:
                assert read == network.nbytes(network.inputs[0])
                seen += 1
    assert seen > 1


def test_an_ideal_way_is_one_that_nothing_beats() -> None:
    planner = Planner.of(chain(Random(2)), "chain", Request())
    memories = TwoMemories(planner.network, BlockSpace(planner.network), 4096)
    ideal = memories.ideal()
    assert isinstance(ideal, Way)
    assert (ideal.traffic, ideal.macs) == min((way.traffic, way.macs) for way in memories.ways())
    assert ideal.traffic == planner.least_traffic


@pytest.mark.parametrize("seed", (35, 75, 102, 164))
def test_bytes_to_spare_hide_no_plan_without_moving_outputs(seed: int) -> None:
    """With bytes to spare every way has a place here; one whose outputs do not move has less traffic."""
    network = Planner.of(chain(Random(seed), 5), "chain", Request()).network
    memories = TwoMemories(network, BlockSpace(network), 500)
    still = [make_plan_of_two(network, way.edges, way.fast) for way in memories.ways(room=Room(distance=0))]
    plans, _ = plans_of_two(memories, NO_LIMIT, NO_LIMIT)
    placed = [plan.traffic for plan in still if plan.fast_bytes <= memories.fast_bytes]
    assert placed and min(plan.traffic for plan in plans) <= min(placed)


def test_what_fits_into_fast_memory_needs_no_slow_one() -> None:
    data = chain(Random(3))
    planner = Planner.of(data, "chain", Request(fast_ram=1 << 20))
    choice = planner.choose()
    assert choice.plan.fast is None
    assert choice.needed <= 1 << 20
    assert planner.in_fast_memory
    assert not Planner.of(data, "chain", Request(fast_ram=600)).in_fast_memory


def test_a_limit_on_the_arena_is_one_on_slow_memory() -> None:
    data = chain(Random(5))
    free = Planner.of(data, "chain", Request(fast_ram=500)).choose(Limits(max_overhead=4))
    least = min(c.needed for c in Planner.of(data, "chain", Request(fast_ram=500)).front)
    limited = Planner.of(data, "chain", Request(fast_ram=500)).choose(Limits(ram=least))
    assert limited.needed <= least <= free.needed
    with pytest.raises(LimitMissedError, match="does not fit"):
        Planner.of(data, "chain", Request(fast_ram=500)).choose(Limits(ram=100))
    with pytest.raises(MsfError, match="give it more"):
        Planner.of(data, "chain", Request(fast_ram=16)).choose()


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"stateful": 1}, "stateful"),
        ({"fast_ram": 0}, "no size"),
        ({"limits": Limits(max_slowdown=2)}, "max-slowdown"),
    ],
)
def test_what_is_not_planned_for_two_memories_is_refused(request_: dict[str, object], message: str) -> None:
    with pytest.raises(MsfError, match=message):
        Request(**{"fast_ram": 1024, **request_})  # type: ignore[arg-type]


def test_tflm_says_what_is_wrong_with_fast_memory() -> None:
    data = chain(Random(7))
    made = write_model(Planner.of(data, "chain", Request(fast_ram=600)).front_of_two()[0].model)
    session = Session(made)
    (values,) = make_inputs(session.model.main, runs=1, seed=0)
    assert session.run(values)
    load_kernels().msf_set_fast_memory(None, 0)
    with pytest.raises(MsfError, match="hand the fast one over"):
        session.run(values)
