"""What the commands share: files, and printing."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from tflm_msf.errors import MsfError
from tflm_msf.search.effort import Say, silent

MODEL = click.Path(path_type=Path)

SCHEMA = 2
"""Version of what ``--json`` prints. 2: arenas are those of a target, which is named; the wheel's are `verify`'s."""


def read_file(path: Path) -> bytes:
    """A file's bytes, or MsfError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise MsfError(f"{path} cannot be read: {error.strerror or error}.") from None


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file so that it is there whole or not at all, whatever happens meanwhile; MsfError if it cannot."""
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise MsfError(f"{path} cannot be written: {error.strerror or error}.") from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def print_json(value: Mapping[str, Any]) -> None:
    """A report for scripts, on stdout, with the version of what it holds."""
    click.echo(json.dumps({"schema": SCHEMA, **value}, indent=2))


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
