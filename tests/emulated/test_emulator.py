"""The ruler itself: does it count, compare and stop as it should?"""

from __future__ import annotations

import random

import pytest

from benchmarks import emulator
from benchmarks.emulator import CORES, OPTIMIZED, EmulatorError, build, linked_text, load_core, run, symbol_size

ARITHMETIC = """
#include <stdint.h>
#include <stdio.h>
static volatile int64_t values[][2] = {%s};
int main(void) {
  for (unsigned i = 0; i < sizeof values / sizeof values[0]; i++) {
    const int64_t a = values[i][0], b = values[i][1];
    const uint64_t ua = (uint64_t)a, ub = (uint64_t)b;
    const int32_t c = (int32_t)a, d = (int32_t)b;
    const uint32_t uc = (uint32_t)a, ud = (uint32_t)b;
    const uint64_t results[] = {(uint64_t)(a * b),           (uint64_t)(a / b), ua / ub, ua %% ub,
                                (uint64_t)((int64_t)c * d), (uint64_t)(c / d), (uint64_t)(c %% d), uc / ud, uc %% ud};
    for (unsigned k = 0; k < sizeof results / sizeof results[0]; k++)
      printf("%%08lx%%08lx ", (unsigned long)(results[k] >> 32), (unsigned long)(results[k] & 0xFFFFFFFFu));
    printf("\\n");
  }
  return 0;
}
"""


def program(body: str, before: str = "") -> dict[str, str]:
    return {"main.c": f'#include <stdio.h>\n#include "probe.h"\n{before}\nint main(void) {{ {body} }}\n'}


@pytest.mark.parametrize("name", CORES)
def test_counts_each_instruction_between_the_marks(name: str) -> None:
    core = load_core(name)
    nops = program('PROBE_BEGIN(); __asm__ volatile(".rept 100\\n nop\\n .endr"); PROBE_END(); return 0;')
    loop = program("for (int i = 0; i < 3; i++) { PROBE_BEGIN(); PROBE_END(); } return 7;")
    assert run(core, build(core, nops)).instructions == (100,)
    done = run(core, build(core, loop))
    assert done.instructions == (0, 0, 0)
    assert done.status == 7


@pytest.mark.parametrize("name", CORES)
def test_measures_the_stack_of_a_call(name: str) -> None:
    core = load_core(name)
    before = (
        "static int deep(void) { volatile char room[1000]; room[0] = 1; return room[0]; }\n"
        "static int flat(void) { return 1; }"
    )
    body = 'uint32_t d, f; probe_call(deep, &d); probe_call(flat, &f); printf("%d %d\\n", (int)d, (int)f); return 0;'
    deep, flat = map(int, run(core, build(core, program(body, before))).output.split())
    assert 1000 <= deep <= 1064
    assert flat <= 32


@pytest.mark.parametrize("name", CORES)
def test_arithmetic_that_a_core_has_no_instruction_for(name: str) -> None:
    rng = random.Random(1)
    bits = (64, 33, 32, 31, 16, 1)
    pairs = [(rng.getrandbits(rng.choice(bits)), rng.getrandbits(rng.choice(bits)) | 1) for _ in range(60)]
    pairs += [(-(2**31), 1), (2**31 - 1, -1), (-7, 2), (7, -2), (-7, -2), (0, 5), (5, 2**31 - 1), (-(2**63), 3)]
    pairs = [(_signed(a, 64), _signed(b, 64)) for a, b in pairs]
    pairs = [(a, b) for a, b in pairs if (_signed(a, 32), _signed(b, 32)) != (-(2**31), -1)]
    values = ", ".join(f"{{(int64_t){a % 2**64}ull, (int64_t){b % 2**64}ull}}" for a, b in pairs)
    core = load_core(name)
    done = run(core, build(core, {"main.c": ARITHMETIC % values}))
    lines = [[_signed(int(word, 16), 64) for word in line.split()] for line in done.output.splitlines()]
    assert lines == [_arithmetic(a, b) for a, b in pairs]


def _signed(value: int, bits: int) -> int:
    value %= 2**bits
    return value - 2**bits if value >= 2 ** (bits - 1) else value


def _arithmetic(a: int, b: int) -> list[int]:
    c, d = _signed(a, 32), _signed(b, 32)
    ua, ub, uc, ud = a % 2**64, b % 2**64, c % 2**32, d % 2**32
    long = [a * b, _quotient(a, b), ua // ub, ua % ub]
    short = [c * d, _quotient(c, d), c - d * _quotient(c, d), uc // ud, uc % ud]
    return [_signed(result, 64) for result in (*long, *short)]


def _quotient(a: int, b: int) -> int:
    """C rounds towards zero."""
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


@pytest.mark.parametrize("name", ["m4", "m33", "m55"])
def test_a_fault_ends_the_run(name: str) -> None:
    core = load_core(name)
    elf = build(core, program("*(volatile int *)0xF0000000u = 1; return 0;"))
    assert run(core, elf).status == 99


def test_a_hang_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator, "TIMEOUT_SECONDS", 1)
    core = load_core("m4")
    elf = build(core, program('for (;;) __asm__ volatile("");'))
    with pytest.raises(EmulatorError, match="did not end within 1 s on m4"):
        run(core, elf)


def test_a_compiler_error_is_reported() -> None:
    with pytest.raises(EmulatorError, match=r"(?s)arm-none-eabi-gcc failed.*main\.c:1"):
        build(load_core("m4"), {"main.c": "int main(void) { return x; }\n"})


def test_sizes_are_those_of_what_is_used() -> None:
    core = load_core("m4")
    tables = {"a.c": "const char used[1000] = {1};\nconst char unused[5000] = {1};\nint f(int i) { return used[i]; }\n"}
    assert 1000 < linked_text(core, tables, ["f"], OPTIMIZED) < 1100
    elf = build(core, {"main.c": "int buffer[50]; int main(void) { buffer[0] = 1; return buffer[1]; }\n"})
    assert symbol_size(core, elf, "buffer") == 200
    with pytest.raises(EmulatorError, match="no variable other"):
        symbol_size(core, elf, "other")
