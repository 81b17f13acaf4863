"""Comparing a float-ended model with its int8-ended rewrite: the same values on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tflm_msf.graph import Graph, Quantization
from tflm_msf.graph.edges import quantized_input, quantized_output

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Int8Ends:
    """Which inputs and outputs of the original became int8 in the rewrite; None where nothing changed."""

    inputs: tuple[Quantization | None, ...]
    outputs: tuple[Quantization | None, ...]

    @classmethod
    def between(cls, original: Graph, rewritten: Graph, streamed: bool) -> Int8Ends:
        """Finds them. A streamed input has become int8 if it could."""
        inputs = [
            _quantization(original, quantized_input(original, tensor), tensor)
            if streamed or _type_changed(original, rewritten, tensor, rewritten.inputs, position)
            else None
            for position, tensor in enumerate(original.inputs)
        ]
        outputs = [
            _quantization(original, quantized_output(original, tensor), tensor)
            if _type_changed(original, rewritten, tensor, rewritten.outputs, position)
            else None
            for position, tensor in enumerate(original.outputs)
        ]
        return cls(tuple(inputs), tuple(outputs))

    def split(self, values: Sequence[Array]) -> tuple[list[Array], list[Array]]:
        """Inputs for the original and for the rewrite: floats are moved to the nearest value that int8 can hold."""
        ours, theirs = [], []
        for value, quantization in zip(values, self.inputs, strict=True):
            if quantization is None:
                ours.append(value)
                theirs.append(value)
                continue
            scale, zero = np.float32(quantization.scale[0]), quantization.zero_point[0]
            steps = np.clip(np.round(value / scale) + zero, -128, 127)
            ours.append(((steps - zero) * scale).astype(np.float32))
            theirs.append(steps.astype(np.int8))
        return ours, theirs

    def as_original(self, outputs: Sequence[Array]) -> list[Array]:
        """Outputs of the rewrite, dequantised as TFLM's DEQUANTIZE does where the original's are float."""
        return [
            value if quantization is None else _dequantize(value, quantization)
            for value, quantization in zip(outputs, self.outputs, strict=True)
        ]


def _type_changed(original: Graph, rewritten: Graph, tensor: int, ends: Sequence[int], position: int) -> bool:
    return position < len(ends) and rewritten.tensors[ends[position]].dtype != original.tensors[tensor].dtype


def _quantization(graph: Graph, quantized: int, tensor: int) -> Quantization | None:
    return graph.tensors[quantized].quantization if quantized != tensor else None


def _dequantize(value: Array, quantization: Quantization) -> Array:
    scale = float(quantization.scale[0])
    return ((value.astype(np.int64) - quantization.zero_point[0]) * scale).astype(np.float32)
