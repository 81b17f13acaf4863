"""The commands that show what a model consists of, and what it may consist of."""

from __future__ import annotations

from pathlib import Path

import click

from tflm_msf.cli.files import MODEL, as_json, show
from tflm_msf.cli.request import requested
from tflm_msf.cli.values import print_json
from tflm_msf.files import read_bytes
from tflm_msf.inspect import inspect as inspect_model
from tflm_msf.ops.conditions import ALWAYS_REQUIRED
from tflm_msf.report.operators import operators as list_operators
from tflm_msf.report.operators import operators_list, operators_markdown
from tflm_msf.report.tables import operators_table
from tflm_msf.request import Request


@click.command()
@click.argument("model", type=MODEL)
@requested("target")
@as_json
def inspect(request: Request, model: Path, as_json: bool) -> None:
    """Show what MODEL consists of: operators, shapes, MACs, arena, and the insides of fusion blocks."""
    found = inspect_model(read_bytes(model), str(model), request.shown)
    if as_json:
        print_json("inspect", found)
    else:
        show(operators_table(found))


@click.command()
@click.option("--markdown", is_flag=True, help="Print docs/OPERATORS.md.")
@as_json
def operators(markdown: bool, as_json: bool) -> None:
    """List the TFLite operators: which are fused, on what conditions, and which are passed through."""
    if as_json:
        print_json("operators", {"always": list(ALWAYS_REQUIRED), "operators": list_operators()})
    elif markdown:
        click.echo(operators_markdown(), nl=False)
    else:
        show(operators_list())
