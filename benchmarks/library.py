"""Instructions of models whose convolutions CMSIS-NN or ESP-NN computes, beside the kernels' own inner loops.

Takes the directory of a checkout that is there already, compiles what the back end calls of it for emulated cores, and
checks every output byte. Plans are those of F = 1.0; SOFTMAX at a model's end is left out. Of ESP-NN, portable C
is measured: the emulators lack the vector instructions of the ESP32-S3 and ESP32-P4.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from benchmarks.bench import MODELS, corpus_file
from benchmarks.emulator import OPTIMIZED, EmulatorError, linked_text, load_core
from benchmarks.firmware import API, MODEL, Case, make_cases, measure, with_kernels, without_softmax
from tflm_msf.errors import MsfError
from tflm_msf.export import export_c
from tflm_msf.planner import Planner
from tflm_msf.program.assemble import assemble
from tflm_msf.program.layout import Weights

SCRATCH = 8192
"""Bytes that the kernels keep for a library (``MSF_LIBRARY_SCRATCH``), enough for nearly all calls of these models."""


@dataclass(frozen=True)
class Library:
    """Where a library has its headers and what the back end needs, and the cores that it can be measured on."""

    macro: str
    headers: tuple[str, ...]
    sources: tuple[str, ...]
    cores: tuple[str, ...]
    flags: tuple[str, ...] = ()

    def files(self, directory: Path) -> Mapping[str, str]:
        """Headers as they are included, and C files. Raises MsfError if it is another directory."""
        headers = {
            path.relative_to(directory / top).as_posix(): path
            for top in self.headers
            for path in sorted((directory / top).rglob("*.h"))
        }
        sources = {path.name: path for pattern in self.sources for path in sorted(directory.glob(pattern))}
        if not headers or not sources:
            raise MsfError(
                f"{directory} has no {self.headers[0]} and {self.sources[0]}: give a checkout of the library."
            )
        return {name: path.read_text(encoding="utf-8") for name, path in {**headers, **sources}.items()}


LIBRARIES: Mapping[str, Library] = {
    "CMSIS-NN": Library(
        macro="MSF_CMSIS_NN",
        headers=("Include", "Source/NNSupportFunctions"),
        sources=(
            "Source/ConvolutionFunctions/*_s8*.c",
            "Source/NNSupportFunctions/*_s8*.c",
            "Source/NNSupportFunctions/*_q7_*.c",
            "Source/TransposeFunctions/*_s8.c",
        ),
        cores=("m4", "m33", "m55"),
    ),
    "ESP-NN": Library(
        macro="MSF_ESP_NN",
        headers=("include", "src/common"),
        sources=("src/convolution/*_ansi.c", "src/convolution/*_opt.c"),
        cores=("rv32", "lx106"),
        flags=("-DCONFIG_NN_OPTIMIZED=1",),
    ),
}


@dataclass(frozen=True)
class Prepared:
    """A model's cases and MACs, and its C files with packed and with plain weights."""

    name: str
    cases: Sequence[Case]
    macs: int
    packed: Mapping[str, str]
    plain: Mapping[str, str]


@dataclass(frozen=True)
class Way:
    """A way to compute convolutions: C files of a model and all else, and flags."""

    name: str
    sources: Mapping[str, str]
    flags: tuple[str, ...]
    scratch: int = 0


@dataclass(frozen=True)
class Result:
    """What one way took. ``ram`` is arena, stack and scratch."""

    model: str
    core: str
    way: str
    per_mac: float
    ram: int
    text: int


def prepare(name: str) -> Prepared:
    """Reads and plans a model of the corpus. Raises MsfError if it is not there."""
    data = without_softmax(corpus_file(name).read_bytes())
    planner = Planner.of(data, name)
    choice = planner.choose()
    plain = assemble(planner.model, choice.network, choice.plan, Weights.PLAIN)
    return Prepared(
        name=name,
        cases=make_cases(data, runs=1),
        macs=planner.network.macs,
        packed=with_kernels(export_c(choice.model, MODEL)),
        plain=with_kernels(export_c(plain, MODEL)),
    )


def ways(model: Prepared, name: str, library: Library, files: Mapping[str, str], scratch: int) -> Iterator[Way]:
    """The library, and what there is without it."""
    flags = (f"-D{library.macro}=1", f"-DMSF_LIBRARY_SCRATCH={scratch}", *library.flags)
    quiet = "-w"  # the library's warnings are its own business
    yield Way(name, {**files, **model.plain}, (*OPTIMIZED, *flags, quiet), scratch)
    yield Way("own inner loops", model.packed, OPTIMIZED)
    yield Way("plain loops", model.plain, OPTIMIZED)


def perform(model: Prepared, core_name: str, way: Way) -> Result:
    """Builds, runs and checks one firmware. Raises EmulatorError if a single output byte is wrong."""
    core = load_core(core_name)
    done = measure(core, way.sources, model.cases, way.flags)
    if done.status != 0:
        raise EmulatorError(f"{model.name}, {way.name}, on {core_name} is wrong:\n{done.log}")
    sources = {name: text for name, text in way.sources.items() if name not in (f"{MODEL}.c", f"{MODEL}.h")}
    return Result(
        model=model.name,
        core=core_name,
        way=way.name,
        per_mac=done.instructions[0] / model.macs,
        ram=done.arena + done.stack + way.scratch,
        text=linked_text(core, sources, API, way.flags),
    )


def show(results: Sequence[Result], console: Console) -> None:
    """One table."""
    table = Table("model", "core", "convolutions by")
    for title in ("instructions per MAC", "arena, stack, scratch", "code"):
        table.add_column(title, justify="right")
    for result in results:
        row = (result.model, result.core, result.way, f"{result.per_mac:.2f}", f"{result.ram:,}", f"{result.text:,}")
        table.add_row(*row)
    console.print(table)


@click.command(help=__doc__)
@click.option("--cmsis-nn", type=click.Path(path_type=Path), help="Directory of a CMSIS-NN checkout.")
@click.option("--esp-nn", type=click.Path(path_type=Path), help="Directory of an ESP-NN checkout.")
@click.option("--model", "models", multiple=True, default=MODELS, help="A model of the corpus; may be repeated.")
@click.option("--scratch", type=int, default=SCRATCH, show_default=True, help="MSF_LIBRARY_SCRATCH, in bytes.")
def main(cmsis_nn: Path | None, esp_nn: Path | None, models: Sequence[str], scratch: int) -> None:
    """Measure and print."""
    given = {name: path for name, path in (("CMSIS-NN", cmsis_nn), ("ESP-NN", esp_nn)) if path is not None}
    try:
        if not given:
            raise MsfError("no library to measure: give the directory of one, with --cmsis-nn or --esp-nn.")
        files = {name: LIBRARIES[name].files(path) for name, path in given.items()}
        jobs = [
            (model, core, way)
            for model in map(prepare, models)
            for name in given
            for core in LIBRARIES[name].cores
            for way in ways(model, name, LIBRARIES[name], files[name], scratch)
        ]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(lambda job: perform(*job), jobs))
    except (MsfError, EmulatorError) as error:
        click.echo(f"library: {error}", err=True)
        sys.exit(2)
    show(results, Console())


if __name__ == "__main__":
    main()
