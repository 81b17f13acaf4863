"""A TFLite model as plain frozen values: what every later step reads and none may change.

Nothing here knows about flatbuffers (see :mod:`tflm_msf.tflite_io`) or about fusion.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

NO_TENSOR = -1
"""Index that TFLite writes for an optional input that is absent."""


class DType(IntEnum):
    """Element types, numbered as in the TFLite schema's ``TensorType``."""

    FLOAT32 = 0
    FLOAT16 = 1
    INT32 = 2
    UINT8 = 3
    INT64 = 4
    STRING = 5
    BOOL = 6
    INT16 = 7
    COMPLEX64 = 8
    INT8 = 9
    FLOAT64 = 10
    COMPLEX128 = 11
    UINT64 = 12
    RESOURCE = 13
    VARIANT = 14
    UINT32 = 15
    UINT16 = 16
    INT4 = 17
    BFLOAT16 = 18
    INT2 = 19
    UINT4 = 20

    @property
    def bits(self) -> int:
        """Bits of one element (0 where elements have no fixed size)."""
        return _BITS[self]


_BITS: Mapping[DType, int] = {
    DType.FLOAT32: 32,
    DType.FLOAT16: 16,
    DType.INT32: 32,
    DType.UINT8: 8,
    DType.INT64: 64,
    DType.STRING: 0,
    DType.BOOL: 8,
    DType.INT16: 16,
    DType.COMPLEX64: 64,
    DType.INT8: 8,
    DType.FLOAT64: 64,
    DType.COMPLEX128: 128,
    DType.UINT64: 64,
    DType.RESOURCE: 0,
    DType.VARIANT: 0,
    DType.UINT32: 32,
    DType.UINT16: 16,
    DType.INT4: 4,
    DType.BFLOAT16: 16,
    DType.INT2: 2,
    DType.UINT4: 4,
}


@dataclass(frozen=True)
class Table:
    """A flatbuffer table that passes through us untouched: its schema name and its fields.

    Values are ints, floats, bools, strings, nested ``Table`` values, or tuples / bytes for vectors. A field that
    is absent has its schema default and is not listed.
    """

    name: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    def get(self, name: str, default: Any) -> Any:
        """The value of a field, or the schema's default, which the caller knows."""
        return self.fields.get(name, default)


@dataclass(frozen=True)
class Quantization:
    """Affine quantisation, real = scale * (q - zero_point); one entry, or one per slice along ``axis``."""

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int = 0
    minimum: tuple[float, ...] = ()
    maximum: tuple[float, ...] = ()
    details: Table | None = None

    @property
    def per_tensor(self) -> bool:
        """True if one scale and one zero point hold for the whole tensor."""
        return len(self.scale) == len(self.zero_point) == 1


@dataclass(frozen=True)
class Tensor:
    """One tensor. ``data`` is set for constants only; activations are NHWC."""

    name: str
    shape: tuple[int, ...]
    dtype: DType
    quantization: Quantization | None = None
    data: bytes | None = None
    is_variable: bool = False
    shape_signature: tuple[int, ...] = ()
    has_rank: bool = False
    sparsity: Table | None = None
    variant_tensors: tuple[Table, ...] = ()

    @property
    def is_constant(self) -> bool:
        """True if the values are in the file."""
        return self.data is not None

    @property
    def elements(self) -> int:
        """Number of elements (1 for a scalar)."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Size in bytes, packed types rounded up to whole bytes."""
        return (self.elements * self.dtype.bits + 7) // 8


@dataclass(frozen=True)
class Op:
    """One operator call. ``builtin`` is the schema's ``BuiltinOperator`` name, ``"CUSTOM"`` for custom operators."""

    builtin: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Table | None = None
    custom_code: str | None = None
    custom_options: bytes = b""
    custom_options_format: int = 0
    version: int = 1
    intermediates: tuple[int, ...] = ()
    mutating_variable_inputs: tuple[bool, ...] = ()
    options_2: Table | None = None
    debug_metadata_index: int = -1

    @property
    def name(self) -> str:
        """What to call the operator in a message: its custom code, or its builtin name."""
        return self.custom_code or self.builtin


@dataclass(frozen=True)
class Graph:
    """One subgraph: tensors, and operators in execution order. Operators name tensors by index."""

    tensors: tuple[Tensor, ...]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    name: str = "main"
    debug_metadata_index: int = -1


@dataclass(frozen=True)
class Signature:
    """A named entry point: (name, tensor index) pairs of its inputs and outputs in subgraph ``graph``."""

    key: str
    graph: int
    inputs: tuple[tuple[str, int], ...]
    outputs: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Model:
    """A whole file. ``graphs[0]`` is the one that runs.

    ``legacy_metadata`` holds the nameless buffers of the schema's ``metadata_buffer``, the forerunner of ``metadata``.
    """

    graphs: tuple[Graph, ...]
    description: str = ""
    version: int = 3
    metadata: tuple[tuple[str, bytes], ...] = ()
    signatures: tuple[Signature, ...] = ()
    legacy_metadata: tuple[bytes, ...] = ()

    @property
    def main(self) -> Graph:
        """The subgraph that TFLM invokes."""
        return self.graphs[0]
