"""Layers beyond convolutions: activation tables, comparisons, softmax, paddings."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from testing.layers import WEIGHT_RMS, Geometry, Layers, Weighting, as_float32
from tflm_msf.graph import DType, Op, Quantization, Table, Tensor

SIGMOIDS = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}
"""Operators whose output has one scale and zero point."""


class MoreLayers(Layers):
    """:class:`Layers` with the operators that networks for detection and speech have besides."""

    def activation(self, builtin: str, x: int) -> int:
        """LOGISTIC, TANH, HARD_SWISH, LEAKY_RELU or ABS."""
        if builtin in SIGMOIDS:
            scale, zero = SIGMOIDS[builtin]
            return self._op(builtin, [x], self._activation(self.shape(x), 0.5, scale, zero))
        rms = self._rms[x]
        source = self.tensors[x].quantization
        assert source is not None
        scale = source.scale[0] * self.random.uniform(0.3, 1.5)  # far smaller ones are refused by HARD_SWISH
        options = Table("LeakyReluOptions", {"alpha": self.random.uniform(-0.5, 1.5)})
        out = self._activation(self.shape(x), rms, scale)
        return self._op(builtin, [x], out, options if builtin == "LEAKY_RELU" else None)

    def compare(self, builtin: str, a: int, b: int) -> int:
        """MAXIMUM or MINIMUM, on the scale of ``a``."""
        shape = tuple(int(size) for size in np.broadcast_shapes(self.shape(a), self.shape(b)))
        return self._op(builtin, [a, b], self._like(a, shape), Table("MaximumMinimumOptions"))

    def prelu(self, x: int, slope: int) -> int:
        return self._op("PRELU", [x, slope], self._activation(self.shape(x), self._rms[x]))

    def pads(self, x: int, amounts: list[list[int]], value: int | None = None) -> int:
        """PAD, or PADV2 with ``value``."""
        shape = tuple(size + sum(pair) for size, pair in zip(self.shape(x), amounts, strict=True))
        out = self._like(x, shape)
        inputs = [x, self._int32(amounts)]
        if value is not None:
            quantization = self.tensors[out].quantization
            data = value.to_bytes(1, "little", signed=True)
            inputs.append(self._add(Tensor(f"v{len(self.tensors)}", (1,), DType.INT8, quantization, data)))
        return self._op("PAD" if value is None else "PADV2", inputs, out)

    def pixel_softmax(self, x: int, beta: float = 1.0) -> int:
        """SOFTMAX over the channels of every pixel."""
        out = self._activation(self.shape(x), 0.3, 1 / 256, -128)
        return self._op("SOFTMAX", [x], out, Table("SoftmaxOptions", {"beta": beta}))

    def like(self, x: int, other: int) -> int:
        """``x`` on the scale of ``other``."""
        if self.tensors[x].quantization == self.tensors[other].quantization:
            return x
        return self._op("QUANTIZE", [x], self._like(other, self.shape(x)))

    def concatenate(self, *parts: int) -> int:
        """CONCATENATION of channels, all on the scale of the first part."""
        same = [self.like(part, parts[0]) for part in parts]
        shape = (*self.shape(parts[0])[:-1], sum(self.shape(part)[-1] for part in parts))
        options = Table("ConcatenationOptions", {"axis": self.random.choice([-1, len(shape) - 1])})
        return self._op("CONCATENATION", same, self._like(parts[0], shape), options)

    def append(self, *parts: int, axis: int = 1) -> int:
        """CONCATENATION of rows, or along any axis with nothing in front of it, all on the scale of the first part."""
        same = [self.like(part, parts[0]) for part in parts]
        shape = list(self.shape(parts[0]))
        shape[axis] = sum(self.shape(part)[axis] for part in parts)
        out = self._like(parts[0], tuple(shape))
        return self._op("CONCATENATION", same, out, Table("ConcatenationOptions", {"axis": axis}))

    def split(self, x: int, axis: int, count: int) -> list[int]:
        """SPLIT into equal parts."""
        shape = list(self.shape(x))
        shape[axis] //= count
        parts = [self._like(x, tuple(shape)) for _ in range(count)]
        self._ops.append(
            Op("SPLIT", (self._int32([axis]), x), tuple(parts), Table("SplitOptions", {"num_splits": count}))
        )
        return parts

    def split_sizes(self, x: int, axis: int, sizes: list[int], rest: bool = False) -> list[int]:
        """SPLIT_V into parts of given sizes; ``rest`` writes the last one as -1, what is left."""
        shape = self.shape(x)
        parts = [self._like(x, (*shape[:axis], size, *shape[axis + 1 :])) for size in sizes]
        inputs = (x, self._int32([*sizes[:-1], -1 if rest else sizes[-1]]), self._int32([axis]))
        self._ops.append(Op("SPLIT_V", inputs, tuple(parts), Table("SplitVOptions", {"num_splits": len(sizes)})))
        return parts

    def slice(self, x: int, begin: list[int], shape: list[int]) -> int:
        return self._op("SLICE", [x, self._int32(begin), self._int32(shape)], self._like(x, tuple(shape)))

    def strided_slice(self, x: int, begin: list[int], end: list[int], steps: list[int], **masks: int) -> int:
        """STRIDED_SLICE; the output's shape is what numpy gives."""
        picks: list[slice | int] = []
        for axis, (first, last, step) in enumerate(zip(begin, end, steps, strict=True)):
            bit = 1 << axis
            whole = slice(
                None if masks.get("begin_mask", 0) & bit else first,
                None if masks.get("end_mask", 0) & bit else last,
                step,
            )
            picks.append(first if masks.get("shrink_axis_mask", 0) & bit else whole)
        shape = np.empty(self.shape(x))[tuple(picks)].shape
        inputs = [x, *(self._int32(values) for values in (begin, end, steps))]
        return self._op("STRIDED_SLICE", inputs, self._like(x, shape), Table("StridedSliceOptions", masks))

    def gather(self, x: int, axis: int, places: list[int]) -> int:
        shape = list(self.shape(x))
        shape[axis] = len(places)
        options = Table("GatherOptions", {"axis": axis})
        return self._op("GATHER", [x, self._int32(places)], self._like(x, tuple(shape)), options)

    def reverse(self, x: int, axis: int) -> int:
        return self._op("REVERSE_V2", [x, self._int32([axis])], self._like(x, self.shape(x)))

    def transpose(self, x: int, order: list[int]) -> int:
        shape = tuple(self.shape(x)[axis] for axis in order)
        return self._op("TRANSPOSE", [x, self._int32(order)], self._like(x, shape))

    def channel_shuffle(self, x: int, groups: int) -> int:
        """As ShuffleNet has it: RESHAPE to groups, TRANSPOSE of groups and what is in them, RESHAPE back."""
        shape = self.shape(x)
        y = self.reshape(x, *shape[:3], groups, shape[3] // groups)
        return self.reshape(self.transpose(y, [0, 1, 2, 4, 3]), *shape)

    def squared_difference(self, a: int, b: int) -> int:
        shape = tuple(int(size) for size in np.broadcast_shapes(self.shape(a), self.shape(b)))
        rms = 2 * (self._rms[a] ** 2 + self._rms[b] ** 2)
        return self._op("SQUARED_DIFFERENCE", [a, b], self._activation(shape, rms))

    def arg(self, builtin: str, x: int) -> int:
        """ARG_MAX or ARG_MIN over the last axis, for an output."""
        out = self._add(Tensor(f"t{len(self.tensors)}", self.shape(x)[:-1], DType.INT32))
        name = "ArgMaxOptions" if builtin == "ARG_MAX" else "ArgMinOptions"
        return self._op(builtin, [x, self._int32([-1])], out, Table(name, {"output_type": 2}))

    def space_to_depth(self, x: int, block: int) -> int:
        n, h, w, c = self.shape(x)
        out = self._like(x, (n, h // block, w // block, c * block * block))
        return self._op("SPACE_TO_DEPTH", [x], out, Table("SpaceToDepthOptions", {"block_size": block}))

    def depth_to_space(self, x: int, block: int) -> int:
        n, h, w, c = self.shape(x)
        out = self._like(x, (n, h * block, w * block, c // (block * block)))
        return self._op("DEPTH_TO_SPACE", [x], out, Table("DepthToSpaceOptions", {"block_size": block}))

    def resize(self, x: int, height: int, width: int, bilinear: bool, half_pixel: bool, aligned: bool = False) -> int:
        """RESIZE_NEAREST_NEIGHBOR or RESIZE_BILINEAR."""
        n, _, _, c = self.shape(x)
        name = "Bilinear" if bilinear else "NearestNeighbor"
        options = Table(f"Resize{name}Options", {"half_pixel_centers": half_pixel, "align_corners": aligned})
        builtin = "RESIZE_BILINEAR" if bilinear else "RESIZE_NEAREST_NEIGHBOR"
        return self._op(builtin, [x, self._int32([height, width])], self._like(x, (n, height, width, c)), options)

    def transpose_conv(self, x: int, channels: int, geometry: Geometry, weighting: Weighting) -> int:
        """TRANSPOSE_CONV to the size that Keras gives it."""
        _, h, w, depth = self.shape(x)
        sizes = [
            size * stride if geometry.same else (size - 1) * stride + max(kernel, stride)
            for size, stride, kernel in zip((h, w), geometry.stride, geometry.kernel, strict=True)
        ]
        taps = geometry.kernel[0] * geometry.kernel[1] * depth / (geometry.stride[0] * geometry.stride[1])
        typical = self.random.uniform(0.5, 2) / (WEIGHT_RMS * math.sqrt(max(taps, 1)) * self._rms[x])
        spread = self._exponents(channels) if weighting.per_channel else np.zeros(1)
        scales = tuple(as_float32(typical * 2**exponent) for exponent in spread)
        data = np.maximum(self._int8((channels, *geometry.kernel, depth)), -127)
        quantization = Quantization(scales, (0,) * len(scales))
        weights = self._add(Tensor(f"w{len(self.tensors)}", data.shape, DType.INT8, quantization, data.tobytes()))
        inputs = [self._int32([1, *sizes, channels]), weights, x]
        if weighting.bias:
            inputs.append(self._bias(x, scales, channels))
        options = {**geometry.options(), "fused_activation_function": weighting.activation}
        rms = self._rms[x] * typical * WEIGHT_RMS * math.sqrt(max(taps, 1))
        out = self._activation((1, *sizes, channels), rms)
        return self._op("TRANSPOSE_CONV", inputs, out, Table("TransposeConvOptions", options))

    def quantized_input(self, dtype: DType, shape: tuple[int, ...], scale: float, zero: int) -> int:
        """An input of float32 or uint8 and the QUANTIZE behind it, which makes the int8 tensor that is returned."""
        x = self.scaled_input(scale, zero, *shape)
        source = replace(self.tensors[x], dtype=dtype, quantization=None)
        if dtype == DType.UINT8:
            source = replace(source, quantization=Quantization((as_float32(scale),), (zero + 128,)))
        quantized = self._like(x, shape)
        self.tensors[x] = source
        return self._op("QUANTIZE", [x], quantized)

    def to_float(self, x: int) -> int:
        """DEQUANTIZE, for an output."""
        return self._op("DEQUANTIZE", [x], self._add(Tensor(f"t{len(self.tensors)}", self.shape(x), DType.FLOAT32)))

    def to_uint8(self, x: int) -> int:
        """QUANTIZE to uint8 on the same scale, for an output."""
        source = self.tensors[x].quantization
        assert source is not None
        quantization = Quantization(source.scale, (source.zero_point[0] + 128,))
        out = self._add(Tensor(f"t{len(self.tensors)}", self.shape(x), DType.UINT8, quantization))
        return self._op("QUANTIZE", [x], out)

    def scaled_input(self, scale: float, zero: int, *shape: int) -> int:
        """An input on a given scale."""
        index = self.input(*shape)
        quantization = Quantization((float(np.float32(scale)),), (zero,))
        self.tensors[index] = Tensor(self.tensors[index].name, shape, DType.INT8, quantization)
        self._rms[index] = scale * 74 * math.sqrt(1 + (zero / 74) ** 2)
        return index
