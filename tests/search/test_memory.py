"""What a process remembers of blocks changes no edge, and saves walks where shapes are met again."""

from __future__ import annotations

from dataclasses import fields
from random import Random

import pytest

from testing.layers import Geometry, Layers, Weighting
from testing.networks import random_network
from tflm_msf.blocks.space import BlockSpace
from tflm_msf.network.orders import execution_orders
from tflm_msf.network.units import Network, build_network
from tflm_msf.ops import Stage
from tflm_msf.search import memory as memory_module
from tflm_msf.search.dag import find_edges
from tflm_msf.search.memory import Memory


def variant(weights: int, last_channels: int, residual: bool = False, first: int = 1) -> Network:
    """Ten convolutions with random weights; the last one has so many channels, or is added to what came before.

    ``first`` is how often the first one, of one pixel, comes.
    """
    layers = Layers(Random(weights))
    x = layers.input(1, 16, 16, 3)
    for index in (0,) * first + tuple(range(1, 9)):
        x = layers.conv(x, 4 + index % 3, Geometry((3, 3) if index % 2 else (1, 1)), Weighting(bias=True))
    y = layers.conv(x, 6 if residual else last_channels, Geometry((1, 1)), Weighting(bias=True))
    return build_network(layers.model([layers.add(x, y) if residual else y]).main)


def repeated(times: int) -> Network:
    """The same three convolutions so many times, the last of each an output, so that no block has more than three."""
    layers = Layers(Random(0))
    ends = [layers.input(1, 8, 8, 4)]
    for _ in range(times):
        x = ends[-1]
        for kernel in (1, 3, 1):
            x = layers.conv(x, 4, Geometry((kernel, kernel)), Weighting())
        ends.append(x)
    return build_network(layers.model(ends[1:]).main)


class Walks:
    """Counts the units that blocks were looked for at."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        real = BlockSpace.ending_at

        def counted(space: BlockSpace, *arguments: object) -> object:
            self.count += 1
            return real(space, *arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(BlockSpace, "ending_at", counted)

    def of(self, network: Network, memory: Memory) -> int:
        before = self.count
        find_edges(network, memory=memory)
        return self.count - before


def test_only_what_is_new_is_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    walks, memory = Walks(monkeypatch), Memory()
    assert walks.of(variant(1, 5), memory) == 10
    assert walks.of(variant(1, 5), memory) == 0
    assert walks.of(variant(2, 5), memory) == 0, "weights do not matter"
    assert walks.of(variant(1, 4), memory) == 1, "the last layer is another one"
    assert walks.of(variant(1, 5, residual=True), memory) >= 2, "what it adds to is needed longer"


def test_what_is_repeated_is_walked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    walks = Walks(monkeypatch)
    assert walks.of(repeated(2), Memory()) == 6, "what is read again is told from what is not"
    assert walks.of(repeated(5), Memory()) <= 9


@pytest.mark.parametrize("seed", range(60))
def test_edges_are_those_without_a_memory(seed: int) -> None:
    memory = Memory()
    built = build_network(random_network(Random(seed)).main)
    variants = (variant(seed, 5), variant(seed, 4), variant(seed, 4, True), variant(seed, 5, first=2))
    for each in (built, *execution_orders(built).networks, *variants, repeated(3)):
        assert find_edges(each, memory=memory) == find_edges(each, memory=Memory())


def test_one_memory_for_many_networks_changes_no_edge() -> None:
    memory = Memory()
    for seed in range(150):
        network = build_network(random_network(Random(seed)).main)
        assert find_edges(network, memory=memory) == find_edges(network, memory=Memory())


def test_all_that_a_block_may_depend_on_is_told_apart() -> None:
    """Every field of a stage is either known to be a value or tells stages apart."""
    told_apart = set(memory_module._SHAPES) | memory_module._TENSORS
    assert memory_module._VALUES | told_apart == {field.name for field in fields(Stage)}
    assert {"op", "inputs", "output", "input_maps", "output_map", "window", "macs_per_pixel", "history"} <= told_apart


def test_too_much_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tflm_msf.search.memory.MOST_KEPT", 20)
    memory = Memory()
    for _ in range(2):
        assert find_edges(variant(1, 5), memory=memory) == find_edges(variant(1, 5), memory=Memory())
