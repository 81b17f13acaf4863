"""A model layer by layer in plain reference-style loops, with the same interface as an exported one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from jinja2 import Environment, PackageLoader, StrictUndefined

from tflm_msf.errors import MsfError
from tflm_msf.network.units import Network
from tflm_msf.ops import Map, Stage, StageOp
from tflm_msf.plan import make_plan
from tflm_msf.search.dag import layerwise_edges

_TEMPLATES = Environment(
    loader=PackageLoader("benchmarks.reference"),
    autoescape=False,  # noqa: S701 - this makes C
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

_LOOPS = {
    StageOp.CONV_2D: "reference_conv_2d",
    StageOp.DEPTHWISE_CONV_2D: "reference_depthwise_conv_2d",
    StageOp.FULLY_CONNECTED: "reference_fully_connected",
    StageOp.ADD: "reference_add",
    StageOp.GLOBAL_POOL: "reference_average_pool",
}

_INT8 = "int8_t"
_INT32 = "int32_t"


@dataclass(frozen=True)
class _Array:
    type: str
    name: str
    values: str


@dataclass(frozen=True)
class _Tensor:
    offset: int
    map: Map
    zero: int = 0


@dataclass(frozen=True)
class _Layer:
    run: str
    inputs: list[_Tensor]
    output: _Tensor
    fields: dict[str, str | int]


def reference_c(network: Network) -> Mapping[str, str]:
    """C files of a model named ``model``; feature maps lie where a layer-by-layer plan puts them.

    Raises :class:`MsfError` for an operator that has no reference loop.
    """
    plan = make_plan(network, tuple(layerwise_edges(network)))
    arrays: list[_Array] = []
    layers = []
    for number, unit in enumerate(network.units):
        if unit.stage is None or not _has_loop(unit.stage):
            raise MsfError(f"operator {unit.ops[0]} has no reference loop in benchmarks/reference.")
        layers.append(_layer(unit.stage, number, plan.offsets, arrays))
    values = {
        "arena_size": plan.head,
        "arrays": arrays,
        "layers": layers,
        "inputs": [_end(network, tensor, plan.offsets) for tensor in network.graph.inputs],
        "outputs": [_end(network, tensor, plan.offsets) for tensor in network.graph.outputs],
    }
    here = Path(__file__).parent
    return {
        **{path.name: path.read_text() for path in (here / "reference.h", here / "reference.c")},
        **{name: _TEMPLATES.get_template(f"{name}.jinja").render(values) for name in ("model.h", "model.c")},
    }


def _has_loop(stage: Stage) -> bool:
    is_mean = stage.op is StageOp.GLOBAL_POOL and stage.args[0] != 0
    return stage.op in _LOOPS and not is_mean


def _end(network: Network, tensor: int, offsets: Mapping[int, int]) -> _Tensor:
    return _Tensor(offsets[network.alias.get(tensor, tensor)], Map(1, 1, network.nbytes(tensor)))


def _layer(stage: Stage, number: int, offsets: Mapping[int, int], arrays: list[_Array]) -> _Layer:
    def array(kind: str, name: str, values: npt.NDArray[np.int8] | npt.NDArray[np.int32]) -> str:
        arrays.append(_Array(kind, f"{name}_{number}", ", ".join(map(str, values.tolist()))))
        return f"{name}_{number}"

    window = stage.window
    fields: dict[str, str | int] = {
        "kernel_h": window.kernel_h,
        "kernel_w": window.kernel_w,
        "stride_h": window.stride_h,
        "stride_w": window.stride_w,
        "dilation_h": window.dilation_h,
        "dilation_w": window.dilation_w,
        "pad_top": window.pad_top,
        "pad_left": window.pad_left,
        "act_min": stage.activation[0],
        "act_max": stage.activation[1],
        **{f"arg[{index}]": value for index, value in enumerate(stage.args)},
    }
    if stage.requantization is not None:
        fields["weights"] = array(_INT8, "weights", np.frombuffer(stage.weights, np.int8))
        fields["bias"] = array(_INT32, "bias", _unfolded_bias(stage))
        fields["multipliers"] = array(_INT32, "multipliers", stage.requantization.multipliers)
        fields["shifts"] = array(_INT8, "shifts", stage.requantization.shifts)
    inputs = [
        _Tensor(offsets[tensor], grid, zero)
        for tensor, grid, zero in zip(stage.inputs, stage.input_maps, stage.in_zero, strict=True)
    ]
    output = _Tensor(offsets[stage.output], stage.output_map, stage.out_zero)
    return _Layer(_LOOPS[stage.op], inputs, output, fields)


def _unfolded_bias(stage: Stage) -> npt.NDArray[np.int32]:
    """The bias as it was before the input's zero point was folded into it."""
    assert stage.requantization is not None
    channels = stage.output_map.c
    weights = np.frombuffer(stage.weights, np.int8).astype(np.int64)
    depthwise = stage.op is StageOp.DEPTHWISE_CONV_2D
    sums = weights.reshape(-1, channels).sum(axis=0) if depthwise else weights.reshape(channels, -1).sum(axis=1)
    bias: npt.NDArray[np.int32] = (stage.requantization.bias + stage.in_zero[0] * sums).astype(np.int32)
    return bias
