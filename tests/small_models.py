"""Models of a few operators, made in place for tests that must run without the corpus."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from tflm_msf.graph import DType, Graph, Model, Op, Quantization, Tensor
from tflm_msf.tflite_io import write_model

PLAN = "OfflineMemoryAllocation"


def activation(name: str, dtype: DType = DType.INT8, shape: tuple[int, ...] = (1, 16)) -> Tensor:
    """A tensor without data; quantised with scale 1/2 and zero point -4 unless it is float."""
    quantization = None if dtype == DType.FLOAT32 else Quantization((0.5,), (-4,))
    return Tensor(name, shape, dtype, quantization)


def small_model(names: str = "xabcy", offsets: Sequence[int] | None = None) -> Model:
    """A chain of RELUs, one tensor of 16 bytes for each letter, with an offline memory plan if offsets are given."""
    tensors = tuple(activation(name) for name in names)
    ops = tuple(Op("RELU", (index,), (index + 1,)) for index in range(len(names) - 1))
    graph = Graph(tensors, ops, (0,), (len(names) - 1,))
    metadata = () if offsets is None else ((PLAN, plan_bytes(offsets)),)
    return Model((graph,), metadata=metadata)


def plan_bytes(offsets: Sequence[int]) -> bytes:
    """The content of TFLM's OfflineMemoryAllocation metadata."""
    return struct.pack(f"<{3 + len(offsets)}i", 1, 0, len(offsets), *offsets)


def block_model(program: bytes, inputs: int = 1) -> bytes:
    """A file with one MSF_BLOCK operator of so many inputs."""
    tensors = (*(activation(f"x{index}") for index in range(inputs)), activation("y"))
    indices = tuple(range(inputs))
    op = Op("CUSTOM", indices, (inputs,), custom_code="MSF_BLOCK", custom_options=program)
    return write_model(Model((Graph(tensors, (op,), indices, (inputs,)),)))
