"""Boards as data: one TOML file each, see :class:`Board` for what they say."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from tflm_msf.arena import Target, find_target
from tflm_msf.errors import MsfError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_TIMED_AS = {
    "cortex-m0plus": "m0plus",
    "cortex-m4": "m4",
    "cortex-m7": "m4",
    "cortex-m33": "m33",
    "cortex-m55": "m55",
    "rv32imc": "rv32",
    "rv32imac": "rv32",
    "xtensa-lx6": "lx106",
    "xtensa-lx7": "lx106",
}


@dataclass(frozen=True)
class PlatformIo:
    """Where a board is found in PlatformIO: its platform, its id there, and a framework that it has."""

    platform: str
    board: str
    framework: str


@dataclass(frozen=True)
class SlowMemory:
    """PSRAM or SDRAM: bytes, and millions of bytes a second that an inference can count on."""

    size: int
    speed: float


@dataclass(frozen=True)
class Board:
    """A board and what it leaves to an application. Sizes in bytes.

    ``ram`` is the largest piece of RAM that a program can have as one static array, ``flash`` what a program can
    occupy. Both are facts; each file says where they come from. ``reserved_ram`` and ``reserved_flash`` are estimates
    of what the core, an RTOS and the stack typically take of them. ``timed_as`` names the core of the time model that
    comes closest, if any does. ``tflm`` names the library that brings TFLM to the board in PlatformIO; it is empty
    where none says that it is for its chip. ``target`` is that library's build of TFLM, or upstream's: what limits on
    the board are counted by, whatever is made for it, unless exported C is asked for. ``psram``: a slow
    memory beside the RAM, None where there is none.
    """

    name: str
    title: str
    mcu: str
    core: str
    timed_as: str
    flags: tuple[str, ...]
    target: Target
    ram: int
    reserved_ram: int
    flash: int
    reserved_flash: int
    tflm: str
    platformio: PlatformIo
    psram: SlowMemory | None = None

    @property
    def esp_chip(self) -> str:
        """The chip as Espressif's tools name it; empty for other makers' chips."""
        return self.mcu.lower().replace("-", "") if self.mcu.startswith("ESP32") else ""

    @property
    def usable_ram(self) -> int:
        """Bytes that an arena can have."""
        return self.ram - self.reserved_ram

    @property
    def usable_flash(self) -> int:
        """Bytes that model, kernels and the application can have."""
        return self.flash - self.reserved_flash


@cache
def load_boards() -> tuple[Board, ...]:
    """All boards, by name."""
    files = resources.files(__name__).iterdir()
    texts = {file.name.removesuffix(".toml"): file.read_text("utf-8") for file in files if file.name.endswith(".toml")}
    return tuple(_board(name, tomllib.loads(texts[name])) for name in sorted(texts))


def find_board(name: str) -> Board:
    """The board of a name, in which case, ``-`` and ``_`` make no difference.

    Raises :class:`MsfError` if there is none; the message lists names that are close.
    """
    boards = {_simplified(board.name): board for board in load_boards()}
    found = boards.get(_simplified(name))
    if found is not None:
        return found
    close = difflib.get_close_matches(_simplified(name), boards, n=3, cutoff=0.5)
    if close:
        raise MsfError(f"there is no board '{name}'; did you mean {' or '.join(boards[key].name for key in close)}?")
    raise MsfError(f"there is no board '{name}'; `tflm-msf boards` lists those that are known.")


def _simplified(name: str) -> str:
    return name.lower().replace("_", "-")


def _board(name: str, values: Mapping[str, Any]) -> Board:
    return Board(
        name=name,
        title=values["title"],
        mcu=values["mcu"],
        core=values["core"],
        timed_as=_TIMED_AS.get(values["core"], ""),
        flags=tuple(values["flags"].split()),
        target=find_target(values["target"]),
        ram=values["ram"],
        reserved_ram=values["reserved_ram"],
        flash=values["flash"],
        reserved_flash=values["reserved_flash"],
        tflm=values["tflm"],
        platformio=PlatformIo(**values["platformio"]),
        psram=SlowMemory(**values["psram"]) if "psram" in values else None,
    )
