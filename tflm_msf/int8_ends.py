"""Comparing a model with a rewrite that has int8 ends or takes rows of pixels: the same values on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tflm_msf.errors import MsfError
from tflm_msf.graph import DType, Graph, Model, Quantization
from tflm_msf.graph.edges import quantized_input, quantized_output
from tflm_msf.graph.pixels import PixelFormat, Pixels
from tflm_msf.program.decode import is_streamed

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class PixelRows:
    """An input that a rewrite gets as rows of pixels; ``levels`` are its values for the bytes 0 to 255, in order."""

    pixels: Pixels
    levels: Array

    def split(self, value: Array) -> tuple[Array, Array]:
        """The image that pixels can hold and that is nearest to ``value``, and its rows."""
        exact = self.levels.astype(np.float64)
        nearest = np.searchsorted((exact[1:] + exact[:-1]) / 2, value.astype(np.float64))
        rows, held = self.pixels.rows(nearest.astype(np.uint8))
        return self.levels[held], rows


@dataclass(frozen=True)
class Int8Ends:
    """Which inputs and outputs of the original became int8 in the rewrite; None where nothing changed.

    ``rows`` is set where the one input arrives as rows of pixels.
    """

    inputs: tuple[Quantization | None, ...]
    outputs: tuple[Quantization | None, ...]
    rows: PixelRows | None = None

    @classmethod
    def between(cls, original: Graph, model: Model) -> Int8Ends:
        """Finds them. A streamed input has become int8 if it could.

        Raises:
            MsfError: if the rewritten ``model`` does not say clearly which pixels it takes.
        """
        rewritten, streamed = model.main, is_streamed(model)
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
        pixels = Pixels.of(model) if streamed and len(original.inputs) == 1 else Pixels()
        rows = None if pixels.format is PixelFormat.MODEL else PixelRows(pixels, _levels(original, pixels))
        return cls(tuple(inputs), tuple(outputs), rows)

    def split(self, values: Sequence[Array]) -> tuple[list[Array], list[Array]]:
        """Inputs for the original and for the rewrite, moved to the nearest values that the rewrite can be given."""
        if self.rows is not None:
            image, rows = self.rows.split(values[0])
            return [image], [rows]
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


def _levels(graph: Graph, pixels: Pixels) -> Array:
    """What the original gets for the bytes 0 to 255 of a row."""
    (tensor,) = graph.inputs
    quantized = graph.tensors[quantized_input(graph, tensor)]
    if graph.tensors[tensor].dtype != DType.FLOAT32:
        table = pixels.table(quantized)
        return table if quantized.dtype == DType.UINT8 else table.view(np.int8)
    if pixels.reals is not None:
        return pixels.reals
    if quantized.quantization is None:
        raise MsfError(f"the input '{graph.tensors[tensor].name}' has no scale, so no pixels can be made for it.")
    return _dequantize(pixels.table(quantized).view(np.int8), quantized.quantization)


def _type_changed(original: Graph, rewritten: Graph, tensor: int, ends: Sequence[int], position: int) -> bool:
    return position < len(ends) and rewritten.tensors[ends[position]].dtype != original.tensors[tensor].dtype


def _quantization(graph: Graph, quantized: int, tensor: int) -> Quantization | None:
    return graph.tensors[quantized].quantization if quantized != tensor else None


def _dequantize(value: Array, quantization: Quantization) -> Array:
    scale = float(quantization.scale[0])
    return ((value.astype(np.int64) - quantization.zero_point[0]) * scale).astype(np.float32)
