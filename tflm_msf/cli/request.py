"""The options that say what is to be made of a model, and the one :class:`Request` that they become."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from tflm_msf.arena import find_target
from tflm_msf.boards import find_board
from tflm_msf.camera import Camera, CameraFormat, Fit, Resize
from tflm_msf.cost.time_model import load_costs
from tflm_msf.errors import MsfError
from tflm_msf.graph.pixels import PixelFormat, make_pixels
from tflm_msf.ops.stage import ANY_NUMBER
from tflm_msf.program.layout import Weights
from tflm_msf.request import DEFAULT_CORE, DEFAULT_TIME_LIMIT, LEAST_HOP, Limits, Request
from tflm_msf.search.presets import Preset
from tflm_msf.sizes import parse_size

Command = TypeVar("Command", bound=Callable[..., Any])


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


class Hop(click.ParamType[int]):
    """New rows of a step, or the fewest that can be."""

    name = "rows"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number of rows."""
        if value == "least":
            return LEAST_HOP
        if isinstance(value, int) or (str(value).isdecimal() and int(value) > 0):
            return int(value)
        why = f"'{value}' is no number of rows: write --stateful=1, or put --stateful behind the model."
        return self.fail(why, param, ctx)


_OPTIONS: Mapping[str, Callable[[Command], Command]] = {
    "ram_limit": click.option("--ram-limit", type=Size(), help="Arena in bytes that must suffice: 65536, 64KiB, 64kB."),
    "fast_ram": click.option(
        "--fast-ram",
        type=Size(),
        metavar="SIZE",
        help="Plan for two memories: SIZE bytes of fast RAM for workspaces and tensors, and the arena in a slow one "
        "(PSRAM, SDRAM), of which as few bytes as can be are read and written.",
    ),
    "max_overhead": click.option(
        "--max-overhead", type=click.FloatRange(min=1.0), help="MAC overhead factor F that may not be exceeded."
    ),
    "max_slowdown": click.option(
        "--max-slowdown",
        type=click.FloatRange(min=1.0),
        help="Estimated time that may not be exceeded, as a multiple of the fastest plan's.",
    ),
    "core": click.option(
        "--core",
        type=click.Choice(list(load_costs())),
        help=f"Core whose time is estimated. [default: the board's, else {DEFAULT_CORE}]",
    ),
    "board": click.option(
        "--board", help="A board that `tflm-msf boards` lists: what it leaves to an application is the limit."
    ),
    "target": click.option(
        "--target",
        help="What runs the model, and so what limits and figures count: a build of TFLM, arm-static-2024 or "
        "arm-dynamic-2023, say, or c (docs/TARGETS.md lists them and whose they are). [default: the board's; without "
        "one, limits hold for every build]",
    ),
    "stream_input": click.option(
        "--stream-input",
        is_flag=True,
        help="Get the input row by row from a callback (a camera, say): it takes no arena any more.",
    ),
    "rescan": click.option(
        "--rescan",
        is_flag=True,
        help="Rows of a streamed input may be asked for several times an inference (they lie in PSRAM or flash, say): "
        "wide maps are then made strip by strip, in less arena.",
    ),
    "max_rescan": click.option(
        "--max-rescan",
        type=click.IntRange(1, ANY_NUMBER),
        metavar="TIMES",
        help="As --rescan, but no row more often than so many times.",
    ),
    "pixel_format": click.option(
        "--pixel-format",
        type=click.Choice([kind.label for kind in PixelFormat if kind is not PixelFormat.MODEL]),
        help="What the rows of a streamed input hold: bytes 0 to 255, or 16 bits a pixel as camera modules send them "
        "(-le: the low byte first). They are quantised on the way in. [default: the values of the model's input]",
    ),
    "pixel_range": click.option(
        "--pixel-range",
        type=(float, float),
        metavar="LOW HIGH",
        help="The real numbers that 0 and 255 stand for, as in training: 0 1 after a division by 255, say. [default: "
        "all that the input can hold, so that an int8 input is the pixel less 128]",
    ),
    "stateful": click.option(
        "--stateful",
        type=Hop(),
        is_flag=False,
        flag_value="least",
        metavar="[HOP]",
        help="Make a step model: it takes HOP new rows of the window that MODEL looks at, keeps what it needs of "
        "earlier ones, and answers for the window that ends with them. Without HOP, the fewest rows that suit its "
        "strides.",
    ),
    "int8_io": click.option(
        "--int8-io",
        is_flag=True,
        help="Change float inputs and outputs to the int8 values that they are turned into and made from.",
    ),
    "allow_libm": click.option(
        "--allow-libm",
        is_flag=True,
        help="Make tables of float operators (ELU, EXP, TANH, ...) even where entries hang on how a C library rounds: "
        "such an entry may be one step beside what TFLM gives on the device. `verify` says how many values differ.",
    ),
    "preset": click.option(
        "--preset",
        type=click.Choice([preset.value for preset in Preset]),
        default=Preset.FULL.value,
        show_default=True,
        help="Search only the schedules of an earlier method (see `compare`).",
    ),
    "time_limit": click.option(
        "--time-limit",
        type=click.FloatRange(min=0),
        default=DEFAULT_TIME_LIMIT,
        show_default=True,
        help="Seconds after which the search ends with the best plans that it has found, then not proved.",
    ),
    "weights": click.option(
        "--weights",
        type=click.Choice([weights.value for weights in Weights]),
        default=Weights.PACKED.value,
        show_default=True,
        help="How weights of convolutions are laid out: packed for the kernels' own inner loops, or plain, for "
        "kernels that are compiled with CMSIS-NN or ESP-NN. All kernels run both.",
    ),
}

_FIT, _RESIZE = Fit.CROP.name.lower(), Resize.AREA.name.lower()
"""What becomes of a camera's image if nobody says it."""

CAMERA: Mapping[str, Callable[[Command], Command]] = {
    "camera": click.option(
        "--camera",
        metavar="WIDTHxHEIGHT:FORMAT",
        help="The camera that the rows come from, 320x240:rgb565 say: the network's rows are made of its rows. FORMAT "
        f"is {', '.join(kind.label for kind in CameraFormat)}. Streams the input as bytes, with --pixel-range as the "
        "network was trained.",
    ),
    "fit": click.option(
        "--fit",
        type=click.Choice([fit.name.lower() for fit in Fit]),
        help="With --camera: the largest part in the middle that is shaped as the network's image, or all of the "
        f"camera's. [default: {_FIT}]",
    ),
    "resize": click.option(
        "--resize",
        type=click.Choice([resize.name.lower() for resize in Resize]),
        help="With --camera: a pixel is the mean of what it covers, or lies between the four pixels around its middle. "
        f"[default: {_RESIZE}]",
    ),
}
"""Of commands that see a model run on a camera's frames."""

ENDS = ("stream_input", "rescan", "max_rescan", "pixel_format", "pixel_range", "stateful", "int8_io")
"""What the rewritten model takes and gives."""

EVERYTHING = tuple(_OPTIONS)
"""All that can be asked of a plan, in the order in which `--help` shows it."""


def requested(*names: str) -> Callable[[Command], Callable[..., Any]]:
    """Gives a command the options of these names, and what they say as its argument ``request``.

    Those that a command has not got are at their defaults.
    """

    def decorate(command: Command) -> Callable[..., Any]:
        @functools.wraps(command)
        def call(**values: Any) -> Any:
            said = {name: values.pop(name) for name in names}
            return command(request=make_request(**said), **values)

        decorated: Callable[..., Any] = call
        for name in reversed(names):
            decorated = {**_OPTIONS, **CAMERA}[name](decorated)
        return decorated

    return decorate


def make_request(
    *,
    ram_limit: int | None = None,
    max_overhead: float | None = None,
    max_slowdown: float | None = None,
    core: str | None = None,
    board: str | None = None,
    target: str | None = None,
    stream_input: bool = False,
    rescan: bool = False,
    max_rescan: int | None = None,
    pixel_format: str | None = None,
    pixel_range: tuple[float, float] | None = None,
    stateful: int | None = None,
    int8_io: bool = False,
    allow_libm: bool = False,
    preset: str = Preset.FULL.value,
    weights: str = Weights.PACKED.value,
    time_limit: float = DEFAULT_TIME_LIMIT,
    camera: str | None = None,
    fit: str | None = None,
    resize: str | None = None,
    fast_ram: int | None = None,
) -> Request:
    """From what a user says. Raises :class:`MsfError` for what contradicts itself, and for unknown names."""
    found = None if camera is None else Camera.parse(camera, fit or _FIT, resize or _RESIZE)
    if found is None and (fit, resize) != (None, None):
        raise MsfError("--fit and --resize say what becomes of a camera's image: add --camera.")
    if found is not None and pixel_format not in (None, PixelFormat.UINT8.label):
        raise MsfError("a camera's rows become bytes before the network gets them: leave --pixel-format out.")
    return Request(
        stream_input=stream_input or found is not None,
        pixels=make_pixels(PixelFormat.UINT8.label if found else pixel_format, pixel_range),
        most_fetches=max_rescan or (ANY_NUMBER if rescan else 1),
        camera=found,
        stateful=stateful,
        int8_io=int8_io,
        allow_libm=allow_libm,
        preset=Preset(preset),
        weights=Weights(weights),
        limits=Limits(ram_limit, max_overhead, max_slowdown, core),
        board=None if board is None else find_board(board),
        time_limit=time_limit,
        fast_ram=fast_ram,
        target=None if target is None else find_target(target),
    )
