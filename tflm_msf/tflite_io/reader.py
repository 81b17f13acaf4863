"""Bytes of a ``.tflite`` file -> :class:`~tflm_msf.graph.model.Model`."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from typing import TypeVar

from tflm_msf.errors import MsfError
from tflm_msf.files import read_bytes
from tflm_msf.graph.model import DType, Graph, Model, Op, Quantization, Signature, Table, Tensor
from tflm_msf.tflite_io.check import check_model
from tflm_msf.tflite_io.decode import decode
from tflm_msf.tflite_io.schema import enum_names

IDENTIFIER = b"TFL3"
"""What every ``.tflite`` file has at byte 4."""

_LARGEST_INLINE_OFFSET = 1
"""The schema's ``Buffer.offset`` and its like mean "outside the flatbuffer" above this."""

_T = TypeVar("_T")


def load(path: str | os.PathLike[str]) -> Model:
    """The model in the file ``path``. Raises :class:`MsfError` if it cannot be read or is not a sound model."""
    return read_model(read_bytes(path), os.fspath(path))


def read_model(data: bytes, source: str) -> Model:
    """The model in ``data``, checked (see :func:`check_model`); ``source`` names it in messages.

    Raises :class:`MsfError`, whatever the bytes.
    """
    if not data:
        raise MsfError(f"{source} is empty: a .tflite model was expected.")
    if data[4:8] != IDENTIFIER:
        raise MsfError(f"{source} is not a .tflite model: the identifier TFL3 is missing at byte 4.")
    try:
        model = _model(decode(data, "Model", source), source)
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        MemoryError,
        RecursionError,
        TypeError,
        ValueError,
        struct.error,
    ) as error:
        raise MsfError(f"{source} is not a sound .tflite model, perhaps cut short or damaged: {error}.") from error
    check_model(model, source)
    return model


def _model(root: Table, source: str) -> Model:
    buffers = tuple(_buffer(table, index, source) for index, table in enumerate(root.get("buffers", ())))
    # Some writers leave the list out where nothing is constant; buffer 0 is the empty one by definition.
    buffers = buffers or (b"",)
    codes: tuple[Table, ...] = root.get("operator_codes", ())

    def metadata(index: int) -> bytes:
        return _at(buffers, index, "buffer", f"{source}: a metadata entry")

    return Model(
        graphs=tuple(
            _graph(graph, buffers, codes, source if number == 0 else f"{source}, subgraph {number}")
            for number, graph in enumerate(root.get("subgraphs", ()))
        ),
        description=root.get("description", ""),
        version=root.get("version", 0),
        metadata=tuple((entry.get("name", ""), metadata(entry.get("buffer", 0))) for entry in root.get("metadata", ())),
        signatures=tuple(_signature(entry) for entry in root.get("signature_defs", ())),
        legacy_metadata=tuple(metadata(index) for index in root.get("metadata_buffer", ())),
    )


def _graph(table: Table, buffers: Sequence[bytes], codes: Sequence[Table], where: str) -> Graph:
    return Graph(
        tensors=tuple(
            _tensor(tensor, buffers, f"{where}: tensor {index}")
            for index, tensor in enumerate(table.get("tensors", ()))
        ),
        ops=tuple(_op(op, codes, f"{where}: operator {index}") for index, op in enumerate(table.get("operators", ()))),
        inputs=table.get("inputs", ()),
        outputs=table.get("outputs", ()),
        name=table.get("name", ""),
        debug_metadata_index=table.get("debug_metadata_index", -1),
    )


def _at(values: Sequence[_T], index: int, what: str, user: str) -> _T:
    if not 0 <= index < len(values):
        raise MsfError(f"{user} refers to {what} {index}, but the file has {len(values)}.")
    return values[index]


def _buffer(table: Table, index: int, source: str) -> bytes:
    if table.get("offset", 0) > _LARGEST_INLINE_OFFSET:
        raise MsfError(
            f"{source}: buffer {index} keeps its data outside the flatbuffer, as models beyond 2 GB do; "
            "convert the model without external buffers."
        )
    data: bytes = table.get("data", b"")
    return data


def _op(table: Table, codes: Sequence[Table], what: str) -> Op:
    code = _at(codes, table.get("opcode_index", 0), "operator code", what)
    # Files from before 2020 have the deprecated field only; newer ones put 127 there for what a byte cannot hold.
    number = max(code.get("deprecated_builtin_code", 0), code.get("builtin_code", 0))
    if number < 0:
        raise MsfError(f"{what} has the negative operator code {number}.")
    if table.get("large_custom_options_offset", 0) > _LARGEST_INLINE_OFFSET:
        raise MsfError(
            f"{what} keeps its custom options outside the flatbuffer, as models beyond 2 GB do; "
            "convert the model without external buffers."
        )
    return Op(
        builtin=enum_names("BuiltinOperator").get(number, f"BUILTIN_{number}"),
        inputs=table.get("inputs", ()),
        outputs=table.get("outputs", ()),
        options=table.get("builtin_options", None),
        custom_code=code.get("custom_code", None),
        custom_options=table.get("custom_options", b""),
        custom_options_format=table.get("custom_options_format", 0),
        version=code.get("version", 1),
        intermediates=table.get("intermediates", ()),
        mutating_variable_inputs=table.get("mutating_variable_inputs", ()),
        options_2=table.get("builtin_options2", None),
        debug_metadata_index=table.get("debug_metadata_index", -1),
    )


def _tensor(table: Table, buffers: Sequence[bytes], what: str) -> Tensor:
    number = table.get("type", 0)
    if number not in DType.__members__.values():
        raise MsfError(f"{what} has the element type number {number}, which is not known here.")
    return Tensor(
        name=table.get("name", ""),
        shape=table.get("shape", ()),
        dtype=DType(number),
        quantization=_quantization(table.get("quantization", Table("QuantizationParameters"))),
        # Writers give activations an empty buffer each: no data is what makes an activation.
        data=_at(buffers, table.get("buffer", 0), "buffer", what) or None,
        is_variable=table.get("is_variable", False),
        shape_signature=table.get("shape_signature", ()),
        has_rank=table.get("has_rank", False),
        sparsity=table.get("sparsity", None),
        variant_tensors=table.get("variant_tensors", ()),
    )


def _quantization(table: Table) -> Quantization | None:
    """None where the table says nothing: float tensors often carry an empty one."""
    if not any(table.fields.values()):
        return None
    return Quantization(
        scale=table.get("scale", ()),
        zero_point=table.get("zero_point", ()),
        axis=table.get("quantized_dimension", 0),
        minimum=table.get("min", ()),
        maximum=table.get("max", ()),
        details=table.get("details", None),
    )


def _signature(table: Table) -> Signature:
    def names(entries: Sequence[Table]) -> tuple[tuple[str, int], ...]:
        return tuple((entry.get("name", ""), entry.get("tensor_index", 0)) for entry in entries)

    return Signature(
        key=table.get("signature_key", ""),
        graph=table.get("subgraph_index", 0),
        inputs=names(table.get("inputs", ())),
        outputs=names(table.get("outputs", ())),
    )
