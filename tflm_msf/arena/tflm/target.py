"""Sizes of TFLM's structs on each target.

Structs of plain fields are written as layout strings and sized by the C rules (every field at a multiple of its
alignment, the whole rounded up to the largest one); C++ classes with virtual functions are plain numbers. All of them
were checked with ``sizeof`` against TFLM's headers: x86-64 gcc, ``arm-none-eabi-gcc`` for a Cortex-M4, and the latter
with ``-fno-short-enums`` for the targets whose enums are ``int``. What the wheel has beyond those headers was measured.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

ALIGNMENT = 16
"""TFLM's arena alignment in bytes: of every tensor, scratch buffer and kernel allocation."""

MAX_SCRATCH_PER_OP = 12
"""Scratch requests that TFLM sets space aside for, ahead of every operator."""

EVAL_TENSOR = "ppe"
TENSOR = "ep" + "ii" + "pp" + "p" + "eeb"
AFFINE_QUANTIZATION = "ppi"
NODE_AND_REGISTRATION = "6pip"
SUBGRAPH_ALLOCATIONS = "2p[p]"
BUILTIN_DATA_ALLOCATOR = "2p"
SCRATCH_HANDLE = "p"
SCRATCH_REQUEST = "pii"
ALLOCATION_INFO = "pp3ib"

PLANNED_BUFFER = "10i"
"""What the greedy planner keeps per buffer while it plans: requirements, two sort keys, a list entry, the offset."""


@dataclass(frozen=True)
class Target:
    """One way TFLM is compiled. Sizes in bytes.

    ``allocators`` are the sizes of the objects at the arena's very end, in order of creation. ``wheel`` says that
    structs have the members which only the wheel has: it is built with support for compressed tensors, from sources
    of October 2026; the other targets stand for the usual build of sources of August 2026.
    """

    name: str
    pointer: int
    enum: int
    allocators: tuple[int, ...]
    wheel: bool = False


WHEEL64 = Target("x86-64 (tflite-micro wheel)", pointer=8, enum=4, allocators=(104, 72, 272), wheel=True)
"""The ``tflite-micro`` wheel on x86-64, whose recording allocator is larger than the usual one. Every figure of a
prediction for it was seen to be what the wheel reports."""

MCU32 = Target("32-bit Arm", pointer=4, enum=1, allocators=(36, 44, 36))
"""TFLM's reference kernels on a Cortex-M (``arm-none-eabi``: enums as small as possible, ``TF_LITE_STATIC_MEMORY``,
which upstream always defines). Predictions for it were seen to be what TFLM reports on an emulated Cortex-M4."""

MCU32_INT_ENUMS = Target("32-bit RISC-V or Xtensa", pointer=4, enum=4, allocators=(36, 44, 36))
"""As :data:`MCU32` where enums are ``int``, as on RISC-V and Xtensa. Known by ``sizeof`` only, never measured."""


@cache
def layout(fields: str, target: Target) -> tuple[int, int]:
    """Size and alignment in bytes of a C struct.

    ``fields`` names its members in order, each with an optional repeat count: ``b`` 1 byte, ``h`` 2, ``i`` 4 (int,
    float), ``q`` 8 (int64, double), ``p`` a pointer or size_t, ``e`` an enum. Members in brackets are the wheel's.
    """
    if not target.wheel:
        fields = re.sub(r"\[.*?\]", "", fields)
    width = {"b": 1, "h": 2, "i": 4, "q": 8, "p": target.pointer, "e": target.enum}
    size, widest = 0, 1
    for count, kind in re.findall(r"(\d*)([bhiqpe])", fields):
        widest = max(widest, width[kind])
        size = align_up(size, width[kind]) + width[kind] * int(count or 1)
    return align_up(size, widest), widest


def align_up(value: int, alignment: int) -> int:
    """``value`` bytes rounded up to a multiple of ``alignment``."""
    return -(-value // alignment) * alignment
