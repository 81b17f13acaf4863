"""Layers beyond convolutions: activation tables, comparisons, softmax, paddings."""

from __future__ import annotations

import math

import numpy as np

from tests.layers import Layers
from tflm_msf.graph import DType, Quantization, Table, Tensor

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

    def scaled_input(self, scale: float, zero: int, *shape: int) -> int:
        """An input on a given scale."""
        index = self.input(*shape)
        quantization = Quantization((float(np.float32(scale)),), (zero,))
        self.tensors[index] = Tensor(self.tensors[index].name, shape, DType.INT8, quantization)
        self._rms[index] = scale * 74 * math.sqrt(1 + (zero / 74) ** 2)
        return index
