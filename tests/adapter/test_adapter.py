"""The adapter compiles with every generation of TFLM's API, runs a real program, and refuses what it must."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import pytest

from testing.layers import Geometry, Layers, Weighting
from tflm_msf.arena.tflm.head import offline_offsets
from tflm_msf.inputs import make_inputs
from tflm_msf.planner import Planner
from tflm_msf.program.decode import fast_bytes
from tflm_msf.request import Request
from tflm_msf.runtime import Session
from tflm_msf.tflite_io import write_model

HERE = Path(__file__).parent
KERNELS = HERE.parents[1] / "tflm_kernels" / "src"
WARNINGS = ("-Wall", "-Wextra", "-Werror", "-fno-exceptions", "-fno-rtti")
STANDARDS = ("c++11", "c++17")
MEMORY = {"dynamic": (), "static": ("-DTF_LITE_STATIC_MEMORY",)}

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")


@dataclass(frozen=True)
class Generation:
    """What one generation of TFLM has; ``like`` names libraries of it."""

    like: str
    defines: tuple[str, ...] = ()
    prefix: str = ""

    @property
    def headers(self) -> list[str]:
        """Files that exist in it, of those that the adapter asks for."""
        names = ["c/common.h", "micro/kernels/kernel_util.h", "micro/micro_mutable_op_resolver.h"]
        if "-DDOUBLE_MICRO_LOG" in self.defines:
            names.append("micro/micro_log.h")
        return [f"{self.prefix}tensorflow/lite/{name}" for name in names]


LOG, TFLM, OPAQUE = "-DDOUBLE_MICRO_LOG", "-DDOUBLE_TFLM_REGISTRATION", "-DDOUBLE_OPAQUE_CONTEXT"
GENERATIONS = {
    "2020": Generation("Harvard_TinyMLx", ("-DDOUBLE_NO_INTERMEDIATES",)),
    "2021": Generation("TensorFlowLite_ESP32"),
    "2022": Generation("Chirale_TensorFlowLite, MicroTFLite, tflm_cortexm", (LOG,)),
    "edge-impulse": Generation("Edge Impulse SDK", (LOG,), "edge-impulse-sdk/"),
    "2023": Generation("tflm_esp32, pico-tflmicro, npk-tflm", (LOG, TFLM)),
    "2026": Generation("upstream, esp-tflite-micro", (LOG, TFLM, OPAQUE)),
}


def include_directory(directory: Path, generation: Generation) -> tuple[str, ...]:
    """Compiler flags that show the adapter a library of this generation."""
    for header in generation.headers:
        path = directory / "include" / header
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('#include "double.h"\n')
    return (f"-I{directory / 'include'}", f"-I{HERE}", f"-I{KERNELS}", *generation.defines)


def compile_ok(*arguments: str) -> str:
    """Runs a compiler; its messages are the failure's."""
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.parametrize("memory", MEMORY)
@pytest.mark.parametrize("standard", STANDARDS)
@pytest.mark.parametrize("name", GENERATIONS)
def test_compiles(name: str, standard: str, memory: str, tmp_path: Path) -> None:
    flags = include_directory(tmp_path, GENERATIONS[name])
    use = tmp_path / "use.cpp"
    use.write_text(
        '#include "tflm_msf.h"\n'
        "TfLiteStatus Use(tflite::MicroMutableOpResolver<1> &one, tflite::MicroMutableOpResolver<128> &many) {\n"
        "  return tflm_msf::Register(one) == kTfLiteOk ? tflm_msf::Register(many) : kTfLiteError;\n"
        "}\n"
    )
    for source in (KERNELS / "tflm/tflm_msf_adapter.cpp", use):
        compile_ok("g++", "-fsyntax-only", f"-std={standard}", *WARNINGS, *MEMORY[memory], *flags, str(source))


@pytest.mark.parametrize("standard", STANDARDS)
def test_is_empty_without_tflm(standard: str, tmp_path: Path) -> None:
    made = tmp_path / "adapter.o"
    compile_ok("g++", f"-std={standard}", *WARNINGS, "-c", str(KERNELS / "tflm/tflm_msf_adapter.cpp"), "-o", str(made))
    symbols = subprocess.run(["nm", str(made)], capture_output=True, text=True, check=True)
    assert symbols.stdout == ""


def test_header_says_that_tflm_is_missing(tmp_path: Path) -> None:
    use = tmp_path / "use.cpp"
    use.write_text('#include "tflm_msf.h"\n')
    done = subprocess.run(["g++", "-fsyntax-only", f"-I{KERNELS}", str(use)], capture_output=True, text=True)
    assert done.returncode != 0
    assert "no TensorFlow Lite Micro on the include path" in done.stderr


@dataclass(frozen=True)
class Sample:
    """A model of one block as a C header, the bytes that TFLM gives for the input in it, and the kernels compiled."""

    header: str
    output: bytes
    kernels: tuple[str, ...]


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    return kernels_in(tmp_path_factory.mktemp("kernels"))


@pytest.fixture(scope="module")
def sample(kernels: tuple[str, ...]) -> Sample:
    return sample_of(kernels, Request())


@pytest.fixture(scope="module")
def in_two_memories(kernels: tuple[str, ...]) -> Sample:
    return sample_of(kernels, Request(fast_ram=FAST_RAM))


FAST_RAM = 300
"""Bytes; too few for all of the network's arena."""


def sample_of(kernels: tuple[str, ...], request: Request) -> Sample:
    layers = Layers(Random(3))
    x = layers.input(1, 9, 7, 3)
    y = layers.conv(x, 8, Geometry((3, 3), (2, 2)), Weighting())
    model = layers.model([layers.conv(y, 4, Geometry((1, 1)), Weighting())])
    (values,) = make_inputs(model.main, runs=1, seed=1)
    (expected,) = Session(write_model(model)).run(values)
    rewritten = Planner.of(write_model(model), "sample", request).choose().model
    (op,) = rewritten.main.ops
    assert (fast_bytes(rewritten) > 0) is (request.fast_ram is not None)
    offsets = offline_offsets(rewritten)
    assert offsets is not None
    tensors, rows = rewritten.main.tensors, []
    params = [index for index in op.inputs if tensors[index].is_constant]
    assert len(params) == 1
    for tensor, offset in zip(tensors, offsets, strict=False):
        rows.append(f"{{{tensor.nbytes}, {max(offset, 0)}, {str(tensor.is_constant).lower()}}}")
    arena = max(offset + t.nbytes for t, offset in zip(tensors, offsets, strict=False) if offset >= 0)
    header = f"""#include <stdint.h>
struct TensorInfo {{ int size, offset; bool constant; }};
enum {{ TENSOR_COUNT = {len(tensors)}, ARENA_SIZE = {arena} }};
enum {{ INPUT = {op.inputs[0]}, OUTPUT = {rewritten.main.outputs[0]}, FAST_SIZE = {fast_bytes(rewritten)}}};
static const TensorInfo kTensors[] = {{{", ".join(rows)}}};
alignas(16) static const uint8_t kProgram[] = {{{values_of(op.custom_options)}}};
alignas(16) static const uint8_t kParams[] = {{{values_of(tensors[params[0]].data or b"")}}};
static const uint8_t kInput[] = {{{values_of(np.asarray(values[0]).tobytes())}}};
static const TfLiteIntArray kInputs = {{{len(op.inputs)}, {{{values_of(op.inputs)}}}}};
static const TfLiteIntArray kOutputs = {{{len(op.outputs)}, {{{values_of(op.outputs)}}}}};
"""
    return Sample(header, expected.tobytes(), kernels)


def kernels_in(directory: Path) -> tuple[str, ...]:
    sources = sorted(KERNELS.rglob("*.c"))
    made = [str(directory / f"{source.stem}.o") for source in sources]
    for source, target in zip(sources, made, strict=True):
        compile_ok("gcc", "-std=c99", "-O1", "-pedantic-errors", f"-I{KERNELS}", "-c", str(source), "-o", target)
    return tuple(made)


def values_of(values: bytes | tuple[int, ...]) -> str:
    return ", ".join(map(str, values))


def run(
    directory: Path,
    sample: Sample,
    name: str,
    ours: tuple[str, ...] = (),
    theirs: tuple[str, ...] = (),
    standard: str = "c++11",
) -> subprocess.CompletedProcess[str]:
    """Builds the interpreter with the flags ``theirs``, the adapter with ``ours``, the kernels as C99, and runs it."""
    flags = include_directory(directory, GENERATIONS[name])
    (directory / "model.h").write_text(sample.header)
    cpp = ("g++", f"-std={standard}", "-O1", *WARNINGS, f"-I{directory}", *flags)
    compile_ok(*cpp, *ours, "-c", str(KERNELS / "tflm/tflm_msf_adapter.cpp"), "-o", str(directory / "adapter.o"))
    compile_ok(*cpp, *theirs, "-c", str(HERE / "interpreter.cpp"), "-o", str(directory / "interpreter.o"))
    program = directory / "program"
    objects = (str(directory / "adapter.o"), str(directory / "interpreter.o"))
    compile_ok("g++", *objects, *sample.kernels, "-o", str(program))
    return subprocess.run([str(program)], capture_output=True, text=True)


@pytest.mark.parametrize("memory", MEMORY)
@pytest.mark.parametrize("name", ["2020", "2026"])
def test_runs_a_block(name: str, memory: str, sample: Sample, tmp_path: Path) -> None:
    done = run(tmp_path, sample, name, MEMORY[memory], MEMORY[memory])
    assert (done.returncode, done.stdout.strip()) == (0, sample.output.hex())


@pytest.mark.parametrize("ours", MEMORY)
@pytest.mark.parametrize("name", ["2020", "2023", "2026"])
def test_reports_different_node_layouts(name: str, ours: str, sample: Sample, tmp_path: Path) -> None:
    theirs = "static" if ours == "dynamic" else "dynamic"
    done = run(tmp_path, sample, name, MEMORY[ours], MEMORY[theirs])
    assert done.returncode == 3
    assert "TF_LITE_STATIC_MEMORY" in done.stdout
    assert ("remove it" if ours == "static" else "add it") in done.stdout


def assert_refused(directory: Path, model: Sample, fault: str, message: str) -> None:
    """Whether the adapter ends with a fault of the firmware, and says so."""
    done = run(directory, model, "2022", theirs=(f"-DFAULT={fault}",))
    assert done.returncode == 3, done.stdout
    assert done.stdout.startswith("MSF_BLOCK: ")
    assert message in done.stdout


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("kMisaligned", "alignas(16)"),
        ("kTooManyTensors", "too many"),
        ("kNoTensors", "no tensors"),
        ("kMissingTensor", "outside its tensors"),
        ("kDamaged", "damaged"),
        ("kOddType", "outside its tensors"),
        ("kNegativeShape", "outside its tensors"),
    ],
)
def test_refuses(fault: str, message: str, sample: Sample, tmp_path: Path) -> None:
    assert_refused(tmp_path, sample, fault, message)


@pytest.mark.parametrize("fault", ["kNone", "kFastMemoryOfAnother"])
@pytest.mark.parametrize("name", ["2020", "2026"])
def test_runs_a_block_in_two_memories(name: str, fault: str, in_two_memories: Sample, tmp_path: Path) -> None:
    done = run(tmp_path, in_two_memories, name, theirs=(f"-DFAULT={fault}",))
    assert (done.returncode, done.stdout.strip()) == (0, in_two_memories.output.hex())


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("kNoFastMemory", "hand the fast one over"),
        ("kSmallFastMemory", "smaller than the model was planned for"),
        ("kOddFastMemory", "not aligned"),
        ("kFastMemoryOverNode", "overlap"),
        ("kFastMemoryOverTensors", "overlap"),
    ],
)
def test_refuses_fast_memory(fault: str, message: str, in_two_memories: Sample, tmp_path: Path) -> None:
    assert_refused(tmp_path, in_two_memories, fault, message)
