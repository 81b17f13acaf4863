"""What the commands share: writing files, and printing."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console

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


@contextmanager
def busy(text: str) -> Iterator[Say]:
    """A sign of life on a terminal, for a ``with`` block that may take a while, and what shows how far it has come."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield silent
        return
    with console.status(text) as status:
        yield lambda what: status.update(f"{text}: {what}")


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts instead of tables.")
