"""Cycles of whole models: ``python -m benchmarks.cycles`` (some minutes). ``--write`` puts the table into README.

How they are found is said in each row: in RTL (VexRiscv), by a cycle model (RP2040), or estimated from what ran under
QEMU and Arm's manuals (:mod:`benchmarks.cortex_m_cycles`). Every output byte is compared with TFLM's. As in
``make bench``, SOFTMAX at a model's end is left out, and cycles are divided by the MACs of the original model.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track

from benchmarks.bench import Job, prepare
from benchmarks.cortex_m_cycles import COSTS, estimate
from benchmarks.emulator import SIMULATED, EmulatorError, Run, load_core, run
from benchmarks.firmware import build_firmware
from benchmarks.pages import write_table
from tflm_msf import cost
from tflm_msf.errors import MsfError

MODELS = ("mlperf__vww_96", "mlperf__ic_resnet8", "mlperf__kws_dscnn", "tflm__person_detect", "mlperf__strm_ww_1d")
CORES = (*COSTS, *SIMULATED)
VARIANTS = ("F1.0", "layerwise")
RESULTS = Path(__file__).parent / "cycles.json"
COUNTED = Path(__file__).parent / "results.json"
PER_INSTRUCTION = Path(cost.__file__).parent / "cycles.toml"
TABLE = "cycles table"
"""What its place in README is called."""

ESTIMATE, RTL, MODEL = "estimate", "RTL", "model"
NEVER_WAITS, AS_FAST, CACHED = "never waits", "flash as fast as RAM", "flash always cached"
WITHOUT_WAITS = (NEVER_WAITS, AS_FAST, CACHED)
WITH_SHORT_LINES = ("rp2040",)
"""Cores whose cache fetches lines of 8 bytes, not of 32."""

TIMED_AS = {"vexriscv": "rv32", "rp2040": "m0plus"}
"""Simulated cores whose instructions the time model knows by another name."""

FLASHES = {AS_FAST: (), "2 wait states": ("--flash-waits", "2")}
"""Kinds of flash that VexRiscv is simulated with, and the simulator's options for them."""

CACHED_FLASH = ("--flash-waits", "2", "--flash-cache")


@dataclass(frozen=True)
class Result:
    """One inference. ``lines``: those that a cache of 16 KiB fetched from flash."""

    model: str
    core: str
    variant: str
    how: str
    memory: str
    instructions_per_mac: float | None
    cycles: int
    cycles_per_mac: float
    lines: int | None


Cells = Mapping[tuple[tuple[str, ...], str, str], str]
"""What a table says of a row, a model and a variant."""


def perform(job: Job) -> list[Result]:
    """Builds and runs one firmware. Raises EmulatorError if a single output byte is wrong."""
    core = load_core(job.core)
    elf = build_firmware(core, job.firmware.sources, job.cases)
    if job.core in COSTS:
        return _estimated(job, elf)
    return _on_rp2040(job, elf) if job.core == "rp2040" else _on_vexriscv(job, elf)


def _run(job: Job, elf: Path, options: Sequence[str] = ()) -> Run:
    done = run(load_core(job.core), elf, options)
    if done.status != 0:
        raise EmulatorError(f"{job.model}, {job.variant}, on {job.core} is wrong:\n{done.output}")
    return done


def _estimated(job: Job, elf: Path) -> list[Result]:
    _run(job, elf)
    found = estimate(load_core(job.core), elf)
    lines = found.lines["xip16k"]
    without_waits = _result(job, ESTIMATE, NEVER_WAITS, found.cycles, found.instructions, lines)
    if job.core != "m4":
        return [without_waits]
    return [without_waits, _result(job, ESTIMATE, "STM32F4, 5 wait states", found.with_art, found.instructions, None)]


def _on_rp2040(job: Job, elf: Path) -> list[Result]:
    done = _run(job, elf)
    return [_result(job, MODEL, CACHED, done.cycles[0], done.instructions[0], done.lines[0])]


def _on_vexriscv(job: Job, elf: Path) -> list[Result]:
    (lines,) = _run(job, elf, CACHED_FLASH).lines
    runs = ((memory, _run(job, elf, options)) for memory, options in FLASHES.items())
    return [_result(job, RTL, memory, done.cycles[0], None, lines) for memory, done in runs]


def _result(job: Job, how: str, memory: str, cycles: float, instructions: int | None, lines: int | None) -> Result:
    per_mac = None if instructions is None else round(instructions / job.macs, 3)
    whole = round(cycles)
    return Result(job.model, job.core, job.variant, how, memory, per_mac, whole, round(whole / job.macs, 3), lines)


def table(results: Sequence[Result]) -> str:
    """The README's tables: cycles for each core and kind of memory, and lines, at F = 1.0 and layer by layer."""
    cycles: Cells = {((r.core, r.how, r.memory), r.model, r.variant): f"{r.cycles_per_mac:.2f}" for r in results}
    lines: Cells = {((r.core,), r.model, r.variant): f"{r.lines / 1e3:.1f}" for r in results if r.lines is not None}
    of_lines = "lines of 32 bytes (RP2040: 8) that 16 KiB of cache fetch from flash, thousands"
    return "\n\n".join([_rows(("cycles per MAC (layer by layer)", "how", "memory"), cycles), _rows((of_lines,), lines)])


def _rows(titles: Sequence[str], cells: Cells) -> str:
    """A table with a column for each model; a cell has what was found at F = 1.0, and layer by layer in brackets."""
    models = dict.fromkeys(model for _, model, _ in cells)
    text = ["| " + " | ".join((*titles, *(model.split("__")[1] for model in models))) + " |"]
    text.append("| " + " | ".join(("---",) * len(titles) + ("---:",) * len(models)) + " |")
    for row in dict.fromkeys(row for row, _, _ in cells):
        found = ([cells.get((row, model, variant), "-") for variant in VARIANTS] for model in models)
        text.append("| " + " | ".join((*row, *(f"{fused} ({layerwise})" for fused, layerwise in found))) + " |")
    return "\n".join(text)


def cycles_per_instruction(results: Sequence[Result]) -> Mapping[str, float]:
    """The mean over whole models, with memory that never waits, by core of the time model.

    VexRiscv does not count instructions; those of the same programs were counted in QEMU (``make bench``).
    """
    found: dict[str, list[float]] = {}
    counted = {(row["model"], row["core"], row["variant"]): row for row in json.loads(COUNTED.read_text())}
    for result in results:
        core = TIMED_AS.get(result.core, result.core)
        same = counted.get((result.model, core, result.variant))
        if result.memory not in WITHOUT_WAITS:
            continue
        if result.instructions_per_mac:
            found.setdefault(core, []).append(result.cycles_per_mac / result.instructions_per_mac)
        elif same is not None:
            found.setdefault(core, []).append(result.cycles / same["instructions"])
    return {core: round(sum(ratios) / len(ratios), 3) for core, ratios in found.items()}


def cycles_toml(results: Sequence[Result]) -> str:
    """What the tool reads."""
    lines = ["# Written by `python -m benchmarks.cycles --write`; no waits; 16 KiB of cache in lines of 32 bytes."]
    fetched = lines_per_cycle(results)
    for core, ratio in cycles_per_instruction(results).items():
        lines += ["", f"[{core}]", f"cycles_per_instruction = {ratio}"]
        lines += [f"lines_per_cycle = {fetched[core]}"] if core in fetched else []
    return "\n".join(lines) + "\n"


def lines_per_cycle(results: Sequence[Result]) -> Mapping[str, float]:
    """Lines of 32 bytes from flash, the mean over whole models at F = 1.0, by core of the time model."""
    found: dict[str, list[float]] = {}
    counted = (result for result in results if result.core not in WITH_SHORT_LINES)
    for result in counted:
        if result.lines is not None and result.variant == VARIANTS[0] and result.memory in WITHOUT_WAITS:
            found.setdefault(TIMED_AS.get(result.core, result.core), []).append(result.lines / result.cycles)
    return {core: round(sum(ratios) / len(ratios), 6) for core, ratios in found.items()}


def read_results(path: Path = RESULTS) -> list[Result]:
    """What was found last."""
    return [Result(**entry) for entry in json.loads(path.read_text())]


@click.command(help=__doc__)
@click.option("--model", "models", multiple=True, default=MODELS, type=click.Choice(MODELS), help="May be repeated.")
@click.option("--core", "cores", multiple=True, default=CORES, type=click.Choice(CORES), help="May be repeated.")
@click.option("--write", is_flag=True, help="Keep what was found in benchmarks/cycles.json, README.md and the tool.")
def main(models: Sequence[str], cores: Sequence[str], write: bool) -> None:
    """Measure, print, write."""
    try:
        jobs = [job for model in models for job in prepare(model, VARIANTS, cores)]
        found = [result for job in track(jobs, "simulating", transient=True) for result in perform(job)]
    except (MsfError, EmulatorError) as error:
        click.echo(f"cycles: {error}", err=True)
        sys.exit(2)
    Console().print(table(found), markup=False, soft_wrap=True)
    if write:
        _keep(found)


def _keep(found: Sequence[Result]) -> None:
    """Writes results, beside those of other models and cores that are there already, and the table in README."""
    new = {(result.model, result.core) for result in found}
    known = read_results() if RESULTS.exists() else []
    results = [*found, *(result for result in known if (result.model, result.core) not in new)]
    results.sort(key=lambda result: (MODELS.index(result.model), CORES.index(result.core)))
    RESULTS.write_text("[\n" + ",\n".join(json.dumps(asdict(result)) for result in results) + "\n]\n")
    PER_INSTRUCTION.write_text(cycles_toml(results))
    write_table(TABLE, table(results))


if __name__ == "__main__":
    main()
