"""Inputs to run a model on: made up from a seed, or read from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tflm_msf.errors import MsfError
from tflm_msf.files import read_bytes
from tflm_msf.graph import DType, Graph, Tensor

Array = npt.NDArray[Any]

_NUMPY: dict[DType, type[np.generic]] = {
    DType.FLOAT32: np.float32,
    DType.INT32: np.int32,
    DType.UINT8: np.uint8,
    DType.INT64: np.int64,
    DType.BOOL: np.bool_,
    DType.INT16: np.int16,
    DType.INT8: np.int8,
}

_MOVES_ONLY = {"RESHAPE", "TRANSPOSE", "EXPAND_DIMS", "SQUEEZE", "PAD"}
"""Operators after which values are still the input's values."""


def load_input(graph: Graph, path: Path) -> list[Array]:
    """The model's one input from a file of raw little-endian values, shaped as the model wants it.

    The bytes are taken as they are, whatever type they were written as.
    Raises :class:`MsfError` if the file cannot be read or has another size, or if the model has not just one input.
    """
    if len(graph.inputs) != 1:
        raise MsfError(f"input files are for models with one input, and this one has {len(graph.inputs)}.")
    tensor = graph.tensors[graph.inputs[0]]
    content = read_bytes(path, "the input file")
    if len(content) != tensor.nbytes:
        raise MsfError(
            f"the input file {path} has {len(content)} bytes, but input `{tensor.name}` takes {tensor.nbytes}."
        )
    return [np.frombuffer(content, numpy_type(tensor)).reshape(tensor.shape)]


def make_inputs(graph: Graph, runs: int, seed: int) -> list[list[Array]]:
    """``runs`` sets of inputs, each as the model takes them. The same arguments give the same inputs.

    Noise alone saturates many classifiers to a handful of outputs, so inputs take turns: noise over the whole range,
    smooth waves, flat patches with sharp edges; then scenes (all of these together, as pictures and spectra are),
    single pixels that stand out, the ends of the range in turns, and all values at one end or the other.
    """
    kinds = (_noise, _waves, _patches, _scene, _sparse, _ends, _one_end)
    sets = []
    for run in range(runs):
        rng = np.random.default_rng([seed, run])
        tensors = [graph.tensors[index] for index in graph.inputs]
        ranges = [_value_range(graph, index) for index in graph.inputs]
        sets.append(
            [
                _fit(kinds[run % len(kinds)](tensor.shape, rng), tensor, bounds)
                for tensor, bounds in zip(tensors, ranges, strict=True)
            ]
        )
    return sets


def _noise(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    return rng.random(shape)


def _waves(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Three slow cosines across all axes, stretched to the whole of 0..1."""
    positions = np.meshgrid(*(np.linspace(0, 1, size) for size in shape), indexing="ij")
    total = np.zeros(shape)
    for _ in range(3):
        phase = np.full(shape, rng.uniform(0, 2 * np.pi))
        for axis in positions:
            phase = phase + axis * rng.uniform(-12, 12)
        total += np.cos(phase)
    spread = np.ptp(total) if total.size > 1 else 0.0
    return (total - total.min()) / spread if spread > 0 else rng.random(shape)


def _patches(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Boxes of one value each, the extremes 0 and 1 among them, over a flat background."""
    values = np.full(shape, rng.random())
    for level in (*rng.random(8), 0.0, 1.0):
        corners = [np.sort(rng.integers(0, size + 1, 2)) for size in shape]
        values[tuple(slice(first, last) for first, last in corners)] = level
    return values


def _scene(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """A slow background with things in it and some noise."""
    mixed = 0.5 * _waves(shape, rng) + 0.35 * _patches(shape, rng) + 0.15 * rng.normal(0.5, 0.3, shape)
    return np.clip(mixed, 0, 1)


def _sparse(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """One value, but for one in a hundred values and at least one, which are anything."""
    values = np.full(shape, rng.choice([0.0, 0.5, 1.0, rng.random()]))
    for index in rng.integers(0, max(values.size, 1), max(values.size // 100, 1)):
        values.reshape(-1)[index] = rng.random()
    return values


def _ends(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Each value at one end of the range or the other."""
    return rng.integers(0, 2, shape).astype(np.float64)


def _one_end(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """All values at the same end of the range."""
    return np.full(shape, float(rng.integers(0, 2)))


def _fit(values: Array, tensor: Tensor, bounds: tuple[float, float]) -> Array:
    """Stretch values in 0..1 over ``bounds`` (both included) in the tensor's type."""
    low, high = bounds
    kind = numpy_type(tensor)
    if issubclass(kind, np.floating):
        return (low + values * (high - low)).astype(kind)
    return np.minimum(np.floor(low + values * (high - low + 1)), high).astype(kind)


def _value_range(graph: Graph, index: int) -> tuple[float, float]:
    """Smallest and largest value that makes sense for an input."""
    tensor = graph.tensors[index]
    if tensor.dtype == DType.FLOAT32:
        return _quantized_range(graph, index) or (-1.0, 1.0)
    if tensor.dtype == DType.BOOL:
        return 0, 1
    if tensor.dtype in (DType.INT32, DType.INT64):
        return 0, 7  # these are indices or counts: large ones would point outside tables
    info = np.iinfo(np.dtype(numpy_type(tensor)))
    return int(info.min), int(info.max)


def _quantized_range(graph: Graph, index: int) -> tuple[float, float] | None:
    """Real values that the QUANTIZE behind a float tensor can represent; None if there is no such operator."""
    for op in graph.ops:
        if index not in op.inputs[:1]:
            continue
        output = graph.tensors[op.outputs[0]]
        if op.builtin == "QUANTIZE" and output.quantization is not None and output.dtype in (DType.INT8, DType.UINT8):
            scale, zero = output.quantization.scale[0], output.quantization.zero_point[0]
            info = np.iinfo(np.dtype(_NUMPY[output.dtype]))
            return (info.min - zero) * scale, (info.max - zero) * scale
        if op.builtin in _MOVES_ONLY:
            index = op.outputs[0]
    return None


def numpy_type(tensor: Tensor) -> type[np.generic]:
    """What a tensor's values are in numpy. Raises :class:`MsfError` for a type that it does not have."""
    try:
        return _NUMPY[tensor.dtype]
    except KeyError:
        raise MsfError(f"no inputs can be made for `{tensor.name}`: it holds {tensor.dtype.name.lower()}.") from None
