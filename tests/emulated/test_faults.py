"""What may go wrong on a device ends in a clear status there, and the next inference is right again."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from random import Random

import numpy as np
import pytest

from benchmarks import emulator
from benchmarks.emulator import CORES, Core, build, load_core, run
from testing.layers import Geometry, Layers, Weighting
from tests.kernels.library import Status, invoke, operands_of, prepare
from tests.kernels.seeds import Seed, seeds
from tflm_msf import format as fmt
from tflm_msf.export import export_c, kernel_sources
from tflm_msf.format import VERSION
from tflm_msf.format.records import HEADER, TENSOR
from tflm_msf.graph import Model
from tflm_msf.planner import Planner
from tflm_msf.request import Request
from tflm_msf.runtime import Session
from tflm_msf.tflite_io import write_model

MAIN = Path(__file__).parent / "faults.c"
HANG_SECONDS = 60
FAST = ("m4", "rv32")
OTHERS = sorted({*CORES} - {*FAST})


def block() -> Seed:
    return next(seed for seed in seeds() if seed.name.startswith("chain"))


def changed(program: bytes, offset: int, field: bytes) -> bytes:
    """The program with other bytes at ``offset`` and the right checksum."""
    with_field = program[:offset] + field + program[offset + len(field) :]
    return with_field[:12] + struct.pack("<I", zlib.crc32(with_field[16:])) + with_field[16:]


def changed_programs(program: bytes) -> dict[str, tuple[bytes, Status]]:
    """Programs of other tools and damaged ones, with what has to come of them."""
    unpacked = fmt.Program.unpack(program)
    header_size = unpacked.header.header_size
    first_stage = header_size + len(unpacked.tensors) * TENSOR.size(VERSION)
    flags = HEADER.size(1) - 4
    assert unpacked.stages[0].layout < 9
    return {
        "version 0": (changed(program, 4, b"\0\0"), Status.BAD_VERSION),
        "newer version": (changed(program, 4, struct.pack("<H", VERSION + 1)), Status.BAD_VERSION),
        "longer header": (changed(program, 6, struct.pack("<H", header_size + 4)), Status.BAD_VERSION),
        "unknown operator": (changed(program, first_stage, b"\xfe"), Status.UNSUPPORTED),
        "unknown layout": (changed(program, first_stage + 1, b"\x09"), Status.UNSUPPORTED),
        "unknown flag": (changed(program, flags, b"\x80"), Status.UNSUPPORTED),
        "wrong checksum": (program[:12] + b"\0\0\0\0" + program[16:], Status.BAD_PROGRAM),
        "erased flash": (b"\xff" * len(program), Status.BAD_PROGRAM),
        "zeros": (bytes(len(program)), Status.BAD_PROGRAM),
    }


EXPECTED = {
    "input one byte small": Status.BAD_GEOMETRY,
    "params one byte small": Status.BAD_OPERAND,
    "output one byte small": Status.BAD_GEOMETRY,
    "workspace one byte small": Status.BAD_OPERAND,
    "operand missing": Status.BAD_OPERAND,
    "program misaligned": Status.BAD_PROGRAM,
    "params misaligned when prepared": Status.BAD_OPERAND,
    "input misaligned": Status.BAD_OPERAND,
    "params misaligned": Status.BAD_OPERAND,
    "output misaligned": Status.BAD_OPERAND,
    "workspace misaligned": Status.BAD_OPERAND,
    "output absent": Status.BAD_OPERAND,
    "output over input": Status.BAD_OPERAND,
    "program cut short": Status.BAD_PROGRAM,
    "no program": Status.BAD_PROGRAM,
    "one prepared": Status.OK,
    "two prepared": Status.OK,
    "two without a source": Status.SOURCE_MISSING,
    "source for others": Status.OK,
    "source for a model without": Status.OK,
    "source that fails": Status.SOURCE_FAILED,
    "source missing": Status.SOURCE_MISSING,
    "one after all": Status.OK,
    "end": Status.OK,
}


def network(seed: int) -> Model:
    layers = Layers(Random(seed))
    x = layers.conv(layers.input(1, 10, 9, 3), 6, Geometry(stride=(2, 2)), Weighting())
    x = layers.depthwise(x, 1, Geometry(), Weighting())
    return layers.model([layers.conv(x, 4, Geometry((1, 1)), Weighting())])


def array(name: str, values: bytes) -> str:
    content = ",".join(map(str, values))
    return f"static const unsigned char {name}[] __attribute__((aligned(16), unused)) = {{{content}}};\n"


def block_header() -> str:
    """What faults.c includes: the block with its input and output, changed programs, and a case for each model."""
    seed = block()
    values = np.random.default_rng(1).integers(0, 256, seed.sizes[0], np.uint8)
    operands = operands_of(seed, [values])
    assert prepare(seed.program, operands) is Status.OK
    assert invoke(seed.program, operands) is Status.OK
    programs = changed_programs(seed.program)
    numbers = {
        "BLOCK_PROGRAM_SIZE": len(seed.program),
        "BLOCK_PARAMS_SIZE": len(seed.params),
        "BLOCK_PARAMS": seed.params_operand,
        "BLOCK_OUTPUT": seed.params_operand + 1,
        "BLOCK_OPERANDS": len(seed.sizes),
        "BLOCK_MEMORY": sum((size + 15) // 16 * 16 for size in seed.sizes),
        "CHANGED_COUNT": len(programs),
    }
    lines = ["#include <stdint.h>\n", *(f"#define {name} {value}u\n" for name, value in numbers.items())]
    lines.append(f"static const uint32_t block_sizes[] = {{{','.join(map(str, seed.sizes))}}};\n")
    lines += [array("block_program", seed.program), array("block_params", seed.params)]
    lines += [
        array("block_input", values.tobytes()),
        array("block_output", operands[seed.params_operand + 1].tobytes()),
    ]
    rows = [f'{{"{what}", {{{",".join(map(str, content))}}}}}' for what, (content, _) in programs.items()]
    kind = f"static const struct {{ const char *what; unsigned char bytes[{len(seed.program)}]; }}"
    lines.append(f"{kind} changed_programs[] = {{{','.join(rows)}}};\n")
    return "".join([*lines, *cases()])


def cases() -> list[str]:
    """Inputs and TFLM's outputs: any for model one, ones for model two, which gets them row by row."""
    lines = []
    for name, values in (("one", np.arange(270, dtype=np.uint8).view(np.int8)), ("two", np.ones(270, np.int8))):
        session = Session(write_model(network(MODELS[name])))
        (output,) = session.run([values.reshape(1, 10, 9, 3)])
        lines += [array(f"{name}_case_input", values.tobytes()), array(f"{name}_case_output", output.tobytes())]
    return lines


MODELS = {"one": 1, "two": 2}


def sources() -> Mapping[str, str]:
    exported: dict[str, str] = {}
    for name, seed in MODELS.items():
        planner = Planner.of(write_model(network(seed)), name, Request(stream_input=name == "two"))
        exported |= export_c(planner.choose().model, name)
    return {**kernel_sources(), **exported, "block.h": block_header(), "main.c": MAIN.read_text(encoding="utf-8")}


@pytest.fixture(name="core", params=[*FAST, *(pytest.param(c, marks=pytest.mark.slow) for c in OTHERS)])
def _core(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Core:
    monkeypatch.setattr(emulator, "TIMEOUT_SECONDS", HANG_SECONDS)
    return load_core(request.param)


def test_every_fault_ends_in_its_status(core: Core) -> None:
    done = run(core, build(core, sources()))
    assert done.status == 0, done.output
    told = [line.split("=", 1) for line in done.output.splitlines()]
    expected = {**EXPECTED, **changes()}
    statuses = {(what, int(status.split()[0])) for what, status in told if what in expected}
    assert statuses == set(expected.items()), done.output
    texts = dict(told)
    assert texts["newer version"].endswith("update the tflm-msf library")
    assert texts["workspace one byte small"].endswith(
        "a tensor of the block is missing, too small, misaligned or overlaps another"
    )
    bits = 8 * len(block().program)
    assert texts["bit flips refused"] == f"{bits} of {bits}"
    assert texts["turns wrong"] == "0 of 8"
    for when in ("before", "between", "after"):
        assert texts[when] == "0 same output"
    assert "cut at" not in done.output


def changes() -> dict[str, Status]:
    return {what: status for what, (_, status) in changed_programs(block().program).items()}
