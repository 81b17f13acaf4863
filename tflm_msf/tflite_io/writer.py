""":class:`~tflm_msf.graph.model.Model` -> the bytes of a ``.tflite`` file."""

from __future__ import annotations

from typing import Any

from tflm_msf.graph.model import Graph, Model, Op, Quantization, Signature, Table, Tensor
from tflm_msf.tflite_io.encode import encode
from tflm_msf.tflite_io.reader import IDENTIFIER
from tflm_msf.tflite_io.schema import enum_numbers

_LARGEST_DEPRECATED_CODE = 127
"""What the older one-byte field holds for an operator code that does not fit it."""


class _Pool:
    """Distinct values in the order of their first use."""

    def __init__(self, *first: Any) -> None:
        self._places: dict[Any, int] = {value: index for index, value in enumerate(first)}

    def place(self, value: Any) -> int:
        return self._places.setdefault(value, len(self._places))

    def values(self) -> tuple[Any, ...]:
        return tuple(self._places)


def write_model(model: Model) -> bytes:
    """The ``.tflite`` file of ``model``: the same bytes for the same model.

    Constants, custom options and metadata start at multiples of 16 bytes, and the length is one. Equal constants share
    one buffer. The model is taken as sound: see :func:`tflm_msf.tflite_io.check_model`.
    """
    buffers = _Pool(b"")
    codes = _Pool()
    graphs = tuple(_graph(graph, buffers, codes) for graph in model.graphs)
    metadata = tuple(Table("Metadata", {"name": name, "buffer": buffers.place(data)}) for name, data in model.metadata)
    legacy = tuple(buffers.place(data) for data in model.legacy_metadata)
    root = {
        "version": model.version,
        "operator_codes": tuple(_code(*code) for code in codes.values()),
        "subgraphs": graphs,
        "buffers": tuple(Table("Buffer", _given(data=data)) for data in buffers.values()),
        **_given(
            description=model.description,
            metadata=metadata,
            metadata_buffer=legacy,
            signature_defs=tuple(_signature(signature) for signature in model.signatures),
        ),
    }
    return encode(Table("Model", root), IDENTIFIER)


def _given(**fields: Any) -> dict[str, Any]:
    """The fields that say something; the others need no room in the file."""
    return {name: value for name, value in fields.items() if value}


def _graph(graph: Graph, buffers: _Pool, codes: _Pool) -> Table:
    # TFLM follows these four without asking whether they are there.
    fields = {
        "tensors": tuple(_tensor(tensor, buffers) for tensor in graph.tensors),
        "inputs": graph.inputs,
        "outputs": graph.outputs,
        "operators": tuple(_op(op, codes) for op in graph.ops),
        "debug_metadata_index": graph.debug_metadata_index,
    }
    return Table("SubGraph", fields | _given(name=graph.name))


def _tensor(tensor: Tensor, buffers: _Pool) -> Table:
    fields: dict[str, Any] = {"shape": tensor.shape, "type": int(tensor.dtype)}
    if tensor.quantization is not None:
        fields["quantization"] = _quantization(tensor.quantization)
    if tensor.sparsity is not None:
        fields["sparsity"] = tensor.sparsity
    return Table(
        "Tensor",
        fields
        | _given(
            buffer=buffers.place(tensor.data or b""),
            name=tensor.name,
            is_variable=tensor.is_variable,
            shape_signature=tensor.shape_signature,
            has_rank=tensor.has_rank,
            variant_tensors=tensor.variant_tensors,
        ),
    )


def _quantization(quantization: Quantization) -> Table:
    return Table(
        "QuantizationParameters",
        _given(
            min=quantization.minimum,
            max=quantization.maximum,
            scale=quantization.scale,
            zero_point=quantization.zero_point,
            details=quantization.details,
            quantized_dimension=quantization.axis,
        ),
    )


def _op(op: Op, codes: _Pool) -> Table:
    number = enum_numbers("BuiltinOperator").get(op.builtin)
    if number is None:
        number = int(op.builtin.removeprefix("BUILTIN_"))
    return Table(
        "Operator",
        {
            "opcode_index": codes.place((number, op.custom_code, op.version)),
            "inputs": op.inputs,
            "outputs": op.outputs,
            "debug_metadata_index": op.debug_metadata_index,
        }
        | _given(
            builtin_options=op.options,
            builtin_options2=op.options_2,
            custom_options=op.custom_options,
            custom_options_format=op.custom_options_format,
            intermediates=op.intermediates,
            mutating_variable_inputs=op.mutating_variable_inputs,
        ),
    )


def _code(number: int, custom_code: str | None, version: int) -> Table:
    fields: dict[str, Any] = {
        "deprecated_builtin_code": min(number, _LARGEST_DEPRECATED_CODE),
        "builtin_code": number,
        "version": version,
    }
    if custom_code is not None:
        fields["custom_code"] = custom_code
    return Table("OperatorCode", fields)


def _signature(signature: Signature) -> Table:
    def names(entries: tuple[tuple[str, int], ...]) -> tuple[Table, ...]:
        return tuple(Table("TensorMap", {"name": name, "tensor_index": index}) for name, index in entries)

    return Table(
        "SignatureDef",
        {
            "inputs": names(signature.inputs),
            "outputs": names(signature.outputs),
            "signature_key": signature.key,
            "subgraph_index": signature.graph,
        },
    )
