"""A target is a build of TFLM: how wide pointers and enums are, with static memory or not, of which generation.

Structs of plain fields are written as layout strings and sized by the C rules (every field at a multiple of its
alignment, the whole rounded up to the largest one); C++ classes with virtual functions are plain numbers. All of them
were checked with ``sizeof`` against the headers of five TFLM libraries (docs/TARGETS.md): x86-64 gcc,
``arm-none-eabi-gcc`` for a Cortex-M4, and the latter with ``-fno-short-enums`` for the targets whose enums are ``int``.
What the wheel has beyond those headers was measured.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from enum import IntEnum
from functools import cache

from tflm_msf.errors import MsfError
from tflm_msf.sizes import align_up

MAX_SCRATCH_PER_OP = 12
"""Scratch requests that TFLM sets space aside for, ahead of every operator."""

EVAL_TENSOR = "ppe"
TENSOR = "ep2i3p2eb|e2p2ie4pi2b4p"
AFFINE_QUANTIZATION = "ppi"
NODE_AND_REGISTRATION = "6pip|7pipbp"
SUBGRAPH_ALLOCATIONS = "2p[p]"
BUILTIN_DATA_ALLOCATOR = "2p"
RESOURCE_VARIABLES = "p2i"
RESOURCE_VARIABLE = "4pb"
SCRATCH_HANDLE = "p"
SCRATCH_REQUEST = "pii"
ALLOCATION_INFO = "pp3ib"

PLANNED_BUFFER = "10i"
"""What the greedy planner keeps per buffer while it plans: requirements, two sort keys, a list entry, the offset."""


class Generation(IntEnum):
    """Sources of TFLM that allocate and compute alike, by the year after which there were no others.

    docs/TARGETS.md says which library has which, and what changed when.
    """

    TFLM_2021 = 2021
    """Messages go to an ErrorReporter; until October 2022."""
    TFLM_2023 = 2023
    """No ErrorReporter, and a MEAN that truncates; until April 2023."""
    TFLM_2024 = 2024
    """All later ones."""


@dataclass(frozen=True)
class Target:
    """One way a model is run: a build of TFLM, or the exported C, which has no pointers or enums in its arena.

    ``name`` is what ``--target`` takes, ``about`` what people read. Sizes in bytes. ``static`` is whether
    TF_LITE_STATIC_MEMORY is defined: without it, tensors and nodes have more members. ``wheel`` says that structs have
    the members which only the wheel has: it is built with support for compressed tensors.
    """

    name: str
    about: str
    pointer: int = 4
    enum: int = 1
    static: bool = True
    generation: Generation = Generation.TFLM_2024
    wheel: bool = False

    @property
    def is_tflm(self) -> bool:
        """False for exported C."""
        return self != C_EXPORT

    @property
    def allocators(self) -> tuple[int, ...]:
        """Sizes of the objects at the arena's very end, in order of creation."""
        if self.wheel:  # its recording allocator is larger than the usual one
            return (104, 72, 272)
        reporter = 4 if self.generation is Generation.TFLM_2021 else 0
        return (36 + reporter, 44, 36 + reporter)

    @property
    def block_bytes(self) -> int:
        """What one more fusion block adds to the tail: an operator, and its output, parameters and workspace."""
        if not self.is_tflm:
            return 0
        return layout(NODE_AND_REGISTRATION, self)[0] + 3 * layout(EVAL_TENSOR, self)[0]

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        if not self.is_tflm:
            return {"name": self.name, "about": self.about}
        return {
            "name": self.name,
            "about": self.about,
            "pointer_bytes": self.pointer,
            "enum_bytes": self.enum,
            "static_memory": self.static,
            "generation": int(self.generation),
        }


WHEEL64 = Target("wheel", "TFLM on this computer (64 bits, tflite-micro wheel)", pointer=8, enum=4, wheel=True)
"""The ``tflite-micro`` wheel on x86-64, from sources of October 2026. Every figure of a prediction for it was seen to
be what the wheel reports."""

C_EXPORT = Target("c", "exported C, without TFLM")
"""The arena of `export --format c`: tensors and workspaces, nothing else."""

_FAMILIES = {"arm": ("Arm", 1), "riscv": ("RISC-V", 4), "xtensa": ("Xtensa", 4)}
"""Their names, and the bytes of an enum: on Arm (``arm-none-eabi``) as few as possible."""


def _tflm32(family: str, static: bool, generation: Generation) -> Target:
    title, enum = _FAMILIES[family]
    memory = "static" if static else "dynamic"
    later = " and later" if generation is max(Generation) else ""
    about = f"32-bit {title}, TFLM of {int(generation)}{later}, {memory} memory"
    return Target(f"{family}-{memory}-{int(generation)}", about, 4, enum, static, generation)


TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        *(_tflm32(f, static, generation) for f in _FAMILIES for static in (True, False) for generation in Generation),
        C_EXPORT,
    )
}
"""By name: what ``--target`` takes."""

MCU32 = TARGETS["arm-static-2024"]
"""What is shown if no target is named. Predictions were seen to be what TFLM reports on an emulated Cortex-M4."""

MCU32_INT_ENUMS = TARGETS["riscv-static-2024"]
"""As :data:`MCU32` where enums are ``int``, as on RISC-V and Xtensa. Known by ``sizeof`` only, never measured."""

ANY_TFLM = (MCU32_INT_ENUMS, TARGETS["riscv-dynamic-2021"])
"""For what shall hold wherever a model ends up: the 32-bit builds, with static memory and without, that take no less
than any that a library is known to have."""


def find_target(name: str) -> Target:
    """The target of a name. Raises :class:`MsfError` if there is none; the message names the closest or all parts."""
    found = TARGETS.get(name.lower().replace("_", "-"))
    if found is not None:
        return found
    close = difflib.get_close_matches(name.lower(), TARGETS, n=2, cutoff=0.7)
    known = f"did you mean {' or '.join(close)}?" if close else "write arm-static-2024, say, or c (docs/TARGETS.md)."
    raise MsfError(f"there is no target '{name}'; {known}")


@cache
def layout(fields: str, target: Target) -> tuple[int, int]:
    """Size and alignment in bytes of a C struct.

    ``fields`` names its members in order, each with an optional repeat count: ``b`` 1 byte, ``h`` 2, ``i`` 4 (int,
    float), ``q`` 8 (int64, double), ``p`` a pointer or size_t, ``e`` an enum. Members in brackets are the wheel's.
    Where a bar divides them, those behind it are the members without static memory.
    """
    with_static, _, without = fields.partition("|")
    fields = with_static if target.static or not without else without
    if not target.wheel:
        fields = re.sub(r"\[.*?\]", "", fields)
    width = {"b": 1, "h": 2, "i": 4, "q": 8, "p": target.pointer, "e": target.enum}
    size, widest = 0, 1
    for count, kind in re.findall(r"(\d*)([bhiqpe])", fields):
        widest = max(widest, width[kind])
        size = align_up(size, width[kind]) + width[kind] * int(count or 1)
    return align_up(size, widest), widest
