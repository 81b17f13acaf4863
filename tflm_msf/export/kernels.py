"""The kernels' sources, wherever this installation has them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from tflm_msf.compiled import library_directory

LICENCE = "LICENSE"
_SOURCES = "src/"
_NAMES = (LICENCE, "Kconfig")
_TEXTS = (".c", ".cpp", ".h", ".json", ".properties", ".py", ".txt", ".yml")


def library_files() -> Mapping[str, str]:
    """The library tflm_msf for the Arduino IDE, PlatformIO, ESP-IDF and Zephyr: its manifests, and all in ``src/``.

    Raises :class:`MsfError` if the installation lacks them.
    """
    directory = library_directory()
    places = [directory.glob("*"), (directory / "src").rglob("*"), (directory / "zephyr").glob("*")]
    paths = sorted(path for place in places for path in place if path.suffix in _TEXTS or path.name in _NAMES)
    return {path.relative_to(directory).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def kernel_sources() -> Mapping[str, str]:
    """The kernels' .c and .h files by their path from one another, without the adapter for TFLM.

    An exported model needs all of them, and the top directory as include path.

    Raises :class:`MsfError` if the installation lacks them.
    """
    return {
        path.removeprefix(_SOURCES): text
        for path, text in library_files().items()
        if path.startswith(_SOURCES) and PurePosixPath(path).match("msf*.[ch]")
    }
