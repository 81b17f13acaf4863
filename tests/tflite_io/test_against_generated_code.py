"""What we write, read by code that is not ours: TensorFlow's generated accessors, and TFLM's object tree."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tflite

from testing.corpus import corpus_model
from tests.tflite_io.samples import CORPUS, conv_model, everything_model
from tflm_msf.graph import Graph, Model, Table
from tflm_msf.tflite_io import read_model, write_model
from tflm_msf.tflite_io.schema import Field, Kind, enum_names, table_schema

OPTION_TABLES = [
    (union, name)
    for union in ("BuiltinOptions", "BuiltinOptions2")
    for number, name in enum_names(union).items()
    if number
]


def unlike_default(field: Field) -> Any:
    if field.kind is Kind.STRING:
        return "text"
    if field.is_bytes:
        return b"bytes"
    number = {"bool": True, "float32": 0.75}.get(field.number.name, 7)
    if field.vector:
        return (number, number, number)
    return not field.default if field.number.name == "bool" else field.default + number


@pytest.mark.parametrize(("union", "name"), OPTION_TABLES)
def test_every_field_of_every_option_table(union: str, name: str) -> None:
    options = Table(name, {field.name: unlike_default(field) for field in table_schema(name).fields})
    model = conv_model()
    op = replace(model.main.ops[0], options=None)
    op = replace(op, options=options) if union == "BuiltinOptions" else replace(op, options_2=options)
    model = replace(model, graphs=(replace(model.main, ops=(op,)),))
    data = write_model(model)
    assert read_model(data, name) == model

    operator = tflite.Model.GetRootAs(data).Subgraphs(0).Operators(0)
    assert enum_names(union)[getattr(operator, f"{union}Type")()] == name
    table = getattr(operator, union)()
    reader = getattr(importlib.import_module(f"tflite.{name}"), name)()
    reader.Init(table.Bytes, table.Pos)
    for field, expected in options.fields.items():
        accessor = field.title().replace("_", "")
        if isinstance(expected, (bytes, tuple)):
            assert list(getattr(reader, f"{accessor}AsNumpy")()) == list(expected)
        else:
            value = getattr(reader, accessor)()
            assert value == (expected.encode() if isinstance(expected, str) else expected)


def byte_vectors(model: Any) -> Iterator[tuple[int, int]]:
    """(place in the file, required alignment) of the vectors that kernels read in place."""
    for index in range(model.BuffersLength()):
        buffer = model.Buffers(index)
        if buffer.DataLength():
            yield buffer._tab.Vector(buffer._tab.Offset(4)), 16
    for number in range(model.SubgraphsLength()):
        graph = model.Subgraphs(number)
        for index in range(graph.OperatorsLength()):
            op = graph.Operators(index)
            yield op._tab.Vector(op._tab.Offset(6)), 4
            if op.CustomOptionsLength():
                yield op._tab.Vector(op._tab.Offset(14)), 16
        for index in range(graph.TensorsLength()):
            tensor = graph.Tensors(index)
            yield tensor._tab.Vector(tensor._tab.Offset(4)), 4
            quantization = tensor.Quantization()
            for slot, alignment in ((8, 4), (10, 8)) if quantization else ():
                if quantization._tab.Offset(slot):
                    yield quantization._tab.Vector(quantization._tab.Offset(slot)), alignment


@pytest.mark.parametrize("name", [*CORPUS, "everything"])
def test_vectors_are_aligned_in_the_file(name: str) -> None:
    model = everything_model() if name == "everything" else read_model(corpus_model(name), name)
    data = write_model(model)
    assert len(data) % 16 == 0
    assert data[4:8] == b"TFL3"
    vectors = list(byte_vectors(tflite.Model.GetRootAs(data)))
    assert {alignment for _, alignment in vectors} == {4, 8, 16}
    assert [place for place, alignment in vectors if place % alignment] == []


@pytest.mark.parametrize("length", range(16))
def test_files_without_data_can_be_embedded_too(length: int) -> None:
    model = Model((Graph((), (), (), ()),), description="x" * length)
    assert len(write_model(model)) % 16 == 0


def test_the_first_buffer_is_empty_and_both_operator_codes_are_written() -> None:
    root = tflite.Model.GetRootAs(write_model(everything_model()))
    assert root.Buffers(0).DataLength() == 0
    seen = {root.OperatorCodes(index).DeprecatedBuiltinCode() for index in range(root.OperatorCodesLength())}
    assert seen == {3, 32, 127}
    assert {root.OperatorCodes(index).BuiltinCode() for index in range(root.OperatorCodesLength())} == {3, 32, 206, 999}


def plain(value: Any) -> Any:
    """An object tree as lists and dictionaries, without what says nothing: None, and what is empty."""
    if isinstance(value, np.ndarray):
        return value.tolist() or None
    if isinstance(value, list):
        return [plain(entry) for entry in value] or None
    if hasattr(value, "__dict__"):
        fields = {name: plain(entry) for name, entry in vars(value).items()}
        fields = {name: entry for name, entry in fields.items() if entry is not None}
        return {"table": type(value).__name__, **fields}
    return value


def resolved(schema: Any, data: bytes) -> Any:
    """A model as its object tree, with buffers and operator codes in the place of their indices."""
    root = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(data, 0))
    for graph in root.subgraphs:
        for op in graph.operators:
            code = root.operatorCodes[op.opcodeIndex]
            op.opcodeIndex = [max(code.deprecatedBuiltinCode, code.builtinCode), code.customCode, code.version]
        for tensor in graph.tensors:
            tensor.buffer = root.buffers[tensor.buffer].data
            if tensor.quantization and set(plain(tensor.quantization)) == {
                "table",
                "detailsType",
                "quantizedDimension",
            }:
                tensor.quantization = None
    for entry in root.metadata or ():
        entry.buffer = root.buffers[entry.buffer].data
    root.metadataBuffer = [root.buffers[index].data for index in root.metadataBuffer or ()]
    root.operatorCodes = root.buffers = None
    return plain(root)


@pytest.mark.parametrize("name", CORPUS)
def test_tflm_sees_the_same_tree(name: str) -> None:
    schema = pytest.importorskip("tflite_micro.tensorflow.lite.micro.python.schema_py_generated")
    original = corpus_model(name)
    assert resolved(schema, write_model(read_model(original, name))) == resolved(schema, original)
