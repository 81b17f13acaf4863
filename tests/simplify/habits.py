"""What converters write around a network: shapes computed at run time, transposes, views, conversions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from testing.operators import MoreLayers
from tflm_msf.graph import DType, Op, Table, Tensor


class Habits(MoreLayers):
    """:class:`MoreLayers` with the operators that a simplification folds away."""

    def shape_op(self, x: int) -> int:
        return self._op("SHAPE", [x], self.integers_like((len(self.shape(x)),)), Table("ShapeOptions", {"out_type": 2}))

    def integers_like(self, shape: tuple[int, ...], dtype: DType = DType.INT32) -> int:
        """An int32 tensor that an operator makes."""
        return self._add(Tensor(f"i{len(self.tensors)}", shape, dtype))

    def integers(self, values: npt.NDArray[np.int32]) -> int:
        """An int32 constant."""
        return self._add(Tensor(f"k{len(self.tensors)}", values.shape, DType.INT32, data=values.tobytes()))

    def pick(self, x: int, position: int) -> int:
        """STRIDED_SLICE of one number of a vector."""
        inputs = [x, *(self._int32([value]) for value in (position, position + 1, 1))]
        return self._op(
            "STRIDED_SLICE", inputs, self.integers_like(()), Table("StridedSliceOptions", {"shrink_axis_mask": 1})
        )

    def part(self, x: int, begin: int, end: int, step: int) -> int:
        """STRIDED_SLICE of some numbers of a vector."""
        size = len(range(self.shape(x)[0])[begin:end:step])
        inputs = [x, *(self._int32([value]) for value in (begin, end, step))]
        return self._op("STRIDED_SLICE", inputs, self.integers_like((size,)), Table("StridedSliceOptions"))

    def pack(self, *numbers: int) -> int:
        fields = {"values_count": len(numbers), "axis": 0}
        return self._op("PACK", list(numbers), self.integers_like((len(numbers),)), Table("PackOptions", fields))

    def join_integers(self, *vectors: int) -> int:
        """CONCATENATION of int32 vectors."""
        size = sum(self.shape(vector)[0] for vector in vectors)
        return self._op("CONCATENATION", list(vectors), self.integers_like((size,)), Table("ConcatenationOptions"))

    def calculate(self, builtin: str, a: int, b: int) -> int:
        """ADD, SUB or MUL of int32 numbers."""
        shape = np.broadcast_shapes(self.shape(a), self.shape(b))
        return self._op(builtin, [a, b], self.integers_like(shape), Table(f"{builtin.title()}Options"))

    def fill(self, dims: int, like: int) -> int:
        """FILL with any int8 value, of the shape and scale of ``like``."""
        value = self.random.randint(-128, 127).to_bytes(1, "little", signed=True)
        given = self._add(Tensor(f"v{len(self.tensors)}", (), DType.INT8, self.tensors[like].quantization, value))
        return self._op("FILL", [dims, given], self._like(like, self.shape(like)), Table("FillOptions"))

    def transpose(self, x: int, order: Sequence[int]) -> int:
        out = self._like(x, tuple(self.shape(x)[axis] for axis in order))
        self.tensors[out] = replace(self.tensors[out], data=None)
        return self._op("TRANSPOSE", [x, self._int32(list(order))], out, Table("TransposeOptions"))

    def view(self, x: int, *shape: int) -> int:
        """SQUEEZE or EXPAND_DIMS where it gives the shape, else RESHAPE."""
        squeezed = tuple(size for size in self.shape(x) if size != 1)
        if shape == squeezed and self.random.random() < 0.5:
            return self._op("SQUEEZE", [x], self._like(x, shape), Table("SqueezeOptions"))
        if shape == (*self.shape(x), 1):
            axis = self._int32([-1])
            return self._op("EXPAND_DIMS", [x, axis], self._like(x, shape), Table("ExpandDimsOptions"))
        return self._op("RESHAPE", [x, self._int32(list(shape))], self._like(x, shape), Table("ReshapeOptions"))

    def from_float(self, x: int, like: int) -> int:
        """QUANTIZE of a float32 tensor to the scale of ``like``."""
        return self._op("QUANTIZE", [x], self._like(like, self.shape(x)))

    def float_like(self, x: int) -> int:
        """DEQUANTIZE."""
        index = self._add(Tensor(f"t{len(self.tensors)}", self.shape(x), DType.FLOAT32))
        return self._op("DEQUANTIZE", [x], index)

    def uniform_constant(self, *shape: int) -> int:
        """A constant operand with one value everywhere."""
        index = self.constant(*shape)
        data = (self.tensors[index].data or b"")[:1] * math.prod(shape)
        self.tensors[index] = replace(self.tensors[index], data=data)
        return index

    def name_outputs(self, builtin: str, x: int, *outputs: int) -> None:
        """An operator with several outputs."""
        self._ops.append(Op(builtin, (x,), outputs))
