"""Reading files, with whatever goes wrong in a sentence."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tflm_msf.errors import MsfError


def read_bytes(path: str | os.PathLike[str], what: str = "") -> bytes:
    """A file's bytes; devices, which may never end, are refused. Messages say ``what`` it is before its path, if given.

    Raises:
        MsfError: if it cannot be read.
    """
    name = f"{what} {shown(path)}".lstrip()
    try:
        kind = Path(path).stat().st_mode
        if stat.S_ISCHR(kind) or stat.S_ISBLK(kind):
            raise MsfError(f"{name} is a device, not a file: give the path of a file.")
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise MsfError(f"{name} cannot be read: {reason_of(error)}.") from None


def shown(path: str | os.PathLike[str]) -> str:
    """A path as messages say it."""
    return "the current directory" if Path(path) == Path() else os.fspath(path)


def reason_of(error: Exception) -> str:
    """Why a file could not be read or written."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
