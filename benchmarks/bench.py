"""Instructions, RAM and code size of whole models on emulated cores: ``make bench``.

Everything is counted, nothing is timed, so the same sources always give the same numbers. The inference that is
counted is the first made-up one; SOFTMAX at a model's end is left out.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.emulator import CORES, OPTIMIZED, EmulatorError, linked_text, load_core
from benchmarks.firmware import API, Case, make_cases, measure, without_softmax
from benchmarks.variants import VARIANTS, Variant
from testing.corpus import DIRECTORY
from tflm_msf.errors import MsfError
from tflm_msf.export import kernel_sources
from tflm_msf.planner import Planner

MODELS = ("mlperf__vww_96", "mlperf__ic_resnet8", "mlperf__kws_dscnn")
RESULTS = Path(__file__).parent / "results.json"
SMALL = tuple("-Os" if flag == "-O2" else flag for flag in OPTIMIZED)


@dataclass(frozen=True)
class Result:
    """One line of the results. ``ram_bytes`` is arena plus stack, ``text_bytes`` the code that runs layers.

    Instructions per MAC are those of the whole inference over the MACs of the original model.
    """

    model: str
    core: str
    variant: str
    overhead: float
    instructions: int
    instructions_per_mac: float
    ram_bytes: int
    stack_bytes: int
    text_bytes: int


@dataclass(frozen=True)
class Job:
    """A firmware to build and run."""

    model: str
    core: str
    variant: str
    firmware: Variant
    cases: Sequence[Case]
    macs: int


def corpus_file(model: str) -> Path:
    """Where a model of the corpus is. Raises MsfError if it is not there."""
    path = DIRECTORY / f"{model}.tflite"
    if not path.exists():
        raise MsfError(f"{path} is not there: set TFLM_MSF_MODELS to the directory of the models.")
    return path


def prepare(model: str, variants: Sequence[str], cores: Sequence[str]) -> list[Job]:
    """Reads and plans a model of the corpus. Raises MsfError if it is not there."""
    data = without_softmax(corpus_file(model).read_bytes())
    planner = Planner.of(data, model)
    cases = make_cases(data, runs=1)
    made = {name: VARIANTS[name](planner) for name in variants}
    return [Job(model, core, name, made[name], cases, planner.network.macs) for core in cores for name in variants]


def perform(job: Job) -> Result:
    """Builds, runs and checks one firmware. Raises EmulatorError if a single output byte is wrong."""
    core = load_core(job.core)
    done = measure(core, job.firmware.sources, job.cases)
    if done.status != 0:
        raise EmulatorError(f"{job.model}, {job.variant}, on {job.core} is wrong:\n{done.log}")
    return Result(
        model=job.model,
        core=job.core,
        variant=job.variant,
        overhead=round(job.firmware.overhead, 6),
        instructions=done.instructions[0],
        instructions_per_mac=round(done.instructions[0] / job.macs, 3),
        ram_bytes=done.arena + done.stack,
        stack_bytes=done.stack,
        text_bytes=_text(job),
    )


def _text(job: Job) -> int:
    """Code and constants of whatever runs the layers; the model's own are not counted."""
    model = ("model.c", "model.h")
    sources = {name: text for name, text in job.firmware.sources.items() if name not in model}
    roots = API if job.variant != "reference" else [f"reference_{loop}" for loop in _loops(job.firmware)]
    return linked_text(load_core(job.core), sources, roots)


def _loops(firmware: Variant) -> list[str]:
    """Reference loops that a model uses."""
    names = ("conv_2d", "depthwise_conv_2d", "fully_connected", "add", "average_pool")
    return [name for name in names if f"reference_{name}," in firmware.sources["model.c"]]


def show(results: Sequence[Result], console: Console) -> None:
    """One table for each model."""
    for model in dict.fromkeys(result.model for result in results):
        table = Table("core", "variant", title=model)
        for title in ("F", "instructions", "per MAC", "RAM", "stack", "code"):
            table.add_column(title, justify="right")
        core = ""
        for result in results:
            if result.model != model:
                continue
            if core not in ("", result.core):
                table.add_section()
            table.add_row(
                result.core if result.core != core else "",
                result.variant,
                f"{result.overhead:.3f}",
                f"{result.instructions / 1e6:.2f} M",
                f"{result.instructions_per_mac:.2f}",
                f"{result.ram_bytes:,}",
                f"{result.stack_bytes:,}",
                f"{result.text_bytes:,}",
            )
            core = result.core
        console.print(table)


def show_code_sizes(cores: Sequence[str], console: Console) -> None:
    """Bytes of all kernels together, optimised for speed and for size."""
    table = Table("core", title="kernels: code and constants, all operators")
    for title in ("-O2", "-Os"):
        table.add_column(title, justify="right")
    for name in cores:
        core = load_core(name)
        sizes = (linked_text(core, kernel_sources(), API, flags) for flags in (OPTIMIZED, SMALL))
        table.add_row(name, *(f"{size:,}" for size in sizes))
    console.print(table)


@click.command(help=__doc__)
@click.option("--model", "models", multiple=True, default=MODELS, help="A model of the corpus; may be repeated.")
@click.option("--core", "cores", multiple=True, default=CORES, type=click.Choice(CORES), help="May be repeated.")
@click.option("--variant", "variants", multiple=True, default=tuple(VARIANTS), type=click.Choice(tuple(VARIANTS)))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to write the results as JSON.")
def main(models: Sequence[str], cores: Sequence[str], variants: Sequence[str], output: Path | None) -> None:
    """Measure, print, write."""
    console = Console()
    try:
        jobs = [job for model in models for job in prepare(model, variants, cores)]
        results = []
        with Progress(console=console, transient=True) as progress, ThreadPoolExecutor(os.cpu_count()) as pool:
            for result in progress.track(pool.map(perform, jobs), total=len(jobs), description="emulating"):
                results.append(result)  # noqa: PERF402 - the progress bar wants the loop
        show(results, console)
        show_code_sizes(cores, console)
    except (MsfError, EmulatorError) as error:
        click.echo(f"bench: {error}", err=True)
        sys.exit(2)
    if output is not None:
        output.write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n")


if __name__ == "__main__":
    main()
