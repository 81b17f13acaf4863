"""A whole program: a header and three tables of records."""

from __future__ import annotations

import struct
import zlib
from typing import Any, NamedTuple, cast

from tflm_msf.format.codes import MAGIC, VERSION, ProgramFlag
from tflm_msf.format.records import (
    CHECKSUMMED_FROM,
    FAST,
    GROUP,
    HEADER,
    STAGE,
    TENSOR,
    Fast,
    Form,
    Group,
    Header,
    Stage,
    Tensor,
)


class Program(NamedTuple):
    """A program. Counts, sizes and the checksum of its header are computed when it is packed.

    ``fast`` has a record for each bit of the header's ``fast_operands``.
    """

    header: Header
    tensors: tuple[Tensor, ...]
    stages: tuple[Stage, ...]
    groups: tuple[Group, ...]
    fast: tuple[Fast, ...] = ()

    def pack(self) -> bytes:
        """The program's bytes, in the version that its header says."""
        version = self.header.version
        tables = cast(
            "tuple[tuple[Form, tuple[Any, ...]], ...]",
            ((TENSOR, self.tensors), (STAGE, self.stages), (GROUP, self.groups), (FAST, self.fast)),
        )
        body = b"".join(form.pack(record, version) for form, records in tables for record in records)
        header = self.header._replace(
            header_size=HEADER.size(version),
            size=HEADER.size(version) + len(body),
            tensor_count=len(self.tensors),
            stage_count=len(self.stages),
            group_count=len(self.groups),
        )
        checksum = zlib.crc32((HEADER.pack(header, version) + body)[CHECKSUMMED_FROM:])
        return HEADER.pack(header._replace(checksum=checksum), version) + body

    @classmethod
    def unpack(cls, data: bytes) -> Program:
        """The program that bytes begin with, of whichever version. Its checksum is not looked at.

        Raises:
            ValueError: if it is no program, of no known version, or cut short.
        """
        try:
            header = unpack_header(data)
            version, offset = header.version, HEADER.size(header.version)
            tables: list[list[Any]] = []
            for form, count in (
                (TENSOR, header.tensor_count),
                (STAGE, header.stage_count),
                (GROUP, header.group_count),
                (FAST, header.fast_operands.bit_count() if version > 1 else 0),
            ):
                tables.append([form.unpack(data, offset + i * form.size(version), version) for i in range(count)])
                offset += count * form.size(version)
        except struct.error:
            raise ValueError("a program that is cut short") from None
        tensors, stages, groups, fast = tables
        return cls(
            header,
            tuple(Tensor(*fields) for fields in tensors),
            tuple(Stage(*fields) for fields in stages),
            tuple(Group(*fields) for fields in groups),
            tuple(Fast(*fields) for fields in fast),
        )


def unpack_header(data: bytes) -> Header:
    """The header of a program. Raises ValueError if the bytes are none, struct.error if they are too few."""
    magic, version = struct.unpack_from("<IH", data)
    if magic != MAGIC or not 1 <= version <= VERSION:
        raise ValueError("no program of a known version")
    fields: list[Any] = HEADER.unpack(data, 0, version)
    return Header(*fields)


def state_size(program: bytes) -> int:
    """Bytes that a program keeps from one invocation to the next; 0 for bytes that are none."""
    try:
        return unpack_header(program).state_size
    except (ValueError, struct.error):
        return 0


def fast_size(program: bytes) -> int:
    """Bytes of fast memory that a program asks for; 0 for bytes that are none."""
    try:
        return unpack_header(program).fast_size
    except (ValueError, struct.error):
        return 0


def is_streamed(program: bytes) -> bool:
    """True if the program belongs to a model that gets its input from a row source. False for bytes that are none."""
    try:
        return bool(unpack_header(program).flags & ProgramFlag.STREAMED)
    except (ValueError, struct.error):
        return False
