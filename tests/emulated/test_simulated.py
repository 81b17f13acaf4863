"""The simulated cores as rulers: do they count what their manuals say, compare and stop as they should?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import emulator
from benchmarks.emulator import OPTIMIZED, SIMULATED, EmulatorError, build, load_core, run
from tests.emulated.test_emulator import program
from tflm_msf.export import kernel_sources

INNER_LOOPS = Path(__file__).parent / "inner_loops.c"
LINES = 1024
TABLE_BYTES = 32 * LINES


def repeated(instruction: str, before: str = "") -> dict[str, str]:
    return program(
        f'{before} PROBE_BEGIN(); __asm__ volatile(".rept 100\\n {instruction}\\n .endr" ::: "r0", "r1", "memory");'
        " PROBE_END(); return 0;"
    )


@pytest.mark.parametrize(
    ("instruction", "cycles"),
    [
        ("nop", 100),
        ("mul r0, r1", 100),
        ("ldr r0, [sp]", 200),
        ("b 1f\\n 1:", 200),
        ("push {r0, r1}\\n pop {r0, r1}", 600),
    ],
)
def test_rp2040_takes_what_the_manual_of_the_cortex_m0_plus_says(instruction: str, cycles: int) -> None:
    core = load_core("rp2040")
    done = run(core, build(core, repeated(instruction)))
    assert done.cycles == (cycles,)
    assert done.instructions == (100 * (1 + instruction.count("pop")),)


def test_vexriscv_takes_a_cycle_for_an_addition() -> None:
    core = load_core("vexriscv")
    spent = []
    for count in (100, 600):
        additions = f'__asm__ volatile(".option norvc\\n .rept {count}\\n addi a5, a5, 1\\n .endr" ::: "a5");'
        twice = f"for (volatile int i = 0; i < 2; i++) {{ PROBE_BEGIN(); {additions} PROBE_END(); }} return 0;"
        spent.append(run(core, build(core, program(twice))).cycles[1])
    assert spent[1] - spent[0] == 500  # the second time, all of it is in the instruction cache


READ_TABLE = f"static const int table[{TABLE_BYTES // 4}] __attribute__((aligned(64))) = {{1}};"
READ = (
    "const volatile int *from = table; int sum = 0; PROBE_BEGIN();"
    " for (unsigned i = 0; i < sizeof table / 4; i++) sum += from[i]; PROBE_END();"
)


@pytest.mark.parametrize(("name", "line", "options"), [("vexriscv", 32, ["--flash-cache"]), ("rp2040", 8, [])])
def test_lines_that_the_cache_of_the_flash_fetches_are_counted(name: str, line: int, options: list[str]) -> None:
    core = load_core(name)
    elf = build(core, program(READ + " return sum != 1;", READ_TABLE))
    done = run(core, elf, options)
    assert done.status == 0
    expected = TABLE_BYTES // line
    assert expected <= done.lines[0] <= expected + 40  # and the code


def test_flash_that_waits_takes_longer() -> None:
    core = load_core("vexriscv")
    elf = build(core, program(READ + " return sum != 1;", READ_TABLE))
    words = TABLE_BYTES // 4
    at_once, waiting = (run(core, elf, ["--flash-waits", waits]).cycles[0] for waits in ("0", "2"))
    assert 2 * words <= waiting - at_once <= 2 * words + 500


@pytest.mark.parametrize("name", SIMULATED)
def test_the_status_of_the_firmware_is_that_of_the_run(name: str) -> None:
    core = load_core(name)
    done = run(core, build(core, program('printf("hello\\n"); return 7;')))
    assert (done.status, done.output) == (7, "hello\n")


@pytest.mark.parametrize("name", SIMULATED)
def test_a_stray_access_ends_the_run(name: str) -> None:
    core = load_core(name)
    with_fault = build(core, program("*(volatile int *)0xF0000000u = 1; return 0;"))
    if name == "vexriscv":
        assert run(core, with_fault).status == 99
    else:
        with pytest.raises(EmulatorError, match="access to 0xf0000000"):
            run(core, with_fault)


@pytest.mark.parametrize("name", SIMULATED)
def test_a_hang_ends_the_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator, "TIMEOUT_SECONDS", 1)
    core = load_core(name)
    with pytest.raises(EmulatorError, match=f"did not end within 1 s on {name}"):
        run(core, build(core, program('for (;;) __asm__ volatile("");')))


@pytest.mark.parametrize("name", SIMULATED)
def test_inner_loops(name: str) -> None:
    core = load_core(name)
    main = re.sub(r"JOBS \d+", "JOBS 30", INNER_LOOPS.read_text())
    done = run(core, build(core, {**kernel_sources(), "main.c": main}, OPTIMIZED))
    assert done.status == 0, done.output
    assert "0 of 30 jobs differ" in done.output
