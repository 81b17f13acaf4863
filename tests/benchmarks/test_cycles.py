"""Cycles: the estimates add up by hand, and README's figures are those of this code."""

from __future__ import annotations

import pytest

from benchmarks.bench import prepare
from benchmarks.cortex_m_cycles import COSTS, estimate, estimate_of, registers
from benchmarks.cycles import (
    CORES,
    MODELS,
    NEVER_WAITS,
    PER_INSTRUCTION,
    TABLE,
    VARIANTS,
    cycles_per_instruction,
    cycles_toml,
    lines_per_cycle,
    perform,
    read_results,
    table,
)
from benchmarks.emulator import Disassembled, Profile, build, load_core
from benchmarks.pages import shown_table
from testing.corpus import corpus_model
from tests.platformio.pio import need_emulators
from tflm_msf.cost.cycles import cycles_of, energy_of, lines_of
from tflm_msf.report.analysis import time_text

TOLERANCE = 0.02
QUICK = {
    ("mlperf__kws_dscnn", "m4"),
    ("mlperf__kws_dscnn", "m55"),
    ("mlperf__kws_dscnn", "rp2040"),
    ("mlperf__strm_ww_1d", "vexriscv"),
}


def loop(body: str, count: int) -> dict[str, str]:
    """A loop of ``count`` turns between the marks, written in assembly."""
    return {
        "main.c": f"""
#include <stdint.h>
#include "probe.h"
static int8_t bytes[4 * {count} + 16];
int main(void) {{
  int8_t *from = bytes;
  int32_t sum = 0, turns = {count};
  PROBE_BEGIN();
  __asm__ volatile(".balign 4\\n1:\\n{body} subs %2, %2, #1\\n bne 1b\\n"
                   : "+r"(from), "+r"(sum), "+r"(turns) : : "r4", "r5", "r6", "memory", "cc");
  PROBE_END();
  return sum;
}}
"""
    }


@pytest.mark.parametrize(
    ("body", "turn"),
    [
        # load 2, product 1, count 1, branch 1 + 2
        ("ldrb r4, [%0], #1\\n mla %1, r4, r4, %1\\n", 7),
        # load 2, the next one 1, two unpackings, two double products, count 1, branch 1 + 2
        ("ldr r4, [%0], #4\\n ldr r5, [%0]\\n sxtb16 r6, r4\\n sxtb16 r5, r5\\n smlad %1, r6, r5, %1\\n"
         " smlad %1, r6, r5, %1\\n", 11),
        # three registers at once 1 + 3, store 1, count 1, branch 1 + 2
        ("ldm %0, {{r4, r5, r6}}\\n str r4, [%0]\\n", 9),
    ],
)  # fmt: skip
def test_an_estimate_is_what_one_counts_by_hand(body: str, turn: int) -> None:
    need_emulators()
    core = load_core("m4")
    few, many = (estimate(core, build(core, loop(body.format(), count))).cycles for count in (1000, 2000))
    assert many - few == 1000 * turn


def test_lists_of_registers() -> None:
    assert registers("sp!, {r4, r5, r6, r7, lr}") == 5
    assert registers("r0!, {r4-r7, r9-fp, lr}") == 8
    assert registers("{d8-d15}") == 8


def test_vectors_of_different_kinds_overlap() -> None:
    words = ["vldrw.u32 q0, [r0]", "vmladava.s8 lr, q0, q1", "vldrw.u32 q1, [r1]", "vldrw.u32 q2, [r1]", "letp lr, 1"]
    program = {4 * i: Disassembled(*word.partition(" ")[::2], "f") for i, word in enumerate(words)}
    run = Profile(dict.fromkeys(program, (1, 0)), {})
    assert estimate_of("m55", run, program).cycles == 2 + 1 + 1 + 2 + 0


def test_readme_has_the_table() -> None:
    assert shown_table(TABLE) == table(read_results())


def test_every_row_was_measured() -> None:
    found = {(result.model, result.core, result.variant) for result in read_results()}
    assert found == {(model, core, variant) for model in MODELS for core in CORES for variant in VARIANTS}


def test_cycles_of_the_tool_are_those_that_were_found() -> None:
    """Of whole models, so that none is far from what was found for it."""
    results = read_results()
    assert PER_INSTRUCTION.read_text() == cycles_toml(results)
    ratios = cycles_per_instruction(results)
    assert set(ratios) == {*COSTS, "rv32", "m0plus"}
    alike = [r for r in results if r.core in COSTS and r.memory == NEVER_WAITS and r.instructions_per_mac]
    assert len(alike) == len(COSTS) * len(MODELS) * len(VARIANTS)
    for result in alike:
        predicted = cycles_of(result.instructions_per_mac or 0.0, result.core)
        assert predicted == pytest.approx(result.cycles_per_mac, rel=0.1), result


def test_energy_is_cycles_times_a_data_sheet() -> None:
    energy = energy_of(1e6, 0.0, "m4")
    assert energy is not None
    assert energy.chip == "STM32L476"
    assert energy.microjoules == pytest.approx(330.0)  # 100 uA/MHz at 3.3 V: 330 pJ a cycle
    waiting = energy_of(1e6, 10_000.0, "m4")
    assert waiting is not None and waiting.microjoules == pytest.approx(330.0 * 1.2)  # 20 cycles a line
    assert energy_of(None, 0.0, "m4") is None and energy_of(1.0, None, "m4") is None
    assert (cycles_of(1.0, "lx106"), lines_of(1.0, "lx106"), energy_of(1.0, 0.0, "m55")) == (None, None, None)


def test_lines_of_the_tool_are_the_mean_of_whole_models() -> None:
    found = lines_per_cycle(read_results())
    assert set(found) == {*COSTS, "rv32"}
    assert all(lines_of(1e6, core) == pytest.approx(1e6 * found[core]) for core in (*COSTS, "rv32"))


ALL = [
    pytest.param(model, core, marks=[] if (model, core) in QUICK else pytest.mark.slow)
    for model in MODELS
    for core in CORES
]


@pytest.mark.parametrize(("model", "core"), ALL)
def test_cycles_are_those_of_the_results(model: str, core: str) -> None:
    need_emulators(simulators=True)
    corpus_model(model)
    known = {(r.variant, r.memory): r for r in read_results() if (r.model, r.core) == (model, core)}
    for job in prepare(model, VARIANTS, [core]):
        for result in perform(job):
            expected = known[result.variant, result.memory]
            assert result.cycles == pytest.approx(expected.cycles, rel=TOLERANCE), result
            assert (result.lines or 0) == pytest.approx(expected.lines or 0, rel=TOLERANCE), result


def test_the_first_screen_says_what_is_estimated() -> None:
    known = {"core": "m4", "instructions": 5_240_000, "cycles": 6_530_000, "slowdown": 1.0, "flash_lines": 31_200}
    energy = {"chip": "STM32L476", "microjoules": 2154.9}
    assert time_text({**known, "energy": energy}) == (
        "Estimated on m4: 5.2 M instructions, 6.5 M cycles, 31 k lines from flash, 2.15 mJ (STM32L476)"
    )
    unknown = dict.fromkeys(("cycles", "flash_lines", "energy"))
    assert time_text({**known, **unknown}) == "Estimated on m4: 5.2 M instructions"
