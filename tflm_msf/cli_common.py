"""What the commands share: options, files, and printing."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from tflm_msf.boards import find_board
from tflm_msf.choice import DEFAULT_CORE, Limits
from tflm_msf.errors import MsfError
from tflm_msf.fusion.presets import Preset
from tflm_msf.fusion.time_model import load_costs
from tflm_msf.graph.pixels import PixelFormat
from tflm_msf.program.layout import Weights
from tflm_msf.sizes import parse_size

MODEL = click.Path(path_type=Path)


class Size(click.ParamType[int]):
    """Bytes, written as people write them."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Bytes of ``value``."""
        if isinstance(value, int):
            return value
        try:
            return parse_size(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


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


def print_json(value: Any) -> None:
    """A report for scripts, on stdout."""
    click.echo(json.dumps(value, indent=2))


def busy(text: str) -> Any:
    """A sign of life on a terminal, for a ``with`` block that may take a while."""
    console = Console(stderr=True)
    return console.status(text) if console.is_terminal else nullcontext()


ram_limit = click.option("--ram-limit", type=Size(), help="Arena in bytes that must suffice: 65536, 64KiB, 64kB.")
max_overhead = click.option(
    "--max-overhead", type=click.FloatRange(min=1.0), help="MAC overhead factor F that may not be exceeded."
)
max_slowdown = click.option(
    "--max-slowdown",
    type=click.FloatRange(min=1.0),
    help="Estimated time that may not be exceeded, as a multiple of the fastest plan's.",
)
core = click.option(
    "--core",
    type=click.Choice(list(load_costs())),
    help=f"Core whose time is estimated. [default: the board's, else {DEFAULT_CORE}]",
)
board = click.option(
    "--board", help="A board that `tflm-msf boards` lists: what it leaves to an application is the limit."
)
stream_input = click.option(
    "--stream-input",
    is_flag=True,
    help="Get the input row by row from a callback (a camera, say): it takes no arena any more.",
)
pixel_format = click.option(
    "--pixel-format",
    type=click.Choice([kind.label for kind in PixelFormat if kind is not PixelFormat.MODEL]),
    help="What the rows of a streamed input hold: bytes 0 to 255, or 16 bits a pixel as camera modules send them (-le: "
    "the low byte first). They are quantised on the way in. [default: the values of the model's input]",
)
pixel_range = click.option(
    "--pixel-range",
    type=(float, float),
    metavar="LOW HIGH",
    help="The real numbers that 0 and 255 stand for, as in training: 0 1 after a division by 255, say. [default: all "
    "that the input can hold, so that an int8 input is the pixel less 128]",
)
int8_io = click.option(
    "--int8-io",
    is_flag=True,
    help="Change float inputs and outputs to the int8 values that they are turned into and made from.",
)
preset = click.option(
    "--preset",
    type=click.Choice([preset.value for preset in Preset]),
    default=Preset.FULL.value,
    show_default=True,
    help="Search only the schedules of an earlier method (see `compare`).",
)
weights = click.option(
    "--weights",
    type=click.Choice([weights.value for weights in Weights]),
    default=Weights.BLOCKED.value,
    show_default=True,
    help="How weights of convolutions are laid out: in blocks for the kernels' own inner loops, or plain, for kernels "
    "that are compiled with CMSIS-NN or ESP-NN. All kernels run both.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts instead of tables.")


def limits(
    board: str | None,
    ram_limit: int | None,
    max_overhead: float | None,
    max_slowdown: float | None = None,
    core: str | None = None,
) -> Limits:
    """What a plan may take, on a board if one is named.

    Raises :class:`MsfError` for an unknown board, a limit above what the board has, or a time limit on a board whose
    core nobody measured.
    """
    if board is None:
        return Limits(ram_limit, max_overhead, max_slowdown, core or DEFAULT_CORE)
    found = find_board(board)
    if ram_limit is not None and ram_limit > found.usable_ram:
        raise MsfError(
            f"{found.name} leaves {found.usable_ram:,} bytes of RAM to an application, less than the limit of "
            f"{ram_limit:,}; lower --ram-limit or choose another board."
        )
    if max_slowdown is not None and core is None and not found.timed_as:
        raise MsfError(
            f"--max-slowdown does not know the {found.core} of {found.name}; name a core that is like it with --core "
            f"({', '.join(load_costs())})."
        )
    ram = found.usable_ram if ram_limit is None else ram_limit
    return Limits(ram, max_overhead, max_slowdown, core or found.timed_as or DEFAULT_CORE, found.target)
