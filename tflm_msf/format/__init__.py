"""The program format of ``tflm_kernels/SPEC.md`` in plain values, for encoder, decoder and tests."""

from tflm_msf.format.codes import (
    CUSTOM_CODE,
    MAGIC,
    NO_OPERAND,
    NONE,
    VERSION,
    GroupKind,
    Layout,
    Order,
    ProgramFlag,
    RowFormat,
    StageFlag,
    StageOp,
    TensorFlag,
    TensorKind,
    ValueType,
)
from tflm_msf.format.program import Program, fast_size, is_streamed, state_size
from tflm_msf.format.records import Fast, Group, Header, Stage, Tensor

__all__ = [
    "CUSTOM_CODE",
    "MAGIC",
    "NONE",
    "NO_OPERAND",
    "VERSION",
    "Fast",
    "Group",
    "GroupKind",
    "Header",
    "Layout",
    "Order",
    "Program",
    "ProgramFlag",
    "RowFormat",
    "Stage",
    "StageFlag",
    "StageOp",
    "Tensor",
    "TensorFlag",
    "TensorKind",
    "ValueType",
    "fast_size",
    "is_streamed",
    "state_size",
]
