"""Programs put together by hand, from SPEC.md alone: what the encoder does not make, the kernels take nevertheless."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, replace

from tflm_msf import format as fmt
from tflm_msf.format import NO_OPERAND, NONE, VERSION, limits

WHOLE, RING, CHUNK, KEPT, HISTORY = range(5)
ROWS, REDUCE, SOURCE_ROWS = range(3)
SOURCE, CONV_2D, DEPTHWISE_CONV_2D, ADD, MUL, AVERAGE_POOL_2D = range(6)
MAX_POOL_2D, TABLE, PAD, GLOBAL_POOL, FULLY_CONNECTED, SUB = range(6, 12)
MAXIMUM, MINIMUM, PRELU, SOFTMAX, CONCATENATION, SLICE, SPACE_TO_DEPTH, DEPTH_TO_SPACE = range(12, 20)
RESIZE_NEAREST_NEIGHBOR, RESIZE_BILINEAR, TRANSPOSE_CONV = range(20, 23)
PROGRESS = limits.PROGRESS_BYTES

NEGATED = bytes(-max(value, -127) & 255 for value in range(-128, 128))
"""The table of a TABLE stage that negates."""

STREAMED = 1
UNIFORM = 1
FILLED = 1


@dataclass(frozen=True)
class Tensor:
    h: int
    w: int
    c: int
    operand: int
    producer: int = NONE
    kind: int = WHOLE
    offset: int = 0
    kept: int = 0
    """Pixels; 0 for all."""
    type: int = 0
    flags: int = 0
    shows: int = NONE
    start: int = 0
    place: int = 0
    history: int = 0

    def record(self) -> fmt.Tensor:
        return fmt.Tensor(
            h=self.h & 0xFFFF,
            w=self.w,
            c=self.c,
            producer=self.producer,
            operand=self.operand,
            kind=self.kind,
            h_high=self.h >> 16,
            offset=self.offset,
            pixels=self.kept or self.h * self.w,
            type=self.type,
            flags=self.flags,
            shows=self.shows,
            start=self.start,
            place=self.place,
            history=self.history,
        )


@dataclass(frozen=True)
class Stage:
    op: int
    inputs: tuple[int, ...]
    out: int
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    pad: tuple[int, int] = (0, 0)
    layout: int = 0
    flags: int = 0
    weights: int = 0
    bias: int = 0
    multipliers: int = 0
    shifts: int = 0
    accumulators: int = 0
    args: tuple[int, ...] = ()
    third: int = NONE
    third_zero: int = 0
    reserved: int = 0
    scratch: int = 0
    scratch_size: int = 0

    def record(self) -> fmt.Stage:
        first, second = (*self.inputs, NONE, NONE)[:2]
        return fmt.Stage(
            self.op,
            self.layout,
            inputs=(first, second),
            out=self.out,
            kernel_h=self.kernel[0],
            kernel_w=self.kernel[1],
            stride_h=self.stride[0],
            stride_w=self.stride[1],
            dilation_h=self.dilation[0],
            dilation_w=self.dilation[1],
            pad_top=self.pad[0],
            pad_left=self.pad[1],
            flags=self.flags,
            weights=self.weights,
            bias=self.bias,
            multipliers=self.multipliers,
            shifts=self.shifts,
            accumulators=self.accumulators,
            args=(*self.args, *[0] * 6)[:6],
            third=self.third,
            third_zero=self.third_zero,
            reserved=self.reserved,
            scratch=self.scratch,
            scratch_size=self.scratch_size,
        )


@dataclass(frozen=True)
class Group:
    first_stage: int
    stage_count: int = 1
    chunk: int = 4
    kind: int = ROWS
    more: tuple[int, int] = (0, 0)

    def record(self) -> fmt.Group:
        return fmt.Group(self.first_stage, self.stage_count, self.chunk, self.kind, self.more)


@dataclass(frozen=True)
class Handmade:
    """A program before it is packed, its params, and the bytes of each operand."""

    tensors: tuple[Tensor, ...]
    stages: tuple[Stage, ...]
    groups: tuple[Group, ...]
    sizes: tuple[int, ...]
    params: bytes = NEGATED
    params_operand: int = 1
    tile: tuple[int, int] = (NONE, NONE)
    overlap: tuple[int, int, int] = (NONE, NONE, 0)
    flags: int = 0
    version: int = VERSION
    column_bits: int = limits.COLUMN_BITS
    reserved: int = 0
    order: int = 0
    overlaps: int = 0
    fast: tuple[tuple[int, fmt.Fast], ...] = ()
    fast_size: int | None = None
    has_state: bool = False

    @property
    def state_operand(self) -> int:
        """The last operand, where there is a state; the workspace is the one before, or the last."""
        return len(self.sizes) - 1 if self.has_state else NO_OPERAND

    @property
    def workspace_operand(self) -> int:
        return len(self.sizes) - 1 - self.has_state

    @property
    def end_of_fast(self) -> int:
        return max((place.offset + place.size for _, place in self.fast), default=0)

    def pack(self) -> bytes:
        """The program."""
        overlap_input, overlap_output, distance = self.overlap
        header = fmt.Header(
            version=self.version,
            operand_count=len(self.sizes),
            input_count=self.params_operand + 1,
            params_operand=self.params_operand,
            workspace_operand=self.workspace_operand,
            tile_h=self.tile[0],
            tile_w=self.tile[1],
            workspace_size=self.sizes[self.workspace_operand],
            params_size=len(self.params),
            overlap_input=overlap_input,
            overlap_output=overlap_output,
            overlap_distance=distance,
            flags=self.flags,
            reserved=self.reserved,
            order=self.order,
            column_bits=self.column_bits,
            state_operand=self.state_operand,
            overlaps=self.overlaps,
            state_size=self.sizes[-1] if self.has_state else 0,
            fast_size=self.end_of_fast if self.fast_size is None else self.fast_size,
            fast_operands=sum(1 << operand for operand, _ in self.fast),
        )
        tables = (self.tensors, self.stages, self.groups)
        tensors, stages, groups = (tuple(made.record() for made in table) for table in tables)
        fast = tuple(place for _, place in self.fast)
        return fmt.Program(header, tensors, stages, groups, fast).pack()  # type: ignore[arg-type]


def negate(h: int = 2, w: int = 3, c: int = 2) -> Handmade:
    """One TABLE stage. Operands: input, params (the table), output, workspace."""
    return Handmade(
        tensors=(Tensor(h, w, c, operand=0), Tensor(h, w, c, operand=2, producer=0)),
        stages=(Stage(TABLE, (0,), 1),),
        groups=(Group(0),),
        sizes=(h * w * c, 256, h * w * c, PROGRESS),
    )


def negate_twice(h: int = 4, w: int = 5, c: int = 2, ring: int = 3) -> Handmade:
    """Two groups of a TABLE stage each, with a ring of ``ring`` pixels between them."""
    return replace(
        negate(h, w, c),
        tensors=(
            Tensor(h, w, c, operand=0),
            Tensor(h, w, c, operand=3, producer=0, kind=RING, offset=2 * PROGRESS, kept=ring),
            Tensor(h, w, c, operand=2, producer=1),
        ),
        stages=(Stage(TABLE, (0,), 1), Stage(TABLE, (1,), 2)),
        groups=(Group(0), Group(1)),
        sizes=(h * w * c, 256, h * w * c, 2 * PROGRESS + ring * c),
    )


def padded_ring() -> Handmade:
    """A map of 4x3x2 negated, then padded to 8x5; and a tensor that its group does not make, for nobody."""
    return replace(
        negate_twice(4, 3),
        tensors=(
            Tensor(4, 3, 2, operand=0),
            Tensor(4, 3, 2, operand=3, producer=0, kind=RING, offset=2 * PROGRESS, kept=3),
            Tensor(8, 5, 2, operand=2, producer=1),
            Tensor(6, 3, 2, operand=3, producer=0, kind=RING, offset=2 * PROGRESS, kept=3),
        ),
        stages=(Stage(TABLE, (0,), 1), Stage(PAD, (1,), 2, pad=(1, 2))),
        sizes=(24, 256, 80, 38),
    )


def dense_on_ring() -> Handmade:
    """A map of 4x5x2 negated into a ring of three pixels at the workspace's end, then multiplied by 2x40 weights."""
    dense = Stage(FULLY_CONNECTED, (1,), 2, flags=UNIFORM, weights=256, bias=336, multipliers=344, shifts=348)
    return Handmade(
        tensors=(
            Tensor(4, 5, 2, operand=0),
            Tensor(4, 5, 2, operand=3, producer=0, kind=RING, offset=40, kept=3),
            Tensor(1, 1, 2, operand=2, producer=1),
        ),
        stages=(Stage(TABLE, (0,), 1), replace(dense, accumulators=32)),
        groups=(Group(0), Group(1, kind=REDUCE)),
        sizes=(40, 349, 2, 46),
        params=NEGATED + bytes(range(80)) + struct.pack("<3ib", 7, 1 << 30, 1 << 29, -4),
    )


def overlapping() -> Handmade:
    """A map of 6x6x1 times 64, plus 100, over 2^6; the input may lie four bytes behind the output, over its end."""
    return Handmade(
        tensors=(Tensor(6, 6, 1, operand=0), Tensor(6, 6, 1, operand=2, producer=0)),
        stages=(Stage(CONV_2D, (0,), 1, flags=UNIFORM, weights=1, bias=4, multipliers=8, shifts=0),),
        groups=(Group(0),),
        sizes=(36, 12, 36, PROGRESS),
        params=struct.pack("<bbxxii", -5, 64, 100, 1 << 30),
        overlap=(0, 2, 4),
    )


def pools_on_input() -> Handmade:
    """Both kinds of pool, with padding, on an input of 5x4x3: means of 3x3 pixels in the first output, then maxima."""
    return Handmade(
        tensors=(
            Tensor(5, 4, 3, operand=0),
            Tensor(3, 4, 3, operand=2, producer=0),
            Tensor(3, 4, 3, operand=3, producer=1),
        ),
        stages=(
            Stage(AVERAGE_POOL_2D, (0,), 1, kernel=(3, 3), stride=(2, 1), pad=(2, 1)),
            Stage(MAX_POOL_2D, (0,), 2, kernel=(3, 3), stride=(2, 1), pad=(2, 1)),
        ),
        groups=(Group(0), Group(1, chunk=1)),
        sizes=(60, 256, 36, 36, 32),
    )


def activations() -> Handmade:
    """A map of 3x4x3, limited by a pixel and by itself, sloped below 0, padded to 4x5x5, and its SOFTMAX.

    Chunks of two pixels lead from stage to stage in each of the two groups, a ring of four pixels between these.
    """
    table = b"".join(struct.pack("<i", int(math.exp((i - 255) / 16) * 0x7FFFFFFF)) for i in range(256))
    chunk = Tensor(3, 4, 3, operand=3, producer=0, kind=CHUNK, offset=32, kept=2)
    return Handmade(
        tensors=(
            Tensor(3, 4, 3, operand=0),
            Tensor(1, 1, 3, operand=1),
            chunk,
            replace(chunk, offset=38),
            Tensor(3, 4, 3, operand=3, producer=0, kind=RING, offset=44, kept=4),
            Tensor(4, 5, 5, operand=3, producer=1, kind=CHUNK, offset=56, kept=2),
            Tensor(4, 5, 5, operand=2, producer=1),
        ),
        stages=(
            Stage(MAXIMUM, (0, 1), 2),
            Stage(MINIMUM, (2, 0), 3),
            Stage(PRELU, (3, 1), 4, args=(1 << 30, 1, 1 << 30, -3)),
            Stage(PAD, (4,), 5, pad=(1, 0), args=(1,)),
            Stage(SOFTMAX, (5,), 6, weights=4),
        ),
        groups=(Group(0, 3, 2), Group(3, 2, 2)),
        sizes=(36, 4 + 1024, 100, 66),
        params=bytes([0, 20, 256 - 90, 0]) + table,
    )


def softmax_over_its_input() -> Handmade:
    """SOFTMAX of 4x6x5 from a chunk into one that begins a byte later: values are overwritten before they are read.

    What comes out is of no use; but no value may lead outside the table of exponentials, which is the last of params.
    """
    chunk = Tensor(4, 6, 5, operand=3, producer=0, kind=CHUNK, offset=PROGRESS, kept=4)
    return Handmade(
        tensors=(
            Tensor(4, 6, 5, operand=0),
            chunk,
            replace(chunk, offset=PROGRESS + 1),
            Tensor(4, 6, 5, operand=2, producer=0),
        ),
        stages=(Stage(TABLE, (0,), 1), Stage(SOFTMAX, (1,), 2, weights=256), Stage(TABLE, (2,), 3)),
        groups=(Group(0, 3),),
        sizes=(120, 256 + 1024, 120, PROGRESS + 21),
        params=NEGATED + struct.pack("<256i", *(int(math.exp((i - 255) / 2) * 0x7FFFFFFF) for i in range(256))),
    )


def moves() -> Handmade:
    """Of a map of 6x8x2, each 2x2 pixels as one, and behind it the second channel of the pixel at their lower left."""
    return Handmade(
        tensors=(
            Tensor(6, 8, 2, operand=0),
            Tensor(3, 4, 8, operand=3, producer=0, kind=RING, offset=32, kept=4),
            Tensor(3, 4, 1, operand=3, producer=1, kind=CHUNK, offset=64, kept=4),
            Tensor(3, 4, 9, operand=2, producer=1),
        ),
        stages=(
            Stage(SPACE_TO_DEPTH, (0,), 1, kernel=(2, 2), stride=(2, 2)),
            Stage(SLICE, (0,), 2, stride=(2, 2), pad=(-1, 0), args=(1,)),
            Stage(CONCATENATION, (1, 2), 3),
        ),
        groups=(Group(0, 1, 3), Group(1, 2)),
        sizes=(96, 256, 108, 68),
    )


def two_outputs() -> Handmade:
    """A block of three outputs: the input negated, the means of that, and the maxima of its windows in tiles of 2x2."""
    return Handmade(
        tensors=(
            Tensor(6, 5, 2, operand=0),
            Tensor(6, 5, 2, operand=2, producer=0),
            Tensor(1, 1, 2, operand=5, producer=1, kind=RING, offset=64),
            Tensor(1, 1, 2, operand=3, producer=2),
            Tensor(3, 3, 2, operand=4, producer=3),
        ),
        stages=(
            Stage(TABLE, (0,), 1),
            Stage(GLOBAL_POOL, (1,), 2, accumulators=80),
            Stage(TABLE, (2,), 3),
            Stage(MAX_POOL_2D, (1,), 4, kernel=(3, 3), stride=(2, 2), pad=(1, 1)),
        ),
        groups=(Group(0), Group(1, kind=REDUCE), Group(2, chunk=1), Group(3, chunk=2)),
        sizes=(60, 256, 60, 2, 18, 88),
        tile=(2, 2),
    )


def tall_outputs(h: int = 65534) -> Handmade:
    """Two outputs of ``h`` rows of one value."""
    return Handmade(
        tensors=(
            Tensor(h, 1, 1, operand=0),
            Tensor(h, 1, 1, operand=2, producer=0),
            Tensor(h, 1, 1, operand=3, producer=1),
        ),
        stages=(Stage(TABLE, (0,), 1), Stage(TABLE, (1,), 2)),
        groups=(Group(0), Group(1)),
        sizes=(h, 256, h, h, 2 * PROGRESS),
    )


def kept(ring: int = 12) -> Handmade:
    """Two rows of 3x2 negated and added to a ring, and the maxima of four rows of it; three rows are kept.

    Operands: input, params (the table, then what the ring starts as), output, workspace, state.
    """
    state = Tensor(2, 3, 2, operand=4, producer=0, kind=KEPT, offset=8, kept=ring, start=256, place=4, history=3)
    return Handmade(
        tensors=(
            Tensor(2, 3, 2, operand=0),
            state,
            replace(state, h=5, kind=HISTORY, shows=1, start=0, place=0),
            Tensor(2, 3, 2, operand=2, producer=1),
        ),
        stages=(Stage(TABLE, (0,), 1), Stage(MAX_POOL_2D, (2,), 3, kernel=(4, 1))),
        groups=(Group(0), Group(1)),
        sizes=(12, 256 + 2 * ring, 12, 2 * PROGRESS, 8 + 2 * ring),
        params=NEGATED + bytes(i * 37 % 256 for i in range(2 * ring)),
        has_state=True,
    )


def kept_filled() -> Handmade:
    """As :func:`kept`, with a ring that starts as the table's last byte; and with it a part that nobody asks for."""
    made = kept()
    tensors = tuple(replace(t, flags=FILLED, start=255) if t.kind == KEPT else t for t in made.tensors)
    return replace(
        made,
        tensors=(*tensors[:3], Tensor(1, 3, 2, operand=2, producer=1)),
        sizes=(12, 256, 6, 2 * PROGRESS, 32),
        params=NEGATED,
    )


def tall_map(h: int, w: int) -> Handmade:
    """A map of ``h`` rows negated twice, with a ring of three pixels in between."""
    return negate_twice(h, w, 1)


def kept_stream() -> Handmade:
    """As :func:`kept`, with rows from the row source. Operands: params, output, workspace, state."""
    made = kept()
    state = replace(made.tensors[1], operand=3, producer=1)
    return replace(
        made,
        tensors=(
            Tensor(2, 3, 2, operand=2, producer=0, kind=RING, offset=3 * PROGRESS, kept=6),
            state,
            replace(made.tensors[2], operand=3, producer=1),
            Tensor(2, 3, 2, operand=1, producer=2),
        ),
        stages=(Stage(SOURCE, (), 0), Stage(TABLE, (0,), 1), Stage(MAX_POOL_2D, (2,), 3, kernel=(4, 1))),
        groups=(Group(0, kind=SOURCE_ROWS), Group(1), Group(2)),
        sizes=(256 + 24, 12, 3 * PROGRESS + 12, 32),
        params_operand=0,
        flags=STREAMED,
    )


def streamed() -> Handmade:
    """Rows of 4x2 from the row source into a ring of two rows, negated. Operands: params, output, workspace."""
    return Handmade(
        tensors=(
            Tensor(3, 4, 2, operand=2, producer=0, kind=RING, offset=2 * PROGRESS, kept=8),
            Tensor(3, 4, 2, operand=1, producer=1),
        ),
        stages=(Stage(SOURCE, (), 0), Stage(TABLE, (0,), 1)),
        groups=(Group(0, kind=SOURCE_ROWS), Group(1)),
        sizes=(256, 24, 48),
        params_operand=0,
        flags=STREAMED,
    )


def rescanned() -> Handmade:
    """As :func:`streamed`, in two strips, for each of which the rows are fetched."""
    made = streamed()
    return replace(made, stages=(Stage(SOURCE, (), 0, args=(0, 2)), made.stages[1]), tile=(NONE, 2))


def pixels(layout: int = 1) -> Handmade:
    """As :func:`streamed`, with rows of 4 pixels of 3 bytes each in one of the formats 1 to 3, and all bits flipped."""
    return replace(
        streamed(),
        tensors=(
            Tensor(3, 4, 3, operand=2, producer=0, kind=RING, offset=2 * PROGRESS, kept=8),
            Tensor(3, 4, 3, operand=1, producer=1),
        ),
        stages=(Stage(SOURCE, (), 0, weights=256, args=(layout,)), Stage(TABLE, (0,), 1)),
        sizes=(512, 36, 56),
        params=bytes(i ^ 0x80 for i in range(256)) + bytes(255 - i for i in range(256)),
    )


def rgb565() -> Handmade:
    """Rows of 16 bits a pixel, the high byte first."""
    return pixels(2)


ALL = (
    negate,
    negate_twice,
    padded_ring,
    dense_on_ring,
    overlapping,
    pools_on_input,
    activations,
    softmax_over_its_input,
    moves,
    two_outputs,
    streamed,
    rescanned,
    pixels,
    rgb565,
    kept,
    kept_filled,
)
"""Those that are small enough for fuzzing."""
