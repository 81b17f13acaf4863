"""What the commands share: writing files, and printing."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import click
from rich.console import Console, RenderableType

from tflm_msf.errors import MsfError
from tflm_msf.files import reason_of, shown
from tflm_msf.search.effort import Say, silent

MODEL = click.Path(path_type=Path)


STANDARD_OUTPUT = Path("-")
"""What ``-o`` says for standard output."""

MOST_OF_A_NAME = 100
"""Characters of a file's name that its temporary name repeats: a name that the file system takes has to do for both."""


def check_destination(path: Path, *inputs: Path) -> None:
    """Asks, before any work is done, whether a file may be written.

    Raises:
        MsfError: if it is one of the ``inputs``, under whatever name, or is there and no regular file.
    """
    if path == STANDARD_OUTPUT:
        return
    try:
        if path.is_dir():
            raise MsfError(f"{shown(path)} is a directory: name a file in it.")
        if path.exists() and not path.is_file():
            raise MsfError(f"{path} is no regular file, and only those are written; `-o -` writes to standard output.")
        if path.exists() and any(given.exists() and path.samefile(given) for given in inputs):
            raise MsfError(f"{path} is what is read, and would be lost: write to another file.")
    except (OSError, ValueError) as error:
        raise MsfError(f"{shown(path)} cannot be written: {reason_of(error)}.") from None


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file so that it is there whole or not at all, whatever happens meanwhile; MsfError if it cannot.

    What a symbolic link points to is written, and the link stays. ``-`` is standard output.
    """
    if path == STANDARD_OUTPUT:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    check_destination(path)
    temporary = None
    try:
        target = path.resolve()
        prefix = f".{target.name[:MOST_OF_A_NAME]}."
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=prefix, delete=False) as file:
            temporary = Path(file.name)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: links in a circle, before Python 3.13
        raise MsfError(f"{shown(path)} cannot be written: {reason_of(error)}.") from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


QUIET, VERBOSE = "tflm_msf.quiet", "tflm_msf.verbose"
"""What click's context notes of -q and -v."""


def is_said(what: str) -> bool:
    """Whether -q (:data:`QUIET`) or -v (:data:`VERBOSE`) was given."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(what))


LEAST_WIDTH = 80
"""Columns that tables fit: what is narrower breaks their lines, so that no name and no digit is left out."""


def show(renderable: RenderableType, aside: bool = False) -> None:
    """Prints as wide as the terminal, and as :data:`LEAST_WIDTH`: to stdout, or to stderr if it stands ``aside`` for a
    file that goes to stdout.
    """
    if is_said(QUIET):
        return
    console = Console(markup=False, emoji=False, stderr=aside)
    console.width = max(console.width, LEAST_WIDTH)
    console.print(renderable)


def tell(line: str, aside: bool = False) -> None:
    """Prints a line, as :func:`show` does."""
    if not is_said(QUIET):
        click.echo(line, err=aside)


@contextmanager
def busy(text: str) -> Iterator[Say]:
    """A sign of life on a terminal, for a ``with`` block that may take a while, and what shows how far it has come."""
    if is_said(VERBOSE):
        began = monotonic()
        yield lambda what: click.echo(f"{monotonic() - began:7.1f} s  {text}: {what}", err=True)
        click.echo(f"{monotonic() - began:7.1f} s  {text}: done", err=True)
        return
    console = Console(stderr=True)
    if not console.is_terminal or is_said(QUIET):
        yield silent
        return
    with console.status(text) as status:
        yield lambda what: status.update(f"{text}: {what}")


def as_json(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command what all have: its argument ``as_json``, and -q and -v."""
    for option in reversed(_EVERYWHERE):
        command = option(command)
    return command


def _note(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    context.meta[f"tflm_msf.{parameter.name}"] = value


_EVERYWHERE = (
    click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts instead of tables."),
    click.option(
        "-q", "--quiet", is_flag=True, expose_value=False, callback=_note, help="Print no tables; errors and JSON stay."
    ),
    click.option(
        "-v", "--verbose", is_flag=True, expose_value=False, callback=_note, help="Say on stderr what is being done."
    ),
)
