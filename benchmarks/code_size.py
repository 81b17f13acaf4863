"""Code of the kernels in an exported model: ``python -m benchmarks.code_size``. ``--write``: into README.

A C export is linked with what its ``msf_used.h`` keeps; counted is the code (``.text``) of the kernels' files in the
program, after the linker has dropped what nobody calls. Constants, the model and the C library are not counted.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from rich.console import Console

from benchmarks.bench import SMALL, corpus_file
from benchmarks.emulator import CORES, OPTIMIZED, Core, EmulatorError, code_of, load_core
from benchmarks.pages import write_table
from tflm_msf.errors import MsfError
from tflm_msf.export import export_c, kernel_sources
from tflm_msf.export.used import used_header
from tflm_msf.graph import Model
from tflm_msf.planner import Planner

MODELS = ("mlperf__kws_dscnn", "mlperf__vww_96", "mlperf__ic_resnet8", "tflm__person_detect")
LEVELS = {"-O2": OPTIMIZED, "-Os": SMALL}
RESULTS = Path(__file__).parent / "code_size.json"
TABLE = "code table"
"""What its place in README is called."""

MAIN = '#include "m.h"\nint main(void) { return m_init() != MSF_OK || m_invoke() != MSF_OK; }\n'

Sizes = Mapping[str, Mapping[str, Mapping[str, int]]]
"""Bytes by model, core and level."""


def code_bytes(core: Core, model: Model, level: str, used: bool = True) -> dict[str, int]:
    """Code of each of the kernels' files in a program that runs a rewritten model.

    Without ``used`` the export lacks its ``msf_used.h``. Raises EmulatorError if a compiler is missing.
    """
    header = used_header(model) if used else {}
    sources = {**kernel_sources(), **header, **export_c(model, "m"), "main.c": MAIN}
    return {name: size for name, size in code_of(core, sources, LEVELS[level]).items() if name.startswith("msf_")}


def rewritten(name: str) -> Model:
    """A model of the corpus, rewritten with default options. Raises MsfError if it is not there."""
    return Planner.of(corpus_file(name).read_bytes(), name).choose().model


def measure(models: Sequence[str], cores: Sequence[str]) -> Sizes:
    """The kernels' code for each model on each core at each level."""
    made = {name: rewritten(name) for name in models}
    return {
        name: {
            core: {level: sum(code_bytes(load_core(core), model, level).values()) for level in LEVELS} for core in cores
        }
        for name, model in made.items()
    }


def read_results(path: Path = RESULTS) -> Sizes:
    """What was found last."""
    sizes: Sizes = json.loads(path.read_text())
    return sizes


def table(sizes: Sizes) -> str:
    """README's table: bytes at -O2, and at -Os in brackets."""
    cores = list(next(iter(sizes.values())))
    lines = ["| bytes of code at -O2 (-Os) | " + " | ".join(cores) + " |", "| --- |" + " ---: |" * len(cores)]
    for name, row in sizes.items():
        cells = (f"{row[core]['-O2']:,} ({row[core]['-Os']:,})" for core in cores)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


@click.command(help=__doc__)
@click.option("--write", is_flag=True, help="Keep what was found in benchmarks/code_size.json and README.md.")
def main(write: bool) -> None:
    """Measure, print, write."""
    try:
        sizes = measure(MODELS, CORES)
    except (MsfError, EmulatorError) as error:
        click.echo(f"code_size: {error}", err=True)
        sys.exit(2)
    Console().print(table(sizes), markup=False, soft_wrap=True)
    if write:
        RESULTS.write_text(json.dumps(sizes, indent=1) + "\n")
        write_table(TABLE, table(sizes))


if __name__ == "__main__":
    main()
