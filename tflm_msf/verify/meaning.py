"""What a program and its parameters mean, whatever their order and layout: for files that another version wrote.

Offsets are replaced by the bytes that lie there, tensor records by what they hold and who made it. Two blocks with
the same stages compute the same; how they keep their tensors, the schedule, may differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tflm_msf.format import NONE, Layout, Program, ProgramFlag, Stage, StageFlag, StageOp, Tensor

WEIGHTED = (
    StageOp.CONV_2D,
    StageOp.GROUPED_CONV_2D,
    StageOp.DEPTHWISE_CONV_2D,
    StageOp.FULLY_CONNECTED,
    StageOp.TRANSPOSE_CONV,
)


@dataclass(frozen=True)
class BlockMeaning:
    """A block's stages, each field by its name."""

    is_streamed: bool
    stages: tuple[Mapping[str, Any], ...]


def meaning_of(program: bytes, params: bytes) -> BlockMeaning:
    """Reads a block, of whichever version. Raises ValueError or LookupError if the program is damaged."""
    return _Reader(Program.unpack(program), params).read()


class _Reader:
    def __init__(self, program: Program, params: bytes) -> None:
        self._program = program
        self._params = params

    def read(self) -> BlockMeaning:
        return BlockMeaning(
            is_streamed=bool(self._program.header.flags & ProgramFlag.STREAMED),
            stages=tuple(self._stage(number, stage) for number, stage in enumerate(self._program.stages)),
        )

    def _stage(self, number: int, stage: Stage) -> Mapping[str, Any]:
        tensors = self._program.tensors
        inputs = [index for index in (*stage.inputs, stage.third) if index != NONE]
        out = tensors[stage.out]
        fields: dict[str, Any] = {
            "operator": StageOp(stage.op).name,
            "clamp": (stage.act_min, stage.act_max),
            "inputs": tuple(self._source(number, index) for index in inputs),
            "output": (_map(out), out.type, out.flags, out.start, out.history),
            "window": _window(stage),
            "zero points": (stage.in_zero, stage.third_zero, stage.out_zero),
            "zoom": (stage.zoom_h, stage.zoom_w),
        }
        return fields | self._constants(stage, [tensors[index] for index in inputs])

    def _source(self, number: int, index: int) -> tuple[Any, ...]:
        """Who makes a tensor, and how it is seen: a stage, an input operand, or the bytes of a constant."""
        tensor = self._program.tensors[index]
        for earlier in range(number - 1, -1, -1):
            made = self._program.stages[earlier].out
            if made == index or (tensor.producer != NONE and _place(self._program.tensors[made]) == _place(tensor)):
                return ("stage", earlier, _map(tensor))
        if tensor.operand == self._program.header.params_operand:
            return ("constant", self._bytes(tensor.offset, _elements(tensor)))
        return ("operand", tensor.operand, tensor.offset, _map(tensor))

    def _constants(self, stage: Stage, inputs: list[Tensor]) -> dict[str, Any]:
        op = StageOp(stage.op)
        if op not in WEIGHTED:
            return {"table": self._bytes(stage.weights, self._table_bytes(stage)), "arguments": stage.args}
        channels = self._program.tensors[stage.out].c
        scales = 1 if stage.flags & StageFlag.UNIFORM else channels
        kinds = ("<u4", np.uint8) if stage.layout == Layout.PACKED else ("<i4", np.int8)
        return {
            "layout": stage.layout,
            "weights": self._bytes(stage.weights, _weight_bytes(stage, inputs[0], channels)),
            "bias": self._bytes(stage.bias, 4 * channels),
            "multipliers": _for_all(self._bytes(stage.multipliers, 4 * scales), kinds[0], channels),
            "shifts": _for_all(self._bytes(stage.shifts, scales), kinds[1], channels),
            "arguments": self._arguments(stage, inputs[0]),
        }

    def _table_bytes(self, stage: Stage) -> int:
        sizes = {
            StageOp.TABLE: 256,
            StageOp.SOFTMAX: 1024,
            StageOp.TABLE_OF_WORDS: 1024,
            StageOp.SOURCE: 256 if stage.args[0] else 0,
            StageOp.GATHER: 2 * self._program.tensors[stage.out].c,
        }
        return sizes.get(StageOp(stage.op), 0)

    def _arguments(self, stage: Stage, source: Tensor) -> tuple[Any, ...]:
        """Those of a convolution with packed weights say where a pixel of the padding lies."""
        if stage.layout != Layout.PACKED:
            return stage.args
        at = 1 if stage.op == StageOp.DEPTHWISE_CONV_2D else 0
        is_pointwise = _window(stage) == (1, 1, 1, 1, 1, 1, 0, 0)
        padding = b"" if is_pointwise else self._bytes(stage.args[at], source.c)
        return (*stage.args[:at], padding, *stage.args[at + 1 :])

    def _bytes(self, offset: int, count: int) -> bytes:
        if not 0 <= offset <= len(self._params) - count:
            raise ValueError("a section lies outside of the parameters")
        return self._params[offset : offset + count]


def _map(tensor: Tensor) -> tuple[int, int, int]:
    return tensor.rows, tensor.w, tensor.c


def _elements(tensor: Tensor) -> int:
    return tensor.rows * tensor.w * tensor.c


def _place(tensor: Tensor) -> tuple[int, int, int, int]:
    return tensor.producer, tensor.operand, tensor.kind, tensor.offset


def _window(stage: Stage) -> tuple[int, ...]:
    sizes = stage.kernel_h, stage.kernel_w, stage.stride_h, stage.stride_w, stage.dilation_h, stage.dilation_w
    return (*sizes, stage.pad_top, stage.pad_left)


def _weight_bytes(stage: Stage, source: Tensor, channels: int) -> int:
    taps = stage.kernel_h * stage.kernel_w
    if stage.op == StageOp.DEPTHWISE_CONV_2D:
        return taps * channels
    if stage.op == StageOp.FULLY_CONNECTED:
        return _elements(source) * channels
    if stage.op == StageOp.TRANSPOSE_CONV:
        return stage.args[0] * stage.args[1] * source.c * channels
    if stage.op == StageOp.GROUPED_CONV_2D:
        return taps * stage.args[0] * channels
    values = taps * source.c
    return (-(-values // 4) * 4 if stage.layout == Layout.PACKED else values) * channels


def _for_all(content: bytes, kind: Any, channels: int) -> tuple[int, ...]:
    return tuple(np.broadcast_to(np.frombuffer(content, kind), channels).tolist())
