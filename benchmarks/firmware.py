"""A model as firmware for an emulated core, with cases whose outputs TFLM gave on this computer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.emulator import (
    OPTIMIZED,
    Core,
    EmulatorError,
    Run,
    build,
    run,
    section_sizes,
    symbol_size,
)
from tflm_msf.export import kernel_sources
from tflm_msf.inputs import Array, load_input, make_inputs
from tflm_msf.runtime import Session
from tflm_msf.tflite_io import read_model, write_model

MODEL = "model"
"""Name under which firmware knows its model."""

MAIN = Path(__file__).parent / "firmware" / "main.c"
API = ("msf_prepare", "msf_invoke")
"""What a program calls of the kernels."""


@dataclass(frozen=True)
class Case:
    """Inputs of one inference, and the outputs that TFLM gave; each all tensors' bytes in order."""

    inputs: bytes
    outputs: bytes


@dataclass(frozen=True)
class Measurement:
    """What one firmware did: output bytes ``compared`` and ``differing``, instructions of each inference, bytes.

    ``arena`` is the model's static memory, ``stack`` what the deepest inference needed, ``sizes`` the sections of the
    whole program. ``log`` is what it printed; ``loaded`` and ``stored``: bytes in slow memory of each inference, where
    the core has some.
    """

    status: int
    cases: int
    compared: int
    differing: int
    instructions: tuple[int, ...]
    stack: int
    arena: int
    sizes: Mapping[str, int]
    log: str
    loaded: tuple[int, ...] = ()
    stored: tuple[int, ...] = ()


def make_cases(model: bytes, runs: int, input_files: Sequence[Path] = ()) -> list[Case]:
    """Runs the original model in TFLM."""
    session = Session(model)
    graph = session.model.main
    inputs = [*(load_input(graph, path) for path in input_files), *make_inputs(graph, runs, seed=0)]
    return [Case(_joined(values), _joined(session.run(values))) for values in inputs]


def without_softmax(data: bytes) -> bytes:
    """The model without a SOFTMAX at its end: the figures to compare with leave it out."""
    model = read_model(data, "the model")
    graph = model.main
    last = graph.ops[-1]
    if last.builtin != "SOFTMAX" or graph.outputs != last.outputs:
        return data
    return write_model(replace(model, graphs=(replace(graph, ops=graph.ops[:-1], outputs=last.inputs),), signatures=()))


def _joined(tensors: Sequence[Array]) -> bytes:
    return b"".join(tensor.tobytes() for tensor in tensors)


def measure(
    core: Core, model: Mapping[str, str], cases: Sequence[Case], flags: Sequence[str] = OPTIMIZED
) -> Measurement:
    """Builds firmware from the C files of a model named ``model`` and whatever they need, and runs it on ``core``.

    Raises :class:`EmulatorError` if it does not build, or does not run to its end.
    """
    elf = build_firmware(core, model, cases, flags)
    done = run(core, elf)
    result = last_line(elf, core, done)
    return Measurement(
        status=done.status,
        cases=result["cases"],
        compared=result["compared"],
        differing=result["differing"],
        instructions=done.instructions,
        stack=result["stack"],
        arena=symbol_size(core, elf, f"{MODEL}_arena"),
        sizes=section_sizes(core, elf),
        log=done.output,
        loaded=done.loaded,
        stored=done.stored,
    )


def build_firmware(
    core: Core, model: Mapping[str, str], cases: Sequence[Case], flags: Sequence[str] = OPTIMIZED
) -> Path:
    """An ELF file that runs a model named ``model`` on cases and compares every output byte."""
    sources = {**model, "cases.h": _CASES_H % _shape(cases), "cases.c": _cases_c(cases), "main.c": MAIN.read_text()}
    return build(core, sources, flags)


def last_line(elf: Path, core: Core, done: Run) -> dict[str, int]:
    """What firmware says at its end. Raises :class:`EmulatorError` if it did not get there."""
    try:
        told: dict[str, int] = json.loads(done.output.splitlines()[-1])
    except (IndexError, ValueError):
        raise EmulatorError(f"{elf} ended with status {done.status} on {core.name}:\n{done.output}") from None
    return told


def with_kernels(model: Mapping[str, str]) -> Mapping[str, str]:
    """An exported model together with the kernels that it calls."""
    return {**kernel_sources(), **model}


_CASES_H = """#include <stdint.h>
#define CASE_COUNT %(count)d
#define CASE_INPUT_SIZE %(inputs)d
#define CASE_OUTPUT_SIZE %(outputs)d
extern const int8_t case_inputs[CASE_COUNT][CASE_INPUT_SIZE];
extern const int8_t case_outputs[CASE_COUNT][CASE_OUTPUT_SIZE];
"""


def _shape(cases: Sequence[Case]) -> dict[str, int]:
    return {"count": len(cases), "inputs": len(cases[0].inputs), "outputs": len(cases[0].outputs)}


def _cases_c(cases: Sequence[Case]) -> str:
    def rows(values: Sequence[bytes]) -> str:
        return ",\n".join("{" + ",".join(map(str, np.frombuffer(value, np.int8))) + "}" for value in values)

    return (
        '#include "cases.h"\n'
        f"const int8_t case_inputs[CASE_COUNT][CASE_INPUT_SIZE] = {{\n{rows([case.inputs for case in cases])}\n}};\n"
        f"const int8_t case_outputs[CASE_COUNT][CASE_OUTPUT_SIZE] = {{\n{rows([case.outputs for case in cases])}\n}};\n"
    )
