"""The networks of the msf-CNN paper: plain chains of convolutions, given by their shapes alone."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tflm_msf.graph import DType, Graph, Op, Tensor
from tflm_msf.network.units import Network, Unit
from tflm_msf.ops import Map, Stage, StageOp, Window

DIRECTORY = Path(__file__).parent / "networks"
NAMES = ("MBV2-w0.35", "MN2-vww5", "MN2-320K")


@dataclass(frozen=True)
class Layer:
    """A convolution with a square kernel and the same padding on all sides."""

    op: StageOp
    kernel: int
    stride: int
    padding: int
    input: Map
    output: Map

    @property
    def macs_per_element(self) -> int:
        """Multiply-accumulates for one output value."""
        return self.kernel**2 * (self.input.c if self.op is StageOp.CONV_2D else 1)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the layer, taps in the padding included."""
        return self.output.elements * self.macs_per_element


@dataclass(frozen=True)
class Published:
    """One line of the paper's results: peak RAM in bytes and MAC overhead factor F under a constraint.

    ``constraint`` is ``vanilla`` (layer by layer), ``heuristic`` (one fused head), ``F1.1`` (F at most 1.1, ``Finf``
    for any F) or ``16kB`` (peak at most 16,000 bytes).
    """

    constraint: str
    ram: int
    overhead: float


@dataclass(frozen=True)
class Chain:
    """A network of the paper and what the paper reports for it."""

    name: str
    layers: tuple[Layer, ...]
    published: tuple[Published, ...]

    @property
    def macs(self) -> int:
        """Multiply-accumulates layer by layer."""
        return sum(layer.macs for layer in self.layers)

    @cached_property
    def network(self) -> Network:
        """The chain as the planner sees a network: shapes and windows, no weights. Tensor *i* is layer *i*'s input."""
        maps = [self.layers[0].input, *(layer.output for layer in self.layers)]
        tensors = tuple(Tensor(f"t{index}", (1, *shape), DType.INT8) for index, shape in enumerate(maps))
        ops = tuple(Op(layer.op.name, (index,), (index + 1,)) for index, layer in enumerate(self.layers))
        units = tuple(Unit((i,), (i,), (i + 1,), _stage(i, layer)) for i, layer in enumerate(self.layers))
        return Network(Graph(tensors, ops, (0,), (len(ops),)), units, {})


def _stage(index: int, layer: Layer) -> Stage:
    return Stage(
        op=layer.op,
        inputs=(index,),
        output=index + 1,
        input_maps=(layer.input,),
        output_map=layer.output,
        window=Window(
            kernel_h=layer.kernel,
            kernel_w=layer.kernel,
            stride_h=layer.stride,
            stride_w=layer.stride,
            pad_top=layer.padding,
            pad_left=layer.padding,
        ),
        macs_per_pixel=layer.macs // math.prod(layer.output[:2]),
    )


def load_chain(name: str) -> Chain:
    """A network by its name in the paper, one of :data:`NAMES`."""
    content = json.loads((DIRECTORY / f"{name.lower()}.json").read_text())
    layers = tuple(_layer(fields) for fields in content["layers"])
    return Chain(content["name"], layers, tuple(Published(*line) for line in content["msf_cnn"]))


def _layer(fields: Mapping[str, Any]) -> Layer:
    return Layer(
        op=StageOp[fields["op"]],
        kernel=fields["kernel"],
        stride=fields["stride"],
        padding=fields["padding"],
        input=Map(*fields["in"]),
        output=Map(*fields["out"]),
    )
