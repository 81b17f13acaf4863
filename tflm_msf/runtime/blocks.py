"""Rewritten models without TFLM: the kernels walk the blocks of a model on this computer, as exported C does."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np

from tflm_msf.arena import c_arena, c_offsets, c_states
from tflm_msf.errors import MsfError
from tflm_msf.format import CUSTOM_CODE
from tflm_msf.graph import Model, Op
from tflm_msf.inputs import Array, numpy_type
from tflm_msf.program.decode import fast_bytes, fast_places, is_streamed
from tflm_msf.runtime.native import load_kernels, row_source
from tflm_msf.sizes import TENSOR_ALIGNMENT
from tflm_msf.tflite_io import read_model


class _Operand(ctypes.Structure):
    _fields_ = (("data", ctypes.c_void_p), ("size", ctypes.c_uint32))


class BlocksSession:
    """A loaded model of which every operator is a block; the counterpart of :class:`Session` where there is no TFLM."""

    differs = False

    def __init__(self, model: bytes, source: str = "the model") -> None:
        """Load ``model``.

        Raises:
            MsfError: if an operator is no block, if the model has no memory plan, or if the kernels cannot be compiled.
        """
        self.model: Model = read_model(model, source)
        graph = self.model.main
        kept = [op for op in graph.ops if op.custom_code != CUSTOM_CODE]
        if kept:
            raise MsfError(f"{source} keeps {kept[0].name}, which only TFLM runs.")
        self._source = source
        self._kernels = load_kernels()
        self._arena = _aligned(c_arena(self.model))
        self._fast = _aligned(fast_bytes(self.model))
        self._offsets = c_offsets(self.model)
        self._constants = {t: _aligned_copy(graph.tensors[t].data or b"") for op in graph.ops for t in op.inputs}
        states = c_states(self.model)
        self._programs = [_aligned_copy(op.custom_options) for op in graph.ops]
        self._tables = [self._operands(op, state) for op, state in zip(graph.ops, states, strict=True)]
        for offset, size in states:
            self._arena[offset : offset + min(size, 4)] = 0

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """As :meth:`Session.run`."""
        if is_streamed(self.model) and len(inputs) == 1:
            pixels = np.ascontiguousarray(inputs[0]).tobytes()
            with row_source(lambda y, size: pixels[y * size : (y + 1) * size]):
                return self._invoke()
        for index, value in zip(self.model.main.inputs, inputs, strict=True):
            self._place(index)[:] = np.frombuffer(np.ascontiguousarray(value).tobytes(), np.uint8)
        return self._invoke()

    def _invoke(self) -> list[Array]:
        graph = self.model.main
        for program, table in zip(self._programs, self._tables, strict=True):
            self._check(self._kernels.msf_prepare(_address(program), program.size, table, len(table)))
            self._check(self._kernels.msf_invoke(_address(program), table, len(table)))
        tensors = [graph.tensors[index] for index in graph.outputs]
        return [
            np.frombuffer(self._place(index).tobytes(), numpy_type(tensor)).reshape(tensor.shape)
            for index, tensor in zip(graph.outputs, tensors, strict=True)
        ]

    def _check(self, status: int) -> None:
        if status:
            text = self._kernels.msf_status_text
            text.restype = ctypes.c_char_p
            raise MsfError(f"the kernels cannot run {self._source}: {text(status).decode()}.")

    def _place(self, tensor: int) -> Array:
        """Where the values of a tensor lie."""
        if self.model.main.tensors[tensor].is_constant:
            return self._constants[tensor]
        start = self._offsets[tensor]
        return self._arena[start : start + self.model.main.tensors[tensor].nbytes]

    def _operands(self, op: Op, state: tuple[int, int]) -> ctypes.Array[_Operand]:
        places = [self._place(tensor) for tensor in (*op.inputs, *op.outputs)]
        for number, place in fast_places(op.custom_options).items():
            places[number] = self._fast[place.offset : place.offset + place.size]
        offset, size = state
        if size:
            places.append(self._arena[offset : offset + size])
        return (_Operand * len(places))(*(_Operand(_address(place), place.size) for place in places))


def _aligned(size: int) -> Array:
    raw = np.zeros(size + TENSOR_ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % TENSOR_ALIGNMENT
    return raw[start : start + size]


def _aligned_copy(content: bytes) -> Array:
    copy = _aligned(len(content))
    copy[:] = np.frombuffer(content, np.uint8)
    return copy


def _address(values: Array) -> ctypes.c_void_p:
    return ctypes.c_void_p(values.ctypes.data)
