"""What older TFLM computes otherwise than the wheel: int8 MEAN, which upstream changed in April 2023.

A model that holds such operators is run in the wheel piece by piece, up to each of them and behind it, and they are
computed here. docs/TARGETS.md has the commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tflm_msf.arena import OFFLINE_PLAN, Generation, Target
from tflm_msf.errors import MsfError
from tflm_msf.graph import Graph, Model, Op, Quantization
from tflm_msf.graph.fixed_point import quantize_multiplier, rescale
from tflm_msf.inputs import Array
from tflm_msf.network.generations import is_computed_otherwise
from tflm_msf.program.decode import is_streamed
from tflm_msf.runtime.interpreter import Session
from tflm_msf.tflite_io import read_model, write_model


class TargetSession:
    """A loaded model that computes as ``target`` does; the counterpart of :class:`Session`."""

    def __init__(self, model: bytes, target: Target | None, source: str = "the model") -> None:
        """Load ``model``. Raises :class:`MsfError` as :class:`Session` does."""
        self.model = read_model(model, source)
        self._target = target
        graph = self.model.main
        self._pieces: list[tuple[Graph, Session | None]] = []
        pieces = _split(graph, target)
        for ops in pieces:
            piece = _piece(graph, ops)
            is_ours = is_computed_otherwise(graph, ops[0], target)
            data = model if len(pieces) == 1 else _file(self.model, piece)
            self._pieces.append((piece, None if is_ours else Session(data, source=source)))

    @property
    def differs(self) -> bool:
        """True if anything is computed otherwise than in the wheel."""
        return any(session is None for _, session in self._pieces)

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """As :meth:`Session.run`."""
        streamed = is_streamed(self.model)
        values = {} if streamed else dict(zip(self.model.main.inputs, inputs, strict=True))
        for graph, session in self._pieces:
            if session is None:
                assert self._target is not None
                values[graph.outputs[0]] = _mean(graph, values[graph.inputs[0]], self._target.generation)
                continue
            ends = session.model.main
            given = inputs if is_streamed(session.model) else [values[index] for index in ends.inputs]
            values.update(zip(ends.outputs, session.run(given), strict=True))
        return [values[index] for index in self.model.main.outputs]


def _split(graph: Graph, target: Target | None) -> list[tuple[Op, ...]]:
    """The operators in order: those that are computed here alone, runs of the others together."""
    pieces: list[tuple[Op, ...]] = []
    run: tuple[Op, ...] = ()
    for op in graph.ops:
        if is_computed_otherwise(graph, op, target):
            pieces += [*([run] if run else []), (op,)]
            run = ()
        else:
            run = (*run, op)
    return [*pieces, run] if run else pieces


def _piece(graph: Graph, ops: tuple[Op, ...]) -> Graph:
    """A graph of its own for a run of operators: it gives what others read, and takes what others made."""
    made = dict.fromkeys(tensor for op in ops for tensor in op.outputs)
    read = dict.fromkeys(tensor for op in ops for tensor in op.inputs if tensor >= 0)
    elsewhere = {tensor for op in graph.ops if op not in ops for tensor in op.inputs} | set(graph.outputs)
    inputs = tuple(t for t in read if t not in made and graph.tensors[t].data is None)
    return replace(graph, ops=ops, inputs=inputs, outputs=tuple(tensor for tensor in made if tensor in elsewhere))


def _file(model: Model, piece: Graph) -> bytes:
    metadata = tuple(entry for entry in model.metadata if entry[0] != OFFLINE_PLAN)
    return write_model(replace(model, graphs=(piece,), metadata=metadata, signatures=()))


def _mean(graph: Graph, values: Array, generation: Generation) -> Array:
    """One int8 MEAN as TFLM computed it before April 2023 (``reduce_common.cc``, before that ``reduce.cc``)."""
    op = graph.ops[0]
    source, output = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    data = graph.tensors[op.inputs[1]].data
    if data is None or source.quantization is None or output.quantization is None:
        raise MsfError(f"MEAN '{output.name}' has axes or a scale that are not fixed: its values cannot be foretold.")
    rank = len(source.shape)
    axes = tuple(sorted({int(axis) % rank for axis in np.frombuffer(data, "<i4")}))
    count = int(np.prod([source.shape[axis] for axis in axes]))
    sums = np.asarray(values, np.int64).sum(axis=axes)
    before, after = source.quantization, output.quantization
    keeps = bool(op.options and op.options.get("keep_dims", False))
    if generation is Generation.TFLM_2021 and keeps and rank == 4 and axes == (1, 2):
        found = _rounded_mean(sums, count, before, after)
    elif (before.scale[0], before.zero_point[0]) == (after.scale[0], after.zero_point[0]):
        found = np.sign(sums) * (np.abs(sums) // count)  # C's division, which truncates
    else:
        found = _float_mean(sums, count, before, after)
    return np.clip(found, -128, 127).astype(np.int8).reshape(output.shape)


def _rounded_mean(
    sums: npt.NDArray[np.int64], count: int, before: Quantization, after: Quantization
) -> npt.NDArray[np.int64]:
    multiplier, shift = quantize_multiplier(before.scale[0] / after.scale[0])
    scaled = np.asarray(rescale(sums - count * before.zero_point[0], multiplier, shift), np.int64)
    divided: npt.NDArray[np.int64] = np.sign(scaled) * ((np.abs(scaled) + count // 2) // count)
    return divided + after.zero_point[0]


def _float_mean(
    sums: npt.NDArray[np.int64], count: int, before: Quantization, after: Quantization
) -> npt.NDArray[np.int64]:
    """In single precision, each operation rounded: a compiler that fuses them may round the last one otherwise."""
    scale = np.float32(before.scale[0]) / np.float32(after.scale[0])
    real = sums.astype(np.float32) / np.float32(count) * scale + np.float32(-before.zero_point[0]) * scale
    rounded: npt.NDArray[np.int64] = (np.sign(real) * np.floor(np.abs(real) + np.float32(0.5))).astype(np.int64)
    return rounded + after.zero_point[0]
