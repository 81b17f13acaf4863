"""Int8 operators with random weights and scales, put together to models that write_model takes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from random import Random

import numpy as np
import numpy.typing as npt

from tflm_msf.graph import NO_TENSOR, DType, Graph, Model, Op, Quantization, Table, Tensor

NONE, RELU, RELU_N1_TO_1, RELU6 = range(4)
"""Fused activations, numbered as in the schema."""

WEIGHT_RMS = 74.0
"""Root mean square of evenly spread int8 values."""


@dataclass(frozen=True)
class Geometry:
    """Window of a convolution or pooling operator; pairs are height, width."""

    kernel: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    same: bool = True

    def output(self, size: int, axis: int) -> int:
        """Outputs along an axis of ``size``; 0 or less where the window does not fit."""
        reach = (self.kernel[axis] - 1) * self.dilation[axis] + 1
        return -(-size // self.stride[axis]) if self.same else (size - reach) // self.stride[axis] + 1

    def options(self) -> dict[str, int]:
        """Fields that all windowed operators have."""
        return {"stride_h": self.stride[0], "stride_w": self.stride[1], "padding": 0 if self.same else 1}

    def dilations(self) -> dict[str, int]:
        """Fields that convolutions have."""
        return {"dilation_h_factor": self.dilation[0], "dilation_w_factor": self.dilation[1]}


@dataclass(frozen=True)
class Weighting:
    """What a weighted operator has besides its geometry."""

    activation: int = NONE
    per_channel: bool = True
    bias: bool = True


class Layers:
    """Collects operators; methods take and return tensor indices.

    ``_rms`` holds the root mean square that each activation's real values are expected to have. Scales are chosen from
    it, so that values mostly use the range of int8; now and then they saturate or vanish instead.
    """

    def __init__(self, random: Random) -> None:
        self.random = random
        self.tensors: list[Tensor] = []
        self._values = np.random.default_rng(random.getrandbits(32))
        self._ops: list[Op] = []
        self._inputs: list[int] = []
        self._rms: dict[int, float] = {}

    def is_moderate(self, *tensors: int) -> bool:
        """Whether the product of such tensors still has a scale that TFLM takes."""
        return all(1e-3 < self._rms[tensor] < 1e3 for tensor in tensors)

    def model(self, outputs: list[int]) -> Model:
        return Model((Graph(tuple(self.tensors), tuple(self._ops), tuple(self._inputs), tuple(outputs)),))

    def shape(self, tensor: int) -> tuple[int, ...]:
        return self.tensors[tensor].shape

    def input(self, *shape: int) -> int:
        index = self._activation(shape, 1.0, self.random.uniform(0.005, 0.1), self._zero())
        self._inputs.append(index)
        return index

    def constant(self, *shape: int) -> int:
        """An operand of ADD, SUB or MUL."""
        data = self._int8(shape)
        quantization = Quantization((as_float32(self.random.uniform(0.005, 0.05)),), (self._zero(),))
        index = self._add(Tensor(f"c{len(self.tensors)}", shape, DType.INT8, quantization, data.tobytes()))
        deviation = (data.astype(float) - quantization.zero_point[0]) * quantization.scale[0]
        self._rms[index] = max(float(np.sqrt(np.mean(deviation**2))), 1e-3)
        return index

    def conv(self, x: int, channels: int, geometry: Geometry, weighting: Weighting) -> int:
        _, h, w, depth = self.shape(x)
        shape = (1, geometry.output(h, 0), geometry.output(w, 1), channels)
        options = {**geometry.options(), **geometry.dilations()}
        weights = (channels, *geometry.kernel, depth)
        return self._weighted("CONV_2D", "Conv2DOptions", x, weights, 0, shape, weighting, options)

    def grouped(self, x: int, groups: int, of_group: int, geometry: Geometry, weighting: Weighting) -> int:
        """CONV_2D in groups, each of which makes ``of_group`` channels."""
        _, h, w, depth = self.shape(x)
        shape = (1, geometry.output(h, 0), geometry.output(w, 1), groups * of_group)
        options = {**geometry.options(), **geometry.dilations()}
        weights = (groups * of_group, *geometry.kernel, depth // groups)
        return self._weighted("CONV_2D", "Conv2DOptions", x, weights, 0, shape, weighting, options)

    def depthwise(self, x: int, multiplier: int, geometry: Geometry, weighting: Weighting) -> int:
        _, h, w, depth = self.shape(x)
        shape = (1, geometry.output(h, 0), geometry.output(w, 1), depth * multiplier)
        options = {**geometry.options(), **geometry.dilations(), "depth_multiplier": multiplier}
        weights = (1, *geometry.kernel, depth * multiplier)
        return self._weighted("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions", x, weights, 3, shape, weighting, options)

    def dense(self, x: int, channels: int, weighting: Weighting, keep_dims: bool = False) -> int:
        """FULLY_CONNECTED on all of ``x``, or with ``keep_dims`` on each of its pixels."""
        shape = self.shape(x)
        depth = shape[-1] if keep_dims else math.prod(shape)
        out = (*shape[:-1], channels) if keep_dims else (1, channels)
        options = {"keep_num_dims": int(keep_dims)}
        return self._weighted(
            "FULLY_CONNECTED", "FullyConnectedOptions", x, (channels, depth), 0, out, weighting, options
        )

    def add(self, a: int, b: int, activation: int = NONE) -> int:
        rms = math.hypot(self._rms[a], self._rms[b])
        return self._binary("ADD", a, b, rms, activation)

    def sub(self, a: int, b: int, activation: int = NONE) -> int:
        rms = math.hypot(self._rms[a], self._rms[b])
        return self._binary("SUB", a, b, rms, activation)

    def mul(self, a: int, b: int, activation: int = NONE) -> int:
        return self._binary("MUL", a, b, self._rms[a] * self._rms[b], activation)

    def pad(self, x: int, top: int, bottom: int, left: int, right: int) -> int:
        n, h, w, c = self.shape(x)
        amounts = self._int32([[0, 0], [top, bottom], [left, right], [0, 0]])
        return self._op("PAD", [x, amounts], self._like(x, (n, h + top + bottom, w + left + right, c)))

    def max_pool(self, x: int, geometry: Geometry, activation: int = NONE) -> int:
        return self._pool("MAX_POOL_2D", x, geometry, activation)

    def average_pool(self, x: int, geometry: Geometry, activation: int = NONE) -> int:
        return self._pool("AVERAGE_POOL_2D", x, geometry, activation)

    def mean(self, x: int, keep_dims: bool, axes: tuple[int, ...] = (1, 2)) -> int:
        shape = self.shape(x)
        reduced = {axis % len(shape) for axis in axes}
        sizes = [1 if axis in reduced else size for axis, size in enumerate(shape) if keep_dims or axis not in reduced]
        count = math.prod(shape[axis] for axis in reduced)
        options = Table("ReducerOptions", {"keep_dims": keep_dims})
        out = self._activation(tuple(sizes), self._rms[x] / math.sqrt(count))
        return self._op("MEAN", [x, self._int32(list(axes))], out, options)

    def sum(self, x: int, axes: tuple[int, ...]) -> int:
        """SUM, which stays a builtin; it keeps its dimensions."""
        sizes = tuple(1 if axis in axes else size for axis, size in enumerate(self.shape(x)))
        count = math.prod(self.shape(x)) // math.prod(sizes)
        out = self._activation(sizes, self._rms[x] * math.sqrt(count))
        return self._op("SUM", [x, self._int32(list(axes))], out, Table("ReducerOptions", {"keep_dims": True}))

    def reduce_max(self, x: int, keep_dims: bool, axes: tuple[int, ...] = (1, 2)) -> int:
        return self._extreme("REDUCE_MAX", x, keep_dims, axes)

    def reduce_min(self, x: int, keep_dims: bool, axes: tuple[int, ...] = (1, 2)) -> int:
        return self._extreme("REDUCE_MIN", x, keep_dims, axes)

    def _extreme(self, builtin: str, x: int, keep_dims: bool, axes: tuple[int, ...]) -> int:
        shape = self.shape(x)
        reduced = {axis % len(shape) for axis in axes}
        sizes = [1 if axis in reduced else size for axis, size in enumerate(shape) if keep_dims or axis not in reduced]
        options = Table("ReducerOptions", {"keep_dims": keep_dims})
        return self._op(builtin, [x, self._int32(list(axes))], self._like(x, tuple(sizes)), options)

    def reshape(self, x: int, *shape: int) -> int:
        return self._op("RESHAPE", [x, self._int32(list(shape))], self._like(x, shape))

    def softmax(self, x: int) -> int:
        out = self._activation(self.shape(x), 0.3, 1 / 256, -128)
        return self._op("SOFTMAX", [x], out, Table("SoftmaxOptions", {"beta": 1.0}))

    def relu(self, x: int) -> int:
        return self._op("RELU", [x], self._activation(self.shape(x), self._rms[x]))

    def relu6(self, x: int) -> int:
        return self._op("RELU6", [x], self._like(x, self.shape(x)))

    def quantize(self, x: int) -> int:
        return self._op("QUANTIZE", [x], self._activation(self.shape(x), self._rms[x]))

    def _steps(self) -> float:
        """Root mean square of an activation's quantised values."""
        if self.random.random() < 0.1:
            return self.random.choice([0.5, 3.0, 400.0, 3000.0])
        return self.random.uniform(15, 70)

    def _exponents(self, channels: int) -> npt.NDArray[np.float64]:
        """Powers of two by which the scales of a weighted operator's channels differ."""
        return self._values.uniform(-1.5, 1.5, channels)

    def _zero(self) -> int:
        return self.random.choice([-128, 127, 0, *(self.random.randint(-128, 127) for _ in range(5))])

    def _add(self, tensor: Tensor) -> int:
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def _activation(
        self, shape: tuple[int, ...], rms: float, scale: float | None = None, zero: int | None = None
    ) -> int:
        """A tensor of real values of root mean square ``rms``, with a scale that suits them if none is given."""
        scale = as_float32(rms / self._steps() if scale is None else scale)
        quantization = Quantization((scale,), (self._zero() if zero is None else zero,))
        index = self._add(Tensor(f"t{len(self.tensors)}", shape, DType.INT8, quantization))
        self._rms[index] = min(max(rms, 0.5 * scale), 150 * scale)
        return index

    def _like(self, x: int, shape: tuple[int, ...]) -> int:
        """An activation of another shape on the same scale."""
        index = self._add(replace(self.tensors[x], name=f"t{len(self.tensors)}", shape=shape))
        self._rms[index] = self._rms[x]
        return index

    def _int8(self, shape: tuple[int, ...]) -> npt.NDArray[np.int8]:
        return self._values.integers(-128, 127, shape, np.int8, endpoint=True)

    def _int32(self, values: list[int] | list[list[int]]) -> int:
        data = np.array(values, np.int32)
        return self._add(Tensor(f"k{len(self.tensors)}", data.shape, DType.INT32, data=data.tobytes()))

    def _op(self, builtin: str, inputs: list[int], output: int, options: Table | None = None) -> int:
        self._ops.append(Op(builtin, tuple(inputs), (output,), options))
        return output

    def _weighted(
        self,
        builtin: str,
        table: str,
        x: int,
        shape: tuple[int, ...],
        channel_axis: int,
        out_shape: tuple[int, ...],
        weighting: Weighting,
        options: dict[str, int],
    ) -> int:
        channels = shape[channel_axis]
        taps = math.prod(shape) // channels
        typical = self.random.uniform(0.5, 2) / (WEIGHT_RMS * math.sqrt(taps) * self._rms[x])
        spread = self._exponents(channels) if weighting.per_channel else np.zeros(1)
        scales = tuple(as_float32(typical * 2**exponent) for exponent in spread)
        data = np.maximum(self._int8(shape), -127)
        quantization = Quantization(scales, (0,) * len(scales), channel_axis)
        weights = self._add(Tensor(f"w{len(self.tensors)}", shape, DType.INT8, quantization, data.tobytes()))
        inputs = [x, weights]
        if weighting.bias:
            inputs.append(self._bias(x, scales, channels))
        elif builtin != "DEPTHWISE_CONV_2D" and self.random.random() < 0.5:
            inputs.append(NO_TENSOR)  # as files have it; TFLM's DEPTHWISE_CONV_2D crashes on it
        rms = self._rms[x] * typical * WEIGHT_RMS * math.sqrt(taps)
        fields = {**options, "fused_activation_function": weighting.activation}
        out = self._activation(out_shape, rms)
        return self._op(builtin, inputs, out, Table(table, fields))

    def _bias(self, x: int, scales: tuple[float, ...], channels: int) -> int:
        source = self.tensors[x].quantization
        assert source is not None
        units = tuple(as_float32(source.scale[0] * scale) for scale in scales)
        data = np.round(self._values.normal(0, self._rms[x] / 2, channels) / np.array(units))
        data = np.clip(data, -(1 << 31), (1 << 31) - 1).astype(np.int32)
        quantization = Quantization(units, (0,) * len(units))
        return self._add(Tensor(f"b{len(self.tensors)}", (channels,), DType.INT32, quantization, data.tobytes()))

    def _binary(self, builtin: str, a: int, b: int, rms: float, activation: int) -> int:
        shape = np.broadcast_shapes(self.shape(a), self.shape(b))
        options = Table(f"{builtin.title()}Options", {"fused_activation_function": activation})
        return self._op(builtin, [a, b], self._activation(shape, rms), options)

    def _pool(self, builtin: str, x: int, geometry: Geometry, activation: int) -> int:
        n, h, w, c = self.shape(x)
        filter_h, filter_w = geometry.kernel
        fields = {**geometry.options(), "filter_height": filter_h, "filter_width": filter_w}
        options = Table("Pool2DOptions", {**fields, "fused_activation_function": activation})
        out = self._like(x, (n, geometry.output(h, 0), geometry.output(w, 1), c))
        return self._op(builtin, [x], out, options)


def as_float32(value: float) -> float:
    """As the file holds it."""
    return float(np.float32(value))
