"""What a lowering may ask about the operator it lowers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tflm_msf.graph import NO_TENSOR, DType, Graph, Op, Quantization, Tensor
from tflm_msf.graph.fixed_point import activation_range
from tflm_msf.ops.stage import Map, NotFusableError, map_of

SCALES = (2.0**-100, 2.0**100)
"""With scales in between, nothing that is computed from a few of them is infinite."""


@dataclass(frozen=True)
class OpContext:
    """An operator in its graph. ``maps`` holds how producers inside the network lay out tensors that were reshaped."""

    graph: Graph
    op: Op
    maps: Mapping[int, Map]

    def tensor(self, position: int) -> Tensor:
        """The operator's input tensor at ``position``, or NotFusableError."""
        self.require(self.has_input(position), f"it lacks its input {position}")
        return self.graph.tensors[self.op.inputs[position]]

    def has_input(self, position: int) -> bool:
        """False for an optional input that is absent."""
        return position < len(self.op.inputs) and self.op.inputs[position] != NO_TENSOR

    @property
    def output(self) -> Tensor:
        """The operator's only output."""
        return self.graph.tensors[self.op.outputs[0]]

    def option(self, name: str, default: int) -> int:
        """A field of the operator's builtin options."""
        return int(self.op.options.get(name, default)) if self.op.options else default

    def real_option(self, name: str, default: float) -> float:
        """A float32 field of the operator's builtin options."""
        return float(np.float32(self.op.options.get(name, default))) if self.op.options else default

    def require(self, condition: bool, reason: str) -> None:
        """Raises NotFusableError with ``reason`` unless ``condition`` holds."""
        if not condition:
            raise NotFusableError(reason)

    def int8_activation(self, tensor: Tensor) -> Quantization:
        """The quantisation of an int8 activation.

        Raises:
            NotFusableError: if it is a constant, of another type, or not quantised per tensor.
        """
        self._require_computed(tensor)
        return self.int8(tensor)

    def byte_activation(self, tensor: Tensor) -> Quantization:
        """As :meth:`int8_activation`, for operators that take uint8 too."""
        self._require_computed(tensor)
        return self.byte(tensor)

    def int8(self, tensor: Tensor) -> Quantization:
        """The per-tensor quantisation of an int8 tensor, or NotFusableError."""
        self.require(tensor.dtype == DType.INT8, f"its tensor '{tensor.name}' is {tensor.dtype.name.lower()}, not int8")
        return self.byte(tensor)

    def byte(self, tensor: Tensor) -> Quantization:
        """The per-tensor quantisation of an int8 or uint8 tensor, or NotFusableError."""
        low = {DType.INT8: -128, DType.UINT8: 0}.get(tensor.dtype)
        if low is None:
            raise NotFusableError(f"its tensor '{tensor.name}' is {tensor.dtype.name.lower()}, not int8 or uint8")
        quantization = tensor.quantization
        if quantization is None or not quantization.per_tensor:
            raise NotFusableError(f"its tensor '{tensor.name}' is not quantised per tensor")
        is_usual = SCALES[0] <= quantization.scale[0] <= SCALES[1]
        self.require(is_usual, f"the scale of its tensor '{tensor.name}' is not positive, or far from 1")
        in_range = low <= quantization.zero_point[0] <= low + 255
        self.require(in_range, f"the zero point of '{tensor.name}' is out of range")
        return quantization

    def _require_computed(self, tensor: Tensor) -> None:
        self.require(not tensor.is_constant, f"its operand '{tensor.name}' is a constant")

    def int8_weights(self, position: int) -> npt.NDArray[np.int8]:
        """The values of a constant int8 input, shaped.

        Raises:
            NotFusableError: if the weights are computed at run time, packed, or of another type.
        """
        tensor = self.tensor(position)
        if tensor.data is None or tensor.sparsity is not None:
            raise NotFusableError(f"its weights '{tensor.name}' are not a dense constant")
        self.require(
            tensor.dtype == DType.INT8, f"its weights '{tensor.name}' are {tensor.dtype.name.lower()}, not int8"
        )
        return np.frombuffer(tensor.data, np.int8).reshape(tensor.shape)

    def int32_bias(self, position: int, channels: int) -> npt.NDArray[np.int64]:
        """The bias (zeros if absent), one for each output channel."""
        if not self.has_input(position):
            return np.zeros(channels, np.int64)
        tensor = self.tensor(position)
        values = self.int32s(position, f"bias '{tensor.name}'")
        self.require(len(values) == channels, f"its bias '{tensor.name}' is not {channels} constant int32 values")
        return np.array(values, np.int64)

    def int32s(self, position: int, what: str) -> list[int]:
        """The values of a constant int32 input, which messages call ``what``, or NotFusableError."""
        tensor = self.tensor(position)
        if tensor.data is None or tensor.sparsity is not None or tensor.dtype != DType.INT32:
            raise NotFusableError(f"its {what} is not a constant of type int32")
        return [int(value) for value in np.frombuffer(tensor.data, np.int32)]

    def activation(self) -> tuple[int, int]:
        """Clamp limits of the fused activation."""
        quantization = self.int8(self.output)
        try:
            return activation_range(self.option("fused_activation_function", 0), quantization)
        except KeyError:
            raise NotFusableError("its fused activation has no int8 kernel") from None
        except OverflowError:
            raise NotFusableError("its output scale is too small for its fused activation") from None

    def map_of_input(self, position: int) -> Map:
        """The map of an activation input, in the layout its producer gave it."""
        tensor = self.tensor(position)
        return self.maps.get(self.op.inputs[position]) or map_of(tensor)
