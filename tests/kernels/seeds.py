"""Small blocks that between them use every operator, group and buffer there is, for the kernels' own tests.

``python -m tests.kernels.seeds DIRECTORY`` writes them as fuzzing cases (see ``fuzz_case.h``).
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from testing.layers import RELU6, Geometry, Layers, Weighting
from testing.operators import MoreLayers
from tests.kernels import handmade
from tflm_msf.blocks.rings import RingSizes
from tflm_msf.blocks.schedule import no_slower, schedules
from tflm_msf.blocks.walk import BlockWalk
from tflm_msf.graph import Model
from tflm_msf.network.units import build_network
from tflm_msf.program.encode import encode
from tflm_msf.program.layout import Weights

NO_LIMIT = 1 << 40


@dataclass(frozen=True)
class Seed:
    """A valid program, its params, and the bytes of each operand: inputs, params, outputs, workspace, state."""

    name: str
    program: bytes
    params: bytes
    params_operand: int
    sizes: tuple[int, ...]
    has_state: bool = False

    def as_case(self) -> bytes:
        """The bytes that the C harness reads."""
        head = struct.pack("<3I", len(self.program), len(self.sizes), self.params_operand)
        return head + struct.pack(f"<{len(self.sizes)}I", *self.sizes) + self.program + self.params


def models() -> dict[str, Model]:
    """The networks that blocks are made from."""
    return {
        "chain": _chain(),
        "residual": _residual(),
        "squeeze": _squeeze_excite(),
        "dense": _dense(),
        "pooled": _pooled(),
        "broadcast": _broadcast(),
        "dilated": _dilated(),
        "compared": _compared(),
        "moved": _moved(),
        "enlarged": _enlarged(),
        "deconvolved": _deconvolved(),
        "shuffled": _shuffled(),
        "float_end": _float_end(),
        "class_map": _class_map(),
    }


def seeds(weights: Weights = Weights.PACKED) -> list[Seed]:
    """All of them, always the same."""
    fused = [seed for name, model in models().items() for seed in _blocks(name, model, weights)]
    by_hand = [
        Seed(make.__name__, made.pack(), made.params, made.params_operand, made.sizes, made.has_state)
        for make in handmade.ALL
        for made in [make()]
    ]
    return [*fused, *by_hand]


def _blocks(name: str, model: Model, weights: Weights) -> Iterator[Seed]:
    """The longest block of a model, in whole rows, and in two widths of strips where it may be cut; in all orders."""
    network = build_network(model.main)
    last = len(network.units) - 1
    sizes = RingSizes(network)
    for schedule in (way for first in schedules(network, last)[:3] for way in no_slower(first)):
        found = list(BlockWalk(network, sizes, last, (schedule,)).candidates(NO_LIMIT))
        if not found:
            continue
        block = BlockWalk(network, sizes, last, (schedule,)).lay_out(found[-1].first)
        encoded = encode(block, weights)
        inputs = tuple(network.nbytes(tensor) for tensor in found[-1].inputs)
        rest = (len(encoded.params), network.nbytes(found[-1].output), found[-1].workspace)
        yield Seed(
            f"{name}_{schedule.tile_w}_{schedule.chunk}_{schedule.order.name.lower()}",
            encoded.program,
            encoded.params,
            len(inputs),
            (*inputs, *rest),
        )


def _chain() -> Model:
    layers = Layers(Random(1))
    x = layers.conv(layers.input(1, 9, 8, 3), 4, Geometry(stride=(2, 1)), Weighting(RELU6))
    x = layers.depthwise(x, 1, Geometry(), Weighting(per_channel=False))
    x = layers.conv(x, 5, Geometry((1, 1)), Weighting())
    x = layers.depthwise(x, 2, Geometry((3, 2), same=False), Weighting())
    return layers.model([layers.conv(x, 3, Geometry((1, 1)), Weighting())])


def _residual() -> Model:
    layers = Layers(Random(2))
    x = layers.conv(layers.input(1, 7, 6, 2), 3, Geometry(), Weighting())
    y = layers.depthwise(x, 1, Geometry((5, 3)), Weighting())
    y = layers.conv(layers.relu(y), 3, Geometry((1, 1)), Weighting())
    z = layers.sub(layers.add(x, y), x)
    return layers.model([layers.conv(z, 2, Geometry(stride=(2, 2)), Weighting())])


def _squeeze_excite() -> Model:
    layers = Layers(Random(3))
    x = layers.depthwise(layers.input(1, 6, 5, 4), 1, Geometry(), Weighting())
    y = layers.conv(layers.mean(x, keep_dims=True), 2, Geometry((1, 1)), Weighting())
    y = layers.conv(y, 4, Geometry((1, 1)), Weighting())
    return layers.model([layers.conv(layers.mul(x, y), 3, Geometry(), Weighting())])


def _dense() -> Model:
    layers = Layers(Random(4))
    x = layers.conv(layers.input(1, 5, 6, 2), 3, Geometry(), Weighting())
    x = layers.dense(layers.conv(x, 2, Geometry((1, 1)), Weighting()), 6, Weighting())
    return layers.model([layers.dense(x, 3, Weighting())])


def _pooled() -> Model:
    layers = Layers(Random(5))
    x = layers.pad(layers.relu(layers.input(1, 6, 7, 3)), 3, 2, 1, 4)
    x = layers.max_pool(x, Geometry((3, 2), (2, 1)), 0)
    x = layers.average_pool(x, Geometry((2, 3)), 1)
    return layers.model([layers.conv(x, 4, Geometry((2, 2)), Weighting())])


def _broadcast() -> Model:
    layers = Layers(Random(6))
    x = layers.input(1, 6, 5, 3)
    x = layers.add(layers.mul(x, layers.constant(1, 1, 1, 3)), layers.constant(1, 6, 5, 3))
    x = layers.average_pool(x, Geometry((6, 5), (6, 5), same=False))
    return layers.model([layers.conv(x, 7, Geometry((1, 1)), Weighting())])


def _shuffled() -> Model:
    layers = MoreLayers(Random(20))
    x = layers.grouped(layers.input(1, 6, 5, 4), 2, 3, Geometry(), Weighting())
    x = layers.channel_shuffle(x, 2)
    x = layers.squared_difference(layers.grouped(x, 3, 2, Geometry((1, 1)), Weighting()), x)
    return layers.model([layers.conv(x, 3, Geometry((3, 3), (2, 2)), Weighting())])


def _float_end() -> Model:
    layers = MoreLayers(Random(21))
    return layers.model([layers.to_float(layers.conv(layers.input(1, 6, 5, 3), 3, Geometry(), Weighting()))])


def _class_map() -> Model:
    layers = MoreLayers(Random(22))
    return layers.model([layers.arg("ARG_MAX", layers.conv(layers.input(1, 6, 5, 3), 4, Geometry(), Weighting()))])


def _dilated() -> Model:
    layers = Layers(Random(7))
    x = layers.conv(layers.input(1, 8, 9, 2), 3, Geometry(dilation=(2, 3)), Weighting())
    x = layers.depthwise(x, 1, Geometry((7, 7)), Weighting())
    return layers.model([layers.depthwise(x, 1, Geometry((2, 2), dilation=(2, 2), same=False), Weighting())])


def _compared() -> Model:
    layers = MoreLayers(Random(8))
    x = layers.input(1, 5, 6, 4)
    x = layers.compare("MAXIMUM", layers.relu(x), x)
    x = layers.prelu(layers.compare("MINIMUM", x, layers.constant(1, 1, 1, 4)), layers.constant(1, 1, 1, 4))
    return layers.model([layers.pixel_softmax(layers.conv(x, 5, Geometry(), Weighting()))])


def _moved() -> Model:
    layers = MoreLayers(Random(9))
    left, right = layers.split(layers.relu(layers.input(1, 8, 6, 4)), 3, 2)
    x = layers.concatenate(right, layers.conv(left, 3, Geometry(), Weighting()))
    x = layers.strided_slice(x, [0, 1, 1, 1], [1, 8, 6, 5], [1, 2, 1, 1])
    x = layers.space_to_depth(layers.pads(x, [[0, 0], [1, 1], [0, 1], [1, 0]], 5), 2)
    return layers.model([layers.depth_to_space(layers.conv(x, 8, Geometry(), Weighting()), 2)])


def _enlarged() -> Model:
    layers = MoreLayers(Random(10))
    x = layers.conv(layers.input(1, 3, 4, 2), 3, Geometry(), Weighting())
    x = layers.resize(x, 6, 12, bilinear=True, half_pixel=True)
    x = layers.resize(layers.depthwise(x, 1, Geometry(), Weighting()), 9, 12, bilinear=False, half_pixel=True)
    return layers.model([layers.conv(x, 2, Geometry(), Weighting())])


def _deconvolved() -> Model:
    layers = MoreLayers(Random(11))
    x = layers.conv(layers.input(1, 3, 4, 2), 3, Geometry(), Weighting())
    x = layers.transpose_conv(x, 2, Geometry((3, 5), (2, 3)), Weighting())
    return layers.model([layers.conv(x, 2, Geometry(), Weighting())])


def write_cases(directory: Path, weights: Weights = Weights.PACKED) -> list[Path]:
    """One file for each seed."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for seed in seeds(weights):
        paths.append(directory / f"{seed.name}.case")
        paths[-1].write_bytes(seed.as_case())
    return paths


if __name__ == "__main__":
    write_cases(Path(sys.argv[1]))
