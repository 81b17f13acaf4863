"""What a model uses of the kernels, as the header that makes them leave the rest out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from tflm_msf.blocks.scratch import MIN_CHANNELS, MIN_PIXELS, ON_THE_STACK
from tflm_msf.format import NONE, Layout, Program, Stage, StageOp, Tensor
from tflm_msf.graph import Model
from tflm_msf.program.decode import is_streamed, programs_of

USED = "msf_used.h"
"""On the include path of the kernels, it stands for the table of all operators, and for all parts (``msf_parts.h``)."""

_IN_TWO_WAYS = (StageOp.CONV_2D, StageOp.DEPTHWISE_CONV_2D)
"""Operators whose plain weights have code of their own, which is left out where no stage needs it."""

_ENLARGING = (
    *(StageOp.DEPTH_TO_SPACE, StageOp.TRANSPOSE_CONV),
    *(StageOp.RESIZE_NEAREST_NEIGHBOR, StageOp.RESIZE_BILINEAR),
)

_INT8 = (-128, 127)

_FOUR = 4
"""Channels that kernels make together; of fewer they make each by itself."""

_WORTH_WIDENING = 0.25
"""Of a model's products: below this, what makes four widened pixels is left out where code is to be small (-Os)."""

_COMMENT = """\
/*
 * Made by tflm-msf: what the model uses of the kernels. The linker drops the rest, where functions have sections of
 * their own (-ffunction-sections -Wl,--gc-sections). Delete this file to have all of it, for other models too.
 */
"""


class _Use(NamedTuple):
    """A stage, with the maps that it reads first and makes."""

    stage: Stage
    first: Tensor | None
    out: Tensor

    @property
    def op(self) -> StageOp:
        return StageOp(self.stage.op)

    @property
    def is_packed_conv(self) -> bool:
        return self.op is StageOp.CONV_2D and self.stage.layout == Layout.PACKED

    @property
    def is_packed_depthwise(self) -> bool:
        return self.op is StageOp.DEPTHWISE_CONV_2D and self.stage.layout == Layout.PACKED

    @property
    def in_channels(self) -> int:
        return self.first.c if self.first else 0


def used_header(model: Model) -> Mapping[str, str]:
    """``msf_used.h`` for a rewritten model: the operators of its stages, and the parts of the kernels that they need.

    Raises:
        MsfError: if the model holds something that is not a program.
    """
    uses = [use for program in programs_of(model) for use in _uses_of(program)]
    plain = {use.op for use in uses if use.stage.layout == Layout.PLAIN}
    entries = [f"  [MSF_OP_{op.name}] = &{_record(op, op in plain)}," for op in sorted({use.op for use in uses})]
    lacks = [f"#define MSF_WITHOUT_{name}" for name in _lacking(model, uses)]
    return {USED: _COMMENT + "\n".join([*lacks, " \\\n".join(["#define MSF_USED_OPERATORS", *entries])]) + "\n"}


def _record(op: StageOp, has_plain: bool) -> str:
    return f"msf_{op.name.lower()}" + ("_packed" if op in _IN_TWO_WAYS and not has_plain else "")


def _uses_of(program: Program) -> Iterator[_Use]:
    for stage in program.stages:
        first = None if stage.inputs[0] == NONE else program.tensors[stage.inputs[0]]
        yield _Use(stage, first, program.tensors[stage.out])


def _lacking(model: Model, uses: list[_Use]) -> Iterator[str]:
    """Parts of the kernels that no program needs; none of this release needs what runs those of version 1."""
    yield "VERSION_1"
    if not any(program.header.state_size for program in programs_of(model)):
        yield "STATES"
    if not is_streamed(model):
        yield "STREAMS"
    if _share_widened(uses) < _WORTH_WIDENING:
        yield "WIDENED_WHERE_SMALL"
    for name, needs in _PARTS.items():
        if not any(map(needs, uses)):
            yield name


def _is_pointwise(use: _Use) -> bool:
    stage, first = use.stage, use.first
    moves = stage.kernel_h, stage.kernel_w, stage.stride_h, stage.stride_w, stage.pad_top, stage.pad_left
    same = first is not None and (first.rows, first.w) == (use.out.rows, use.out.w)
    return moves == (1, 1, 1, 1, 0, 0) and not stage.zoom_h and not stage.zoom_w and same


def _needs_addressed(use: _Use) -> bool:
    return use.is_packed_conv and use.in_channels % 4 == 0 and not _is_pointwise(use)


def _needs_im2col(use: _Use) -> bool:
    return use.is_packed_conv and use.in_channels % 4 != 0


def _needs_columns(use: _Use) -> bool:
    stage = use.stage
    is_three = (stage.kernel_h, stage.kernel_w, stage.dilation_w) == (3, 3, 1)
    return use.is_packed_depthwise and is_three and use.out.c % 4 == 0


def _window(use: _Use) -> int:
    """Bytes of a window, a multiple of 4."""
    return -(-use.stage.kernel_h * use.stage.kernel_w * use.in_channels // 4) * 4


def _can_be_widened(use: _Use, pixels: int) -> bool:
    """Whether Arm cores with DSP instructions have room for so many windows in 16 bits."""
    stack = ON_THE_STACK if _is_pointwise(use) else 0
    return use.out.c >= MIN_CHANNELS and 2 * pixels * _window(use) <= max(use.stage.scratch_size, stack)


def _is_widened(use: _Use) -> bool:
    """Whether they make four pixels together, widened; rows of less than three have none."""
    return use.is_packed_conv and use.out.w >= MIN_PIXELS and _can_be_widened(use, 4)


def _share_widened(uses: list[_Use]) -> float:
    """Of the products of packed convolutions, those of widened pixels."""
    products = [
        (use.out.rows * use.out.w * use.out.c * _window(use), _is_widened(use)) for use in uses if use.is_packed_conv
    ]
    return sum(count for count, widened in products if widened) / max(sum(count for count, _ in products), 1)


_PARTS: Mapping[str, Callable[[_Use], bool]] = {
    "ADDRESSED": _needs_addressed,
    "IM2COL": _needs_im2col,
    "DILATED_IM2COL": lambda use: _needs_im2col(use) and use.stage.dilation_w != 1,
    "ODD_CHANNELS": lambda use: use.is_packed_conv and (use.out.c % 2 != 0 or use.out.c < _FOUR),
    "SPARE_CHANNELS": lambda use: use.is_packed_conv and use.out.c % 4 != 0,
    "SPARE_DEPTHWISE": lambda use: use.is_packed_depthwise and use.out.c % 4 != 0,
    "COLUMNS": lambda use: _needs_columns(use) and use.stage.stride_w == 1,
    "COLUMNS_OF_TWO": lambda use: _needs_columns(use) and use.stage.stride_w == 2,
    "NEGATIVE_COLUMNS": lambda use: _needs_columns(use) and use.stage.act_min < use.stage.out_zero,
    "NARROW_PAIRS": lambda use: use.is_packed_conv and not _can_be_widened(use, 2),
    "NEGATIVE_WIDENED": lambda use: _is_widened(use) and use.stage.act_min < use.stage.out_zero,
    "SINGLE_COLUMNS": lambda use: use.stage.layout == Layout.PACKED and use.stage.kernel_w == 1 < use.stage.kernel_h,
    "CLAMPS": lambda use: use.stage.layout == Layout.PACKED and (use.stage.act_min, use.stage.act_max) != _INT8,
    "ENLARGING": lambda use: use.op in _ENLARGING,
    "GLOBAL_MEAN": lambda use: use.op is StageOp.GLOBAL_POOL and use.stage.args[0] == 1,
    "GLOBAL_MAX": lambda use: use.op is StageOp.GLOBAL_POOL and use.stage.args[0] == 2,
}
"""Parts of ``msf_parts.h``, and whether a stage needs them."""
