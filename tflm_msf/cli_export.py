"""The command that turns a model into source code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from tflm_msf.boards import find_board
from tflm_msf.cli_common import (
    MODEL,
    board,
    busy,
    int8_io,
    limits,
    max_overhead,
    ram_limit,
    read_file,
    stream_input,
    write_whole,
)
from tflm_msf.errors import MsfError
from tflm_msf.export import export_c, kernel_sources
from tflm_msf.export.text import c_name
from tflm_msf.export.tflm_header import export_tflm
from tflm_msf.graph import Model
from tflm_msf.rewrite import is_rewritten, rewrite_file
from tflm_msf.tflite_io import read_model


@click.command()
@click.argument("model", type=MODEL)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["c", "tflm"]),
    required=True,
    help="c: C99 that needs no TFLM, for models that are fused as a whole. tflm: the model for TFLM, as C++.",
)
@click.option("-o", "--output", type=MODEL, required=True, help="The directory to write to; made if it is not there.")
@click.option("--name", help="Prefix of all names, and the files' name. [default: made from MODEL's]")
@click.option("--without-kernels", is_flag=True, help="Write the model only: the tflm_msf library has the kernels.")
@click.option("--skip-softmax", is_flag=True, help="c: leave SOFTMAX at the model's end out, for logits.")
@ram_limit
@max_overhead
@board
@stream_input
@int8_io
def export(
    model: Path,
    kind: str,
    output: Path,
    name: str | None,
    without_kernels: bool,
    skip_softmax: bool,
    ram_limit: int | None,
    max_overhead: float | None,
    board: str | None,
    stream_input: bool,
    int8_io: bool,
) -> None:
    """Write MODEL as source code.

    A model that is not rewritten yet is rewritten first, with the same options as in `rewrite`. The header says how to
    use what is written.
    """
    with busy(f"Exporting {model.name}"):
        data = read_file(model)
        original = read_model(data, str(model))
        if not is_rewritten(original):
            target, limit = limits(board, ram_limit)
            data = rewrite_file(data, str(model), limit, max_overhead, stream_input, int8_io, target=target).data
        elif ram_limit is not None or max_overhead is not None or stream_input or int8_io:
            raise MsfError(f"{model} is rewritten already: give the original, or leave the options for rewriting out.")
        files = _sources(read_model(data, str(model)), data, kind, name or c_name(model.stem), board, skip_softmax)
        if kind == "c" and not without_kernels:
            files = {**kernel_sources(), **files}
    for path in _write(output, files):
        click.echo(f"Wrote {path}")


def _sources(
    model: Model, data: bytes, kind: str, name: str, board: str | None, skip_softmax: bool
) -> Mapping[str, str]:
    if kind == "c":
        return export_c(model, name, skip_softmax)
    return export_tflm(model, data, name, (find_board(board).target,) if board else ())


def _write(directory: Path, files: Mapping[str, str]) -> list[Path]:
    """Writes files below a directory. Raises MsfError if that is not possible."""
    paths = [directory / name for name in files]
    for path, text in zip(paths, files.values(), strict=True):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MsfError(f"{path.parent} cannot be made: {error.strerror or error}.") from None
        write_whole(path, text.encode())
    return paths
