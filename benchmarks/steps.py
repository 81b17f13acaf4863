"""Instructions per step of models that keep a state: ``python -m benchmarks.steps``. ``--write``: into README.

Rewritten models run as C exports, and every output byte is compared with TFLM's. ``--tflm DIR`` counts the originals
too, in TFLM with its own reference kernels (DIR: see ``benchmarks.peers``), on cores whose compiler has the C++ library
that TFLM takes; without it, what was counted last stays. A step is one whole inference, the mean of many, SOFTMAX
included.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click
from rich.console import Console

from benchmarks.bench import corpus_file
from benchmarks.emulator import EmulatorError, load_core
from benchmarks.firmware import MODEL, make_cases, measure, with_kernels
from benchmarks.pages import write_table
from benchmarks.peers import Tree, builtins_of, compile_library, run_in_tflm
from tflm_msf.errors import MsfError
from tflm_msf.export import export_c
from tflm_msf.graph import Model
from tflm_msf.planner import Planner
from tflm_msf.request import Request
from tflm_msf.tflite_io import read_model, write_model

MODELS: Mapping[str, Request] = {
    "stateful/esphome__mww_okay_nabu": Request(),
    "stateful/esphome__mww_vad": Request(),
    "mlperf__strm_ww_1d": Request(stateful=1),
}
"""Two that have variables, and one that looks at a window, which becomes a step."""

CORES = ("m4", "m33", "m55", "m0plus", "rv32", "lx106")
OF_TFLM = ("m4", "m33", "m55", "m0plus")
"""Cores for which TFLM can be compiled."""

STEPS = 24
RESULTS = Path(__file__).parent / "steps.json"
TABLE = "steps table"
"""What its place in README is called."""


@dataclass(frozen=True)
class Steps:
    """MACs and instructions of a step, rewritten; and what one inference of the original takes, if that is known."""

    model: str
    core: str
    macs: int
    rewritten: int
    original: int | None


def count_rewritten(name: str, core: str) -> Steps:
    """Runs a rewritten model step by step. Raises EmulatorError if a single output byte is wrong."""
    data = corpus_file(name).read_bytes()
    planner = Planner.of(data, name, MODELS[name])
    model = planner.choose().model
    cases = make_cases(data if MODELS[name].stateful is None else write_model(model), STEPS)
    done = measure(load_core(core), with_kernels(export_c(model, MODEL)), cases)
    if done.status != 0:
        raise EmulatorError(f"{name} on {core} is wrong:\n{done.log}")
    return Steps(name, core, planner.network.macs, _mean(done.instructions), original=None)


def count_original(model: Model, core: str, library: Sequence[Path], tree: Tree) -> int:
    """Instructions of one inference in TFLM. Raises EmulatorError if a single output byte is wrong."""
    _, done, _ = run_in_tflm(load_core(core), library, tree, model, make_cases(write_model(model), STEPS))
    return _mean(done.instructions)


def _mean(instructions: Sequence[int]) -> int:
    """The first step is left out: it also fills the state."""
    return round(sum(instructions[1:]) / (len(instructions) - 1))


def read_results(path: Path = RESULTS) -> dict[tuple[str, str], Steps]:
    """What was found last, by model and core."""
    return {(row["model"], row["core"]): Steps(**row) for row in json.loads(path.read_text())}


def known_originals() -> dict[tuple[str, str], int]:
    """What originals took when they were counted last."""
    return {key: row.original for key, row in read_results().items() if row.original is not None}


def count_originals(tflm: Path, pool: ThreadPoolExecutor) -> dict[tuple[str, str], int]:
    """What all originals take. Raises MsfError if there is no checkout of TFLM."""
    tree = Tree(tflm.resolve(), reference=True)
    tree.check()
    models = {name: read_model(corpus_file(name).read_bytes(), name) for name in MODELS}
    libraries = {core: compile_library(load_core(core), tree, builtins_of(*models.values()), pool) for core in OF_TFLM}
    return {
        (name, core): count_original(model, core, libraries[core], tree)
        for core in OF_TFLM
        for name, model in models.items()
    }


def table(rows: Sequence[Steps]) -> str:
    """README's table: instructions of a step, per MAC, and as a share of the original's."""
    cores = list(dict.fromkeys(row.core for row in rows))
    lines = ["| instructions of a step | MACs | " + " | ".join(cores) + " |", "| --- |" + " ---: |" * (len(cores) + 1)]
    for name in dict.fromkeys(row.model for row in rows):
        of_model = {row.core: row for row in rows if row.model == name}
        macs = next(iter(of_model.values())).macs
        lines.append(f"| {name.split('/')[-1]} | {macs:,} | " + " | ".join(_cell(of_model[c]) for c in cores) + " |")
    return "\n".join(lines)


def _cell(row: Steps) -> str:
    share = "" if row.original is None else f"; {row.rewritten / row.original:.3f}"
    return f"{row.rewritten:,} ({row.rewritten / row.macs:.2f}{share})"


@click.command(help=__doc__)
@click.option("--tflm", type=click.Path(path_type=Path), help="Directory of a tflite-micro checkout.")
@click.option("--write", is_flag=True, help="Keep what was found in benchmarks/steps.json and README.md.")
def main(tflm: Path | None, write: bool) -> None:
    """Measure, print, write."""
    jobs = [(name, core) for name in MODELS for core in CORES]
    try:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            counted = list(pool.map(lambda job: count_rewritten(*job), jobs))
            originals = known_originals() if tflm is None else count_originals(tflm, pool)
    except (MsfError, EmulatorError) as error:
        click.echo(f"steps: {error}", err=True)
        sys.exit(2)
    rows = [replace(row, original=originals.get((row.model, row.core))) for row in counted]
    Console().print(table(rows), markup=False, soft_wrap=True)
    if write:
        RESULTS.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
        write_table(TABLE, table(rows))


if __name__ == "__main__":
    main()
