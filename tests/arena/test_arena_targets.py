"""Every target lays TFLM's structs out as its compiler does, and takes what such a library was seen to take."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from testing.corpus import corpus_model
from tflm_msf.arena import (
    ANY_TFLM,
    C_EXPORT,
    MCU32,
    TARGETS,
    Generation,
    NotPredictedError,
    Target,
    find_target,
    predict,
)
from tflm_msf.arena.tflm import target as structs
from tflm_msf.arena.tflm.target import layout
from tflm_msf.errors import MsfError
from tflm_msf.planner import Planner
from tflm_msf.request import Request
from tflm_msf.tflite_io import read_model

DOUBLES = Path(__file__).parent / "doubles"
COMPILERS = {
    "arm": ("arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb"),
    "riscv": ("riscv64-unknown-elf-gcc", "-march=rv32imac", "-mabi=ilp32"),
    "xtensa": ("xtensa-lx106-elf-gcc",),
}
STRUCTS = {
    "EvalTensor": structs.EVAL_TENSOR,
    "Tensor": structs.TENSOR,
    "AffineQuantization": structs.AFFINE_QUANTIZATION,
    "NodeAndRegistration": structs.NODE_AND_REGISTRATION,
    "SubgraphAllocations": structs.SUBGRAPH_ALLOCATIONS,
    "BuiltinDataAllocator": structs.BUILTIN_DATA_ALLOCATOR,
    "ScratchHandle": structs.SCRATCH_HANDLE,
    "ScratchRequest": structs.SCRATCH_REQUEST,
    "AllocationInfo": structs.ALLOCATION_INFO,
}
TFLM = [name for name, target in TARGETS.items() if target.is_tflm]

BEYOND_HEAD = {
    ("tflm__person_detect", False): 832,
    ("tflm__person_detect", True): 656,
    ("mlperf__kws_dscnn", False): 432,
    ("mlperf__kws_dscnn", True): 336,
}
"""Bytes beyond the head of the least arena in which rewritten models, streamed or not, started in
Chirale_TensorFLowLite 2.0.0 on an emulated Cortex-M4."""


@pytest.mark.parametrize("name", TFLM)
def test_structs_are_as_large_as_the_compiler_makes_them(name: str) -> None:
    target, compiler = TARGETS[name], COMPILERS[name.split("-")[0]]
    if shutil.which(compiler[0]) is None:
        pytest.skip(f"{compiler[0]} is not installed")
    defines = ["-DTF_LITE_STATIC_MEMORY"] if target.static else []
    defines += ["-DMESSAGES_TO_REPORTER"] if target.generation is Generation.TFLM_2021 else []
    sizes = {struct: layout(fields, target)[0] for struct, fields in STRUCTS.items()}
    sizes |= dict(zip(("BufferAllocator", "MemoryPlanner", "Allocator"), target.allocators, strict=True))
    lines = [f'_Static_assert(sizeof({struct}) == {size}, "{struct}");' for struct, size in sizes.items()]
    source = "\n".join(['#include "structs.h"', *lines, ""])
    command = [*compiler, "-std=c11", "-ffreestanding", "-fsyntax-only", *defines, f"-I{DOUBLES}", "-x", "c", "-"]
    done = subprocess.run(command, input=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("model", "streamed"), BEYOND_HEAD)
def test_a_library_without_static_memory_needs_what_was_seen(model: str, streamed: bool) -> None:
    rewritten = Planner.of(corpus_model(model), model, Request(stream_input=streamed)).choose().model
    size = predict(rewritten, find_target("arm-dynamic-2023"))
    assert BEYOND_HEAD[model, streamed] <= size.minimum - size.head <= BEYOND_HEAD[model, streamed] + 64
    assert max(predict(rewritten, target).minimum for target in ANY_TFLM) >= size.minimum
    assert predict(rewritten, MCU32).minimum < size.minimum


def test_exported_c_takes_the_plan_alone() -> None:
    rewritten = Planner.of(corpus_model("tflm__person_detect"), "person_detect").choose()
    size = predict(rewritten.model, C_EXPORT)
    assert (size.head, size.tail, size.minimum) == (13_328, 0, 13_328)
    assert C_EXPORT.block_bytes == 0


def test_exported_c_of_an_original_is_not_predicted() -> None:
    model = read_model(corpus_model("mlperf__kws_dscnn"), "kws")
    with pytest.raises(NotPredictedError, match="operators that were not fused"):
        predict(model, C_EXPORT)


@pytest.mark.parametrize("target", ANY_TFLM, ids=lambda target: target.name)
def test_a_block_costs_its_operator_and_three_tensors(target: Target) -> None:
    assert target.block_bytes == (68 if target.static else 80)


@pytest.mark.parametrize("name", ["arm-dynamic-2023", "ARM_DYNAMIC_2023"])
def test_names_are_forgiving(name: str) -> None:
    assert find_target(name) is TARGETS["arm-dynamic-2023"]


@pytest.mark.parametrize(
    ("name", "told"),
    [("arm-dynamic-2022", "did you mean arm-dynamic-202"), ("zzz", "write arm-static-2024, say, or c")],
)
def test_unknown_names_are_refused_with_what_is_close(name: str, told: str) -> None:
    with pytest.raises(MsfError, match=told):
        find_target(name)
