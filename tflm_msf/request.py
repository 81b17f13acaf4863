"""What a user asks to be made of a model: one value that every command builds and every step is handed whole."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tflm_msf.arena import ANY_TFLM, MCU32, WHEEL64, Target
from tflm_msf.boards import Board
from tflm_msf.camera import Camera
from tflm_msf.cost.time_model import load_costs
from tflm_msf.errors import MsfError
from tflm_msf.graph.pixels import AS_THE_MODEL, PixelFormat, Pixels
from tflm_msf.program.layout import Weights
from tflm_msf.search.presets import Preset

DEFAULT_CORE = "m4"
"""Core whose time is estimated if neither a core nor a board is named."""

DEFAULT_TIME_LIMIT = 60.0
"""Seconds for a search."""


LEAST_HOP = 0
"""Asks for a step model that takes as few new rows as suit its strides."""


@dataclass(frozen=True)
class Limits:
    """What a plan may take. None: whatever it takes.

    ``ram`` is in bytes of arena, on the request's targets. ``max_overhead`` is a factor on MACs, ``max_slowdown`` one
    on the estimated time of the fastest plan on ``core`` (None: :data:`DEFAULT_CORE`). With neither of these, the
    overhead has to be 1 unless ``ram`` is given.
    """

    ram: int | None = None
    max_overhead: float | None = None
    max_slowdown: float | None = None
    core: str | None = None

    @property
    def timed_on(self) -> str:
        """The core whose time counts."""
        return self.core or DEFAULT_CORE

    def on(self, board: Board, fast_ram: int | None = None) -> Limits:
        """These limits on a board: no more RAM than it leaves to an application, its core.

        With ``fast_ram`` bytes of fast memory that is RAM, and the limit is on the PSRAM.

        Raises:
            MsfError: for a limit above what the board has, or a limit on time if nobody measured its core.
        """
        most = board.usable_ram if fast_ram is None else _slow_bytes(board, fast_ram)
        if self.ram is not None and self.ram > most:
            raise MsfError(
                f"{board.name} leaves {most:,} bytes of {'RAM' if fast_ram is None else 'PSRAM'} to an application, "
                f"less than the limit of {self.ram:,}; lower --ram-limit or choose another board."
            )
        if self.max_slowdown is not None and self.core is None and not board.timed_as:
            raise MsfError(
                f"--max-slowdown does not know the {board.core} of {board.name}; name a core that is like it with "
                f"--core ({', '.join(load_costs())})."
            )
        ram = most if self.ram is None else self.ram
        return replace(self, ram=ram, core=self.core or board.timed_as or None)


def _slow_bytes(board: Board, fast_ram: int) -> int:
    if board.psram is None:
        raise MsfError(f"{board.name} has one memory only: leave --fast-ram out, or choose a board with PSRAM.")
    if fast_ram > board.usable_ram:
        raise MsfError(
            f"{board.name} leaves {board.usable_ram:,} bytes of RAM to an application, less than the {fast_ram:,} of "
            "--fast-ram."
        )
    return board.psram.size


@dataclass(frozen=True)
class Request:
    """What is to be made of a model; the defaults are those of the command line.

    Attributes:
        stream_input: get the input row by row from the application instead of from a tensor. A float input that is
            only quantised then arrives as int8.
        pixels: what the rows of a streamed input hold.
        most_fetches: how often an inference may fetch each row of a streamed input. More than once, wide maps may be
            made strip by strip.
        camera: what they are made of, for rows of bytes. No plan depends on it.
        stateful: make a step model that takes so many new rows of the window (:data:`LEAST_HOP`: as few as can be).
            None: the model as it is.
        int8_io: let float inputs and outputs that are only quantised and dequantised be int8.
        allow_libm: make tables of float operators even where an entry hangs on how the C library rounds, by one step.
        preset: the schedule space to search.
        weights: how those of convolutions are laid out; no plan depends on it.
        limits: what the plan may take, as the user says it.
        board: where it is to run.
        target: what runs it there. None: the board's build of TFLM, or any.
        time_limit: seconds after which a search ends with the best that it has found.
        fast_ram: bytes of a second, fast memory for workspaces and tensors, while the arena lies in a slow one. None:
            there is one memory.

    Raises:
        MsfError: for wishes that contradict each other.
    """

    stream_input: bool = False
    pixels: Pixels = AS_THE_MODEL
    most_fetches: int = 1
    camera: Camera | None = None
    stateful: int | None = None
    int8_io: bool = False
    allow_libm: bool = False
    preset: Preset = Preset.FULL
    weights: Weights = Weights.PACKED
    limits: Limits = field(default_factory=Limits)
    board: Board | None = None
    target: Target | None = None
    time_limit: float = DEFAULT_TIME_LIMIT
    fast_ram: int | None = None

    def __post_init__(self) -> None:
        if not self.time_limit >= 0:
            raise MsfError(f"a time limit of {self.time_limit:g} seconds cannot be kept: it is a number of at least 0.")
        if self.pixels != AS_THE_MODEL and not self.stream_input:
            raise MsfError("pixels have a format only where rows are streamed: add --stream-input.")
        self._check_fetches()
        if self.camera is not None and (self.pixels.format is not PixelFormat.UINT8 or self.stateful is not None):
            raise MsfError("a camera's rows become the bytes of a whole image: use pixels of uint8, and no step model.")
        if self.limits.max_slowdown is not None and self.weights is Weights.PLAIN:
            raise MsfError(
                "the time of convolutions in CMSIS-NN or ESP-NN is not estimated: leave --max-slowdown out, or choose "
                "--weights packed."
            )

        if self.fast_ram is not None:
            self._check_two_memories()

    def _check_fetches(self) -> None:
        if self.most_fetches < 1:
            raise MsfError(f"rows cannot be fetched {self.most_fetches} times: --max-rescan is at least 1.")
        if self.most_fetches > 1 and not self.stream_input:
            raise MsfError("rows are fetched again only where they are streamed: add --stream-input.")
        if self.most_fetches > 1 and self.camera is not None:
            raise MsfError("a camera's rows are made in order, once: leave --rescan and --max-rescan out.")

    def _check_two_memories(self) -> None:
        if self.fast_ram is not None and self.fast_ram <= 0:
            raise MsfError(f"--fast-ram {self.fast_ram} is no size of a memory: give bytes, 64KiB say.")
        if self.stateful is not None:
            raise MsfError("--fast-ram and --stateful are not planned together: leave one of them out.")
        if self.preset is not Preset.FULL:
            raise MsfError("--fast-ram is planned in the full schedule space: leave --preset out.")
        if self.limits.max_slowdown is not None:
            raise MsfError("--fast-ram and --max-slowdown are not planned together: limit --max-overhead instead.")

    @property
    def named_target(self) -> Target | None:
        """The target that is asked for, by its own name or by its board's."""
        return self.target or (self.board.target if self.board else None)

    @property
    def targets(self) -> tuple[Target, ...]:
        """What limits have to hold for: each of these targets."""
        return (self.named_target,) if self.named_target else ANY_TFLM

    @property
    def shown(self) -> Target:
        """The target of the figures that are shown; if none is named, that of most libraries with static memory."""
        return self.named_target or MCU32

    @property
    def block_bytes(self) -> int:
        """Bytes of tail that one more block is worth; if no target is named, on this computer, where plans are tested.

        On a target that is named, blocks cost less, and more of them may pay.
        """
        return (self.named_target or WHEEL64).block_bytes

    @property
    def limits_there(self) -> Limits:
        """The limits, as the board tightens them. Raises MsfError if it cannot keep them (see :meth:`Limits.on`)."""
        return self.limits if self.board is None else self.limits.on(self.board, self.fast_ram)

    @property
    def timed_on(self) -> str:
        """The core whose time counts, whether there are limits on it or not."""
        return self.limits.core or (self.board.timed_as if self.board else "") or DEFAULT_CORE

    @property
    def is_default(self) -> bool:
        """True if nothing is asked for that a model rewritten without options might not have."""
        return (
            replace(self, limits=replace(self.limits, core=None), target=None, time_limit=DEFAULT_TIME_LIMIT)
            == Request()
        )

    @property
    def is_default_but_for_the_place(self) -> bool:
        """As :attr:`is_default`, wherever the model is to run and whichever camera its rows come from."""
        model = self if self.camera is None else replace(self, camera=None, stream_input=False, pixels=AS_THE_MODEL)
        return replace(model, board=None).is_default
