"""Instructions inside TFLM's ``Invoke`` on this computer: ``python -m benchmarks.host``.

Each model runs in the wheel's interpreter as it is and rewritten at F = 1.0, once, under callgrind, which counts what
is executed between the entry of ``Invoke`` and its return. The same number on every run.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from benchmarks.bench import corpus_file
from tflm_msf.errors import MsfError
from tflm_msf.inputs import make_inputs
from tflm_msf.rewrite import rewrite_file
from tflm_msf.runtime import Session

MODELS = (
    "mlperf__vww_96",
    "mlperf__ic_resnet8",
    "mlperf__kws_dscnn",
    "tflm__person_detect",
    "microflow__cifar10_mobilenet",
    "sscma__fomo_mnv2_035",
)
INVOKE = "tflite::micro::MicroInterpreter::Invoke()"


@dataclass(frozen=True)
class Compared:
    """Instructions of one inference; ``macs`` are the original's multiply-accumulates."""

    model: str
    macs: int
    original: int
    rewritten: int

    @property
    def ratio(self) -> float:
        """Rewritten to original."""
        return self.rewritten / self.original


def run_each(files: Sequence[str]) -> None:
    """Runs every model once, on inputs made up alike: what callgrind watches."""
    for file in files:
        session = Session(Path(file).read_bytes())
        session.run(make_inputs(session.model.main, 1, seed=0)[0])


def count(files: Sequence[Path]) -> list[int]:
    """Instructions inside ``Invoke`` for each file. Raises MsfError if there is no valgrind, or if a run fails."""
    if shutil.which("valgrind") is None:
        raise MsfError("valgrind is missing: install it (Debian: apt-get install valgrind).")
    with tempfile.TemporaryDirectory() as directory:
        watch = ["--tool=callgrind", f"--toggle-collect={INVOKE}", f"--dump-after={INVOKE}"]
        program = [sys.executable, "-m", "benchmarks.host", *(f"--run={file}" for file in files)]
        command = ["valgrind", *watch, f"--callgrind-out-file={directory}/out", *program]
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
        totals = [_total(Path(directory) / f"out.{number + 1}") for number in range(len(files))]
    if done.returncode != 0 or 0 in totals:
        raise MsfError(f"valgrind did not count every inference; it printed: {done.stderr[-500:]}.")
    return totals


def _total(dump: Path) -> int:
    """Instructions in one of callgrind's dumps; 0 if it is not there."""
    found = re.search(r"^totals: (\d+)$", dump.read_text(), re.M) if dump.exists() else None
    return int(found[1]) if found else 0


def compare(models: Sequence[str]) -> list[Compared]:
    """Rewrites the models and counts. Raises MsfError."""
    with tempfile.TemporaryDirectory() as directory:
        files, macs = [], []
        for model in models:
            original, rewritten = corpus_file(model), Path(directory) / f"{model}.tflite"
            made = rewrite_file(original.read_bytes(), model)
            rewritten.write_bytes(made.data)
            files += [original, rewritten]
            macs.append(made.report["macs"]["original"])
        counts = count(files)
    return [Compared(*row) for row in zip(models, macs, counts[::2], counts[1::2], strict=True)]


@click.command(help=__doc__)
@click.option("--model", "models", multiple=True, default=MODELS, help="A model of the corpus; may be repeated.")
@click.option("--run", "files", multiple=True, hidden=True)
def main(models: Sequence[str], files: Sequence[str]) -> None:
    """Measure, print."""
    if files:
        run_each(files)
        return
    try:
        compared = compare(models)
    except MsfError as error:
        click.echo(f"host: {error}", err=True)
        sys.exit(2)
    table = Table(title="million instructions inside Invoke, x86-64; per MAC")
    table.add_column("model", no_wrap=True)
    for title in ("original", "rewritten", "ratio", "original", "rewritten"):
        table.add_column(title, justify="right")
    for row in compared:
        counts = (f"{row.original / 1e6:.2f}", f"{row.rewritten / 1e6:.2f}", f"{row.ratio:.2f}")
        table.add_row(row.model, *counts, f"{row.original / row.macs:.2f}", f"{row.rewritten / row.macs:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
