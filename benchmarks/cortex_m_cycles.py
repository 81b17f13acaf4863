"""Cycles of Cortex-M cores, estimated: how often each instruction ran under QEMU, times what Arm's manuals say.

These cores cannot be had in RTL. An estimate knows instructions, taken branches and the lines that a cache has to fetch
from flash; it does not know the pipeline's every corner. With memory that never waits it is:

- Cortex-M4 (TRM 100166, table 3-1): a load 2, or 1 right behind another load or store; multiples of registers 1 + N;
  products and sums of products 1; a taken branch 1 + 2 to refill the pipeline; a division 7 (2 to 12).
- Cortex-M33 (TRM 100230, section 3.3 says less; one issue, as the M4): a load 1, and 1 more where the next instruction
  needs it; multiples 1 + N; a taken branch 1 + 2.
- Cortex-M55 (TRM 101051, two beats of a vector in each cycle): a vector instruction 2, and 1 where it overlaps with one
  of another kind (memory, products, other) right before it; a taken branch 1 + 2, but the end of a low-overhead loop 0.
  Loads of single registers as on the M33.

Flash with wait states adds lines times what a line costs. For the STM32F4's ART accelerator (lines of 16 bytes, code
and data apart), that is the number of wait states.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from benchmarks.emulator import Core, Disassembled, Profile, disassemble, profile

REFILL = 2
"""Cycles for the pipeline to be filled again behind a taken branch."""

ART_WAIT_STATES = 5
"""Of an STM32F4's flash at its highest clock."""


class Neighbours(NamedTuple):
    """The instructions before and behind one, by address."""

    before: Disassembled | None
    behind: Disassembled | None


Cost = Callable[[Disassembled, Neighbours], float]
"""Cycles of an instruction between its neighbours, taken branches apart."""


@dataclass(frozen=True)
class Cycles:
    """One inference: instructions, cycles with memory that never waits, and lines fetched by each kind of cache."""

    instructions: int
    cycles: float
    lines: Mapping[str, int]

    @property
    def with_art(self) -> float:
        """Cycles behind the ART accelerator of an STM32F4 whose flash has ``ART_WAIT_STATES``."""
        return self.cycles + ART_WAIT_STATES * (self.lines["art_code"] + self.lines["art_data"])


def estimate(core: Core, elf: Path) -> Cycles:
    """Runs firmware on a core of :data:`COSTS` and estimates the cycles of its last inference."""
    return estimate_of(core.name, profile(core, elf), disassemble(core, elf))


def estimate_of(core: str, run: Profile, program: Mapping[int, Disassembled]) -> Cycles:
    """Adds up what ran."""
    addresses = sorted(program)
    neighbours = zip([None, *addresses[:-1]], addresses, [*addresses[1:], None], strict=True)
    cost, total, count = COSTS[core], 0.0, 0
    for before, at, behind in neighbours:
        ran, taken = run.ran.get(at, (0, 0))
        if ran == 0:
            continue
        instruction = program[at]
        refills = 0 if _base(instruction) in ("le", "letp") else REFILL
        total += ran * cost(instruction, Neighbours(_at(program, before), _at(program, behind))) + taken * refills
        count += ran
    return Cycles(count, total, run.lines)


def _at(program: Mapping[int, Disassembled], address: int | None) -> Disassembled | None:
    return None if address is None else program[address]


def _base(instruction: Disassembled) -> str:
    """The mnemonic without its width."""
    return instruction.mnemonic.split(".")[0]


def _m4(instruction: Disassembled, near: Neighbours) -> float:
    base = _base(instruction)
    follows_memory = near.before is not None and _base(near.before).startswith(("ldr", "str"))
    if base.startswith(_MULTIPLES):
        return 1 + registers(instruction.operands)
    if base in ("ldrd", "strd"):
        return 2 if follows_memory else 3
    if base.startswith("ldr"):
        return 1 if follows_memory else 2
    if base.startswith(("vldr", "vstr")):
        return 2
    return _DIVISION if base in ("sdiv", "udiv") else 1


def _m33(instruction: Disassembled, near: Neighbours) -> float:
    base = _base(instruction)
    if base.startswith(_MULTIPLES):
        return 1 + registers(instruction.operands)
    if base in ("ldrd", "strd"):
        return 2
    if base.startswith("ldr"):
        return 2 if near.behind is not None and _uses(near.behind, instruction.operands.split(",")[0]) else 1
    return _DIVISION if base in ("sdiv", "udiv") else 1


def _m55(instruction: Disassembled, near: Neighbours) -> float:
    kind = _vector_kind(instruction)
    if kind is not None:
        overlaps = near.before is not None and _vector_kind(near.before) not in (None, kind)
        return 1 if overlaps else 2
    if _base(instruction) in ("le", "letp"):
        return 0
    return _m33(instruction, near)


COSTS: Mapping[str, Cost] = {"m4": _m4, "m33": _m33, "m55": _m55}
"""What an instruction takes on each core, as the manuals say."""

_MULTIPLES = ("ldm", "stm", "push", "pop", "vldm", "vstm", "vpush", "vpop")
_DIVISION = 7


def registers(operands: str) -> int:
    """How many registers a list like ``{r0, r4-r7, lr}`` names."""
    names = re.search(r"\{(.*)\}", operands)
    assert names is not None, operands
    count = 0
    for part in names.group(1).split(","):
        first, _, last = part.strip().partition("-")
        count += _number(last) - _number(first) + 1 if last else 1
    return count


_NAMES = {"sl": 10, "fp": 11, "ip": 12, "sp": 13, "lr": 14, "pc": 15}


def _number(register: str) -> int:
    return _NAMES[register] if register in _NAMES else int(register.lstrip("rsd"))


def _uses(instruction: Disassembled, register: str) -> bool:
    """True if an instruction reads a register: for stores any operand, else any but the first."""
    operands = instruction.operands
    sources: Sequence[str] = [operands]
    if not _base(instruction).startswith(("str", "stm", "push", "cmp", "cmn", "tst", "cb", "smla", "mla")):
        sources = operands.split(",")[1:]
    return any(re.search(rf"\b{register}\b", source) for source in sources)


_PRODUCTS = ("vml", "vmul", "vqdmul", "vqrdmul", "vrmul", "vfma")


def _vector_kind(instruction: Disassembled) -> str | None:
    """What part of the M55's vector unit an instruction occupies; None for scalar ones."""
    base = _base(instruction)
    if not base.startswith("v") or not re.search(r"\bq\d", instruction.operands):
        return None
    if base.startswith(("vldr", "vstr", "vld", "vst")):
        return "memory"
    return "products" if base.startswith(_PRODUCTS) else "other"
