from __future__ import annotations

import os
import random
import struct
import time
from pathlib import Path
from typing import Any

import flatbuffers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tflite_io.samples import conv_model, everything_model
from tflm_msf.errors import MsfError
from tflm_msf.graph import Table
from tflm_msf.tflite_io import load, read_model, write_model
from tflm_msf.tflite_io.encode import encode

SOURCE = "some/file.tflite"
SMALL = write_model(everything_model())


def refused(data: bytes) -> bool:
    """True for an MsfError of one sentence, False for a model, which must then be one that can be written."""
    try:
        model = read_model(data, SOURCE)
    except MsfError as error:
        message = str(error)
        assert message.startswith(SOURCE)
        assert message.endswith(".")
        assert message.isprintable()
        assert len(message) < 500
        return True
    read_model(write_model(model), SOURCE)
    return False


def test_every_truncation_is_refused_or_harmless() -> None:
    outcomes = [refused(SMALL[:length]) for length in range(len(SMALL))]
    assert all(outcomes[: len(SMALL) // 2])


def test_random_flips() -> None:
    dice = random.Random(1)
    outcomes = []
    for _ in range(2000):
        data = bytearray(SMALL)
        for _ in range(dice.choice([1, 1, 3])):
            data[dice.randrange(len(data))] = dice.choice([0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256)])
        outcomes.append(refused(bytes(data)))
    assert True in outcomes
    assert False in outcomes


def test_random_words() -> None:
    dice = random.Random(2)
    for _ in range(1000):
        data = bytearray(SMALL)
        place = 4 * dice.randrange(2, len(data) // 4)
        word = dice.choice([0, 4, 2**31 - 1, 2**31, 2**32 - 1, 2**32 - 4, len(data), len(data) - place])
        data[place : place + 4] = word.to_bytes(4, "little")
        refused(bytes(data))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes(data: bytes) -> None:
    assert refused(data)
    refused(data[:4] + b"TFL3" + data[4:])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "some/file.tflite is empty: a .tflite model was expected."),
        (b"TFL3", "not a .tflite model"),
        (b"This is a README, not a network.\n" * 9, "not a .tflite model: the identifier TFL3 is missing"),
        (
            b"\x10\0\0\0TFL3",
            "perhaps cut short or damaged: 4 bytes expected at byte 16 are outside the file of 8 bytes",
        ),
        (SMALL[: len(SMALL) // 2], "perhaps cut short or damaged"),
    ],
)
def test_no_model_at_all(data: bytes, message: str) -> None:
    with pytest.raises(MsfError) as error:
        read_model(data, SOURCE)
    assert message in str(error.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(MsfError, match=r"^.*none\.tflite cannot be read: No such file or directory\.$"):
        load(tmp_path / "none.tflite")
    with pytest.raises(MsfError, match=r"^.* cannot be read: Is a directory\.$"):
        load(tmp_path)
    with pytest.raises(MsfError, match=r"^a\x00b cannot be read: embedded null byte"):
        load("a\0b")
    (tmp_path / "empty.tflite").touch()
    with pytest.raises(MsfError, match=f"^{tmp_path}{os.sep}empty.tflite is empty"):
        load(tmp_path / "empty.tflite")


def vector(builder: Any, places: list[int]) -> int:
    builder.StartVector(4, len(places), 4)
    for place in reversed(places):
        builder.PrependUOffsetTRelative(place)
    return int(builder.EndVector())


def table(builder: Any, **offsets: int) -> int:
    """A table of offsets in the slots ``s0`` to ``s9``."""
    builder.StartObject(10)
    for slot, place in offsets.items():
        builder.PrependUOffsetTRelativeSlot(int(slot[1:]), place, 0)
    return int(builder.EndObject())


def finished(builder: Any, root: int) -> bytes:
    builder.Finish(root, b"TFL3")
    return bytes(builder.Output())


def test_tables_shared_by_the_thousand_do_not_keep_us_busy() -> None:
    builder = flatbuffers.Builder()
    tensors = vector(builder, [table(builder)] * 5000)
    subgraphs = vector(builder, [table(builder, s0=tensors)] * 5000)
    data = finished(builder, table(builder, s2=subgraphs))
    assert len(data) < 50_000
    start = time.process_time()
    with pytest.raises(MsfError, match="its tables add up to far more than the file holds"):
        read_model(data, SOURCE)
    assert time.process_time() - start < 2


def test_one_big_vector_shared_by_many_buffers_fills_no_memory() -> None:
    builder = flatbuffers.Builder()
    content = builder.CreateByteVector(bytes(1_000_000))
    buffers = vector(builder, [table(builder, s0=content)] * 10_000)
    with pytest.raises(MsfError, match="its tables add up to far more than the file holds"):
        read_model(finished(builder, table(builder, s4=buffers)), SOURCE)


def by_hand(vtable_offset: int, vtable: tuple[int, int, int]) -> bytes:
    """A table at byte 12 with the number 3 at byte 16, its vtable (size, object's size, first field) at byte 20."""
    return struct.pack("<i4siiihhhh", 12, b"TFL3", 0, vtable_offset, 3, *vtable, 0)


def test_offsets_are_not_counted_from_the_end_of_the_file() -> None:
    with pytest.raises(MsfError, match="has no subgraph"):
        read_model(by_hand(-8, (6, 8, 4)), SOURCE)
    # Python would find the vtable eight bytes before the end just as well.
    with pytest.raises(MsfError, match="2 bytes expected at byte -8 are outside the file of 28 bytes"):
        read_model(by_hand(20, (6, 8, 4)), SOURCE)


def test_fields_are_inside_their_table() -> None:
    with pytest.raises(MsfError, match="the Model table at byte 12 is shorter than its fields"):
        read_model(by_hand(-8, (6, 4, 4)), SOURCE)


def test_a_field_of_a_newer_schema_is_refused_since_it_would_be_lost() -> None:
    builder = flatbuffers.Builder()
    builder.StartObject(30)
    builder.PrependUint32Slot(0, 3, 0)
    builder.PrependUint32Slot(29, 1, 0)
    with pytest.raises(
        MsfError, match=r"^some/file\.tflite uses a field of Model that is newer than the TFLite schema"
    ):
        read_model(finished(builder, builder.EndObject()), SOURCE)


def test_an_option_table_of_a_newer_schema_is_refused_since_it_would_be_lost() -> None:
    builder = flatbuffers.Builder()
    options = table(builder)
    builder.StartObject(14)
    builder.PrependUOffsetTRelativeSlot(4, options, 0)
    builder.PrependUint8Slot(3, 250, 0)
    operators = vector(builder, [builder.EndObject()])
    subgraphs = vector(builder, [table(builder, s3=operators)])
    with pytest.raises(MsfError, match=r"^some/file\.tflite uses number 250 of BuiltinOptions, which is newer"):
        read_model(finished(builder, table(builder, s2=subgraphs)), SOURCE)


def file_of(**fields: Any) -> bytes:
    return encode(Table("Model", {"version": 3, **fields}), b"TFL3")


GRAPH = Table("SubGraph", {"operators": (Table("Operator"),)})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (file_of(buffers=(Table("Buffer", {"offset": 4096, "size": 9}),)), "buffer 0 keeps its data outside"),
        (
            file_of(
                operator_codes=(Table("OperatorCode"),),
                subgraphs=(
                    Table("SubGraph"),
                    Table("SubGraph", {"operators": (Table("Operator", {"large_custom_options_offset": 99}),)}),
                ),
            ),
            "some/file.tflite, subgraph 1: operator 0 keeps its custom options outside",
        ),
        (file_of(subgraphs=(GRAPH,)), "some/file.tflite: operator 0 refers to operator code 0, but the file has 0."),
        (
            file_of(
                subgraphs=(GRAPH,),
                operator_codes=(Table("OperatorCode", {"deprecated_builtin_code": -2, "builtin_code": -1}),),
            ),
            "operator 0 has the negative operator code -1.",
        ),
        (
            file_of(subgraphs=(Table("SubGraph", {"tensors": (Table("Tensor", {"type": 99}),)}),)),
            "tensor 0 has the element type number 99",
        ),
        (
            file_of(subgraphs=(Table("SubGraph", {"tensors": (Table("Tensor", {"buffer": 5}),)}),)),
            "some/file.tflite: tensor 0 refers to buffer 5, but the file has 1.",
        ),
        (file_of(metadata=(Table("Metadata", {"buffer": 2}),)), "a metadata entry refers to buffer 2"),
        (file_of(metadata_buffer=(-1,)), "a metadata entry refers to buffer -1"),
    ],
)
def test_references_that_lead_nowhere(data: bytes, message: str) -> None:
    with pytest.raises(MsfError) as error:
        read_model(data, SOURCE)
    assert message in str(error.value)


def test_a_file_of_a_sound_model_is_not_refused() -> None:
    assert not refused(SMALL)
    assert not refused(write_model(conv_model()))
