"""The C parts of this package, compiled for this computer when they are first needed, and kept for later.

So the package is pure Python for whoever installs it, and what was compiled is never older than its source: the name of
a shared library is a hash of all that it is made from.
"""

from __future__ import annotations

import atexit
import ctypes
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tflm_msf.errors import MsfError

CACHE_VARIABLE = "TFLM_MSF_CACHE"
"""Environment variable that names the directory for what was compiled."""

FLAGS = ("-std=c99", "-O2", "-fPIC", "-shared")

_PACKAGE = Path(__file__).parent
_SHIPPED = _PACKAGE / "library"  # setup.py puts it there when a wheel is built
_IN_TREE = _PACKAGE.parent / "tflm_kernels"  # a development install uses the repository's own
_COMPILERS = ("cc", "gcc", "clang")
_KEPT = 32
_SECONDS = 600


class NoCompilerError(MsfError):
    """There is no C compiler on this computer."""


def library_directory() -> Path:
    """The C library of kernels, wherever this installation has it. Raises :class:`MsfError` if it is missing."""
    for directory in (_IN_TREE, _SHIPPED):
        if (directory / "src" / "msf.h").is_file():
            return directory
    raise MsfError(f"the kernels' sources are missing in {_SHIPPED}: install tflm-msf again.")


def compiler() -> tuple[str, ...]:
    """The command that compiles C: what ``CC`` says, or the first that there is.

    Raises:
        NoCompilerError: if there is none.
    """
    said = shlex.split(os.environ.get("CC", ""))
    for command in [said] if said else [[name] for name in _COMPILERS]:
        if found := shutil.which(command[0]):
            return (found, *command[1:])
    looked_for = f"'{said[0]}', which CC names," if said else "cc, gcc or clang"
    raise NoCompilerError(f"there is no C compiler here ({looked_for} was looked for): install gcc or clang.")


@dataclass(frozen=True)
class Recipe:
    """C files that are compiled together, directories whose headers they include, libraries that they are linked with.

    ``name`` is what the name of the shared library begins with.
    """

    name: str
    sources: tuple[Path, ...]
    include: tuple[Path, ...] = ()
    libraries: tuple[str, ...] = ()

    @property
    def file(self) -> Path:
        """Where the shared library is, once it is made; another file if anything that it is made from changes."""
        headers = [path for directory in self.include for path in directory.rglob("*.h")]
        how = (FLAGS, self.libraries, os.environ.get("CC", ""), sys.platform, platform.machine(), sys.maxsize)
        digest = hashlib.sha256(repr(how).encode())
        for path in sorted([*self.sources, *headers]):
            content = path.read_bytes()
            digest.update(f"{path.name} {len(content)} ".encode() + content)
        suffix = ".dll" if sys.platform == "win32" else ".so"
        return cache_directory() / f"{self.name}-{digest.hexdigest()[:20]}{suffix}"


def shared_library(recipe: Recipe) -> ctypes.CDLL:
    """Compiles C files together, or finds what was made of the very same ones before, and loads it with its names
    visible to others.

    Raises:
        NoCompilerError: if nothing was made before and there is no compiler.
        MsfError: if the compiler fails, or the file is damaged.
    """
    made = recipe.file
    if not made.exists():
        _compile(recipe, made)
    try:
        return ctypes.CDLL(str(made), mode=ctypes.RTLD_GLOBAL)
    except OSError as error:
        raise MsfError(f"{made} cannot be loaded: {error}; delete it, and it is made again.") from None


def _compile(recipe: Recipe, made: Path) -> None:
    flags = [*FLAGS, *(f"-I{directory}" for directory in recipe.include)]
    libraries = [f"-l{library}" for library in recipe.libraries]
    with tempfile.TemporaryDirectory(dir=made.parent, prefix=".") as directory:
        new = Path(directory) / made.name
        command = [*compiler(), *flags, "-o", str(new), *map(str, recipe.sources), *libraries]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)  # noqa: S603 - the user's own
        except (OSError, subprocess.TimeoutExpired) as error:
            raise MsfError(f"the C compiler {command[0]} cannot be run: {error}.") from None
        if done.returncode != 0 or not new.exists():
            lines = [line.strip() for line in (done.stderr or done.stdout).splitlines()]
            why = next((line for line in lines if "error" in line), lines[-1] if lines else "it does not say why")
            raise MsfError(f"{command[0]} cannot compile the {recipe.name} of tflm-msf: {why.rstrip('.')}.")
        new.replace(made)
    _forget_old(made)


@cache
def cache_directory() -> Path:
    """Where compiled files are kept: what :data:`CACHE_VARIABLE` says, or a directory of the user's.

    If neither can be written, it is one that is gone when the program ends.
    """
    for directory in (os.environ.get(CACHE_VARIABLE), _users_cache()):
        if not directory:
            continue
        try:
            Path(directory).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(directory, os.W_OK):
            return Path(directory)
    temporary = tempfile.mkdtemp(prefix="tflm-msf-")
    atexit.register(shutil.rmtree, temporary, ignore_errors=True)
    return Path(temporary)


def _users_cache() -> str | None:
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
    elif sys.platform == "darwin":
        base = str(Path("~/Library/Caches").expanduser())
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    return str(Path(base) / "tflm-msf") if base and Path(base).is_absolute() else None


def _forget_old(made: Path) -> None:
    """Keeps the newest few of those that have the same name but for the hash."""
    same = sorted(made.parent.glob(f"{made.name.rpartition('-')[0]}-*"), key=lambda path: path.stat().st_mtime)
    for path in same[:-_KEPT]:
        path.unlink(missing_ok=True)
