"""The command that asks whether it is still the same model."""

from __future__ import annotations

from pathlib import Path

import click

from tflm_msf.cli.files import MODEL, as_json, busy, show
from tflm_msf.cli.request import CAMERA, requested
from tflm_msf.cli.values import print_json
from tflm_msf.files import read_bytes
from tflm_msf.report.tables import verify_table
from tflm_msf.request import Request
from tflm_msf.verify import verify as verify_models

MOST_RUNS = 10_000
"""Their inputs are in memory all at once."""


@click.command()
@click.argument("original", type=MODEL)
@click.argument("rewritten", type=MODEL)
@click.option("--runs", type=click.IntRange(0, MOST_RUNS), default=20, show_default=True, help="Random inputs to try.")
@click.option("--inputs", "inputs", type=MODEL, multiple=True, help="A file of raw input values; repeatable.")
@click.argument("more_inputs", type=MODEL, nargs=-1, metavar="[FILE]...")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the random inputs.")
@requested("board", "target", *CAMERA)
@as_json
def verify(
    request: Request,
    original: Path,
    rewritten: Path,
    more_inputs: tuple[Path, ...],
    runs: int,
    inputs: tuple[Path, ...],
    seed: int,
    as_json: bool,
) -> None:
    """Compare what REWRITTEN holds with ORIGINAL, run both in the real TFLM interpreter and compare every bit.

    Compares types, shapes, scales, names and signatures; every constant, program, record and offset in REWRITTEN with
    what its plan gives from ORIGINAL; all outputs and every inner tensor that both models have; and the measured arena
    of REWRITTEN with the prediction. Every FILE (after --inputs, or at the end) holds one raw input. Exit status 0
    only if everything agrees, 1 if it does not, or if ORIGINAL itself is not reproducible. With --target
    or --board, outputs are those that both models give in that TFLM, where it computes an operator otherwise.
    With --camera, inputs are its frames: ORIGINAL gets the image that they become, REWRITTEN the kernels' rows.
    """
    with busy("Running both models in TFLM"):
        sources = (str(original), str(rewritten))
        files = (*inputs, *more_inputs)
        models = read_bytes(original), read_bytes(rewritten)
        report = verify_models(*models, runs, files, seed, sources, request.named_target, request.camera)
    if as_json:
        print_json("verify", report.to_json())
    else:
        show(verify_table(report.to_json()))
    if not report.passed:
        raise SystemExit(1)
